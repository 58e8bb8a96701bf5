"""Values in memory: what is copied of them, and when they are the same."""

import array
import datetime as dt
import threading
from collections import Counter, OrderedDict, deque
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatstate.state.snapshots import Snapshot, Snapshots, copied, kept, same


class Plain:
    """An object that tells nothing of itself."""

    def __init__(self, *parts: Any) -> None:
        self.parts = list(parts)


class Slotted:
    __slots__ = ("part",)

    def __init__(self, part: Any) -> None:
        self.part = part


class Vague(Plain):
    """One whose `==` is no yes and no no, as that of an array."""

    def __eq__(self, other: object) -> Any:
        return [True, False]

    __hash__ = None  # type: ignore[assignment]  # as that of an array


class Numbered(Plain):
    """One whose `==` tells less than all."""

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Numbered)

    __hash__ = None  # type: ignore[assignment]  # as above


@dataclass
class Data:
    parts: list[Any] = field(default_factory=list)


def cyclic() -> list[Any]:
    value: list[Any] = [1]
    value.append(value)
    return value


OBJECTS: list[Any] = [
    *(None, 1, 1.5, "a", b"a", (1, "a"), [1, [2]], {"a": {1: 2}}, {1, 2}, frozenset("a")),
    *(Plain(1, [2]), Slotted([1]), Vague(1), Numbered(1), Data([Plain(1)]), cyclic()),
    *(
        array.array("d", [1.0, 2.0]),
        deque([1]),
        Counter("aab"),
        OrderedDict(a=1),
        dt.date(2026, 1, 2),
    ),
    *(bytearray(b"a"), range(3), [Plain(Vague(Numbered(1)))], dict.fromkeys("ab", Plain())),
]
names = [f"{type(value).__name__}-{number}" for number, value in enumerate(OBJECTS)]


@pytest.mark.parametrize("value", OBJECTS, ids=names)
def test_a_copy_is_the_same(value: Any) -> None:
    """Whatever its own `==` says."""
    assert same(value, copied(value))


@pytest.mark.parametrize("make", [Plain, Vague, Numbered, lambda x: Data([x]), lambda x: [x]])
def test_a_copy_is_another_object(make: Any) -> None:
    """What is changed in it is changed nowhere else, and is a change."""
    inner = [1]
    value = make(inner)
    copy = copied(value)
    assert same(value, copy)
    inner.append(2)
    assert not same(value, copy)
    assert same(copy, make([1]))


DIFFERENT: list[tuple[Any, Any]] = [
    *((1, True), (1, 1.0), ([1], [True]), ({"a": 1}, {"a": 1.0}), ([1], [1, 2]), ([1], (1,))),
    *(({"a": 1, "b": 2}, {"b": 2, "a": 1}), (Plain(1), Plain(2)), (Plain(1), Vague(1))),
    *((Vague(1), Vague(2)), (Numbered(1), Numbered(2)), (Slotted(1), Slotted(2))),
    *((array.array("d", [1]), array.array("d", [2])), (Plain, Vague), (len, max)),
    *((threading.Lock(), threading.Lock()), (Data([Plain(1)]), Data([Plain(2)]))),
    (lambda: 1, lambda: 1),
]


@pytest.mark.parametrize(("left", "right"), DIFFERENT, ids=map(str, range(len(DIFFERENT))))
def test_what_differs_is_not_the_same(left: Any, right: Any) -> None:
    """Also where `==` would say so, or nothing."""
    assert not same(left, right)
    assert same(left, left)


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(), st.lists))
def test_a_change_anywhere_is_seen(value: Any) -> None:
    """As is that there is none."""
    assert same(value, copied(value))
    assert not same([value, 1], copied([value, 2]))


def test_what_cannot_be_copied_is_shared_and_the_rest_is_not() -> None:
    """In containers, each part by itself."""
    lock = threading.Lock()
    value: dict[str, Any] = {"lock": lock, "said": ["a"], "both": [lock, ["b"]]}
    copy = copied(value)
    assert copy["lock"] is lock
    assert copy["both"][0] is lock
    copy["said"].append("more")
    copy["both"][1].append("more")
    assert (value["said"], value["both"][1]) == (["a"], ["b"])
    holder = Plain(lock)
    assert copied(holder) is holder


def test_what_contains_itself_and_cannot_be_copied_is_shared() -> None:
    """It has no end."""
    value: list[Any] = [threading.Lock()]
    value.append(value)
    assert copied(value) is value


def test_a_snapshot_stands_for_a_text_and_says_what_it_is_of() -> None:
    """It is equal to a snapshot of the same alone."""
    snapshot = Snapshot([1])
    assert snapshot == Snapshots().prove([1])[0]
    assert snapshot != Snapshot([2])
    assert snapshot != ""
    assert (f"{snapshot}", str.__str__(snapshot)) == ("[1]", "")
    said = [1]
    for made in (kept(Snapshot(said)), Snapshots().encode(said)):
        assert Snapshots().decode(made) == [1]
    said.append(2)
    assert Snapshots().decode(kept(Snapshot(said))) == [1, 2]
