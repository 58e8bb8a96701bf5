"""Payloads that are not as documented."""

from collections.abc import Iterator
from typing import Any


def changes(value: Any) -> Iterator[Any]:
    """Yield a payload with each of its values, one after the other, replaced by odd ones."""
    yield from (None, [], {}, "x", -1, 10**18, 10**30, [1], {"id": []}, True)
    if isinstance(value, dict | list):
        items = value.items() if isinstance(value, dict) else enumerate(value)
        for key, inner in list(items):
            for changed in changes(inner):
                copy = value.copy()
                copy[key] = changed
                yield copy
