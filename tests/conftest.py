"""What the whole suite needs of pytest."""

import asyncio
import gc
import importlib
import os
from collections.abc import Generator, Mapping
from typing import Any

import hypothesis
import pytest

from chatstate.cli.loops import LoopFactory

# Else each process that a test starts compiles all of chatstate again, for half a second.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

# How long an example takes tells of the machine, and of what else it does.
hypothesis.settings.register_profile("untimed", hypothesis.settings.default, deadline=None)
hypothesis.settings.load_profile("untimed")

ON_BOTH_LOOPS = ("engine", "crash")
"""Folders whose tests run on uvloop, too, where it must be installed: under CI=true."""


def pytest_asyncio_loop_factories(item: pytest.Item) -> Mapping[str, LoopFactory]:
    """Say on which event loops a test runs, once on each."""
    loops: dict[str, LoopFactory] = {"asyncio": asyncio.new_event_loop}
    if os.environ.get("CI") == "true" and item.path.parent.name in ON_BOTH_LOOPS:
        loops["uvloop"] = importlib.import_module("uvloop").new_event_loop
    return loops


def pytest_xdist_auto_num_workers() -> int:
    """Say how many processes share the tests, which spend a third of their time on waiting."""
    return 2 * (os.cpu_count() or 1)


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, Any, Any]:
    """Collect no garbage while tests are collected: all that is made then stays to the end.

    Looking at it again and again would take half of that time, in each worker, and later more.
    """
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


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


@pytest.fixture(scope="session")
def postgres(testrun_uid: str) -> Generator[str]:
    """Return the URL of a PostgreSQL server, which all processes of the run share."""
    from servers.postgres_server import shared_server  # few tests need one

    with shared_server(testrun_uid) as url:
        yield url


@pytest.fixture
def schemas(_schemas: Any) -> Generator[Any]:
    """Return schemas on it, which are empty."""
    yield _schemas
    _schemas.give_back()


@pytest.fixture(scope="session")
def _schemas(postgres: str) -> Any:
    from stores.schemas import Schemas

    return Schemas(postgres, f"test_{os.getpid()}")
