"""What the whole suite needs of pytest."""

from collections.abc import Generator
from typing import Any

import pytest


@pytest.hookimpl(wrapper=True)
def pytest_report_to_serializable() -> Generator[None, Any, Any]:
    """Let a worker of pytest-xdist report on a test that logged or showed what is no UTF-8.

    Some tests do so by design, with a lone surrogate; execnet would end the run.
    """
    report = yield
    return _sendable(report)


def _sendable(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode(errors="backslashreplace").decode()
    if isinstance(value, dict):
        return {name: _sendable(part) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(map(_sendable, value))
    return value
