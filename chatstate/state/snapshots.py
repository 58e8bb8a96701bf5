"""Values that are kept in memory alone: any object, as it was at one moment.

1. Each turn gets a copy of its own, and what it leaves is copied when it is kept: what a turn did
   that failed is nowhere.
2. What cannot be copied is one object for everybody. In a dict, a list, a tuple or a set that is
   only the element that cannot be.
3. A value has changed if anything in it differs by which it would be copied: not by its own `==`,
   which may tell less, or no yes or no.
"""

from __future__ import annotations

import contextlib
import copy
from collections.abc import Callable, Sequence
from typing import Any, Final, Self, cast

_ATOMS: Final = (type(None), bool, int, float, complex, str, bytes)
_PROTOCOL = 4
Seen = dict[tuple[int, int], tuple[object, object]]
"""Pairs that are being compared, which must live meanwhile: their ids are theirs alone."""


class Snapshot(str):
    """An object as it was at one moment.

    It stands where the JSON text of a stored value stands, for whoever passes that on; two are
    equal if their objects are. As a text it is empty.
    """

    __slots__ = ("object",)
    object: Any

    def __new__(cls, value: Any) -> Self:
        """Return a snapshot of a value that nobody changes any more."""
        made = super().__new__(cls)
        made.object = value
        return made

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Snapshot) and same(self.object, other.object)

    def __ne__(self, other: object) -> bool:
        return not self == other

    __hash__ = None  # type: ignore[assignment]  # an object may change, and with it what it equals

    def __format__(self, _spec: str) -> str:
        return repr(self.object)


class Snapshots:
    """Does for values in memory what `Codec` does for those that are stored."""

    def encode(self, value: Any) -> str:
        """Return a snapshot that nobody can change any more."""
        return kept(Snapshot(value))

    def prove(self, value: Any) -> tuple[str, Any]:
        """Return one for as long as nobody changes the value; see `kept`."""
        return Snapshot(value), None

    def decode(self, snapshot: str, *, trusted: bool = False) -> Any:  # noqa: ARG002 - see `Codec`
        """Return a copy of the value that a snapshot has."""
        return copied(cast("Snapshot", snapshot).object)


def kept(snapshot: str) -> str:
    """Return a snapshot that nobody can change any more."""
    return Snapshot(copied(cast("Snapshot", snapshot).object))


def copied(value: Any) -> Any:
    """Return a deep copy of a value, as far as it can be copied."""
    try:
        return _copied(value)
    except RecursionError:  # it contains itself, and something that cannot be copied
        return value


def _copied(value: Any) -> Any:
    with contextlib.suppress(Exception):  # whatever it raises, it cannot be copied
        return copy.deepcopy(value)
    if type(value) is dict:
        return {key: _copied(part) for key, part in cast("dict[Any, Any]", value).items()}
    if type(value) in (list, tuple, set, frozenset):
        kind = cast("Callable[[Any], Any]", type(value))
        return kind(_copied(part) for part in cast("Sequence[Any]", value))
    return value


def same(left: Any, right: Any) -> bool:
    """Tell whether nothing differs between two values by which they would be copied."""
    try:
        return _same(left, right, {})
    except Exception:  # noqa: BLE001 - what cannot be compared may have changed
        return False


def _same(left: Any, right: Any, seen: Seen) -> bool:
    pair = (id(left), id(right))
    if left is right or pair in seen:
        return True
    if type(left) is not type(right):
        return False
    if type(left) in (*_ATOMS, set, frozenset):
        return bool(left == right)
    seen[pair] = (left, right)
    parts, others = _parts(left), _parts(right)
    return len(parts) == len(others) and all(
        _same(part, other, seen) for part, other in zip(parts, others, strict=True)
    )


def _parts(value: Any) -> Sequence[Any]:
    """Return what a value is made of. Raises `TypeError` for what cannot be taken apart."""
    if type(value) in (list, tuple):
        return cast("Sequence[Any]", value)
    if type(value) is dict:
        return [part for item in cast("dict[Any, Any]", value).items() for part in item]
    reduced = value.__reduce_ex__(_PROTOCOL)
    if isinstance(reduced, str):
        raise TypeError(f"{type(value).__name__} has no parts")
    make, arguments, state, items, pairs = (*reduced, None, None, None)[:5]
    return [
        make,
        arguments,
        state,
        *(items or ()),
        *(part for pair in pairs or () for part in pair),
    ]
