"""Keys: one pure function, and no two of them alike."""

import typing

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from chatstate.scope import SHARED, Key, Place, Scope, key

HERE = Place(account=1, chat=2, conversation=3, person=4)

names = st.text(max_size=8)
scopes: st.SearchStrategy[Scope] = st.sampled_from(typing.get_args(Scope))
numbers = st.integers(min_value=1, max_value=6)
users = st.integers(min_value=0, max_value=6)
places = st.builds(Place, numbers, numbers, numbers, numbers, users)
declared = st.tuples(names, scopes, names, places)


def subject(scope: Scope, place: Place) -> tuple[int, ...]:
    """Return whose value it is: what DESIGN.md's table of scopes says."""
    return {
        "member": (place.conversation, place.person),
        "thread": (place.conversation,),
        "chat": (place.chat,),
        "user": (place.user or place.person,),
        "global": (),
    }[scope]


@pytest.mark.parametrize(
    ("scope", "expected"),
    [
        ("member", Key("bot", "member", "n", 3, 4)),
        ("thread", Key("bot", "thread", "n", 3, 0)),
        ("chat", Key("bot", "chat", "n", 2, 0)),
        ("user", Key("bot", "user", "n", 0, 4)),
        ("global", Key("bot", "global", "n", 0, 0)),
    ],
)
def test_each_scope_has_its_key(scope: Scope, expected: Key) -> None:
    """Keys are what stores keep for good: these never change."""
    assert key("bot", scope, "n", HERE) == expected


@given(declared, declared)
@example(("a", "member", "b", HERE), ("a/member", "member", "b", HERE))
@example(("a", "thread", "b", Place(1, 1, 5, 1)), ("a", "chat", "b", Place(1, 5, 1, 1)))
@example(("a", "user", "b", Place(1, 1, 1, 5)), ("a", "member", "b", Place(1, 1, 1, 5)))
@example(("", "global", "ab", HERE), ("a", "global", "b", HERE))
def test_keys_are_equal_only_for_one_value(
    left: tuple[str, Scope, str, Place], right: tuple[str, Scope, str, Place]
) -> None:
    """Two keys are equal exactly if bot, scope, name and subject are, whatever characters."""
    identities = [
        (bot, scope, name, subject(scope, place)) for bot, scope, name, place in (left, right)
    ]
    assert (key(*left) == key(*right)) == (identities[0] == identities[1])


@given(declared)
def test_a_key_depends_on_nothing_else(identity: tuple[str, Scope, str, Place]) -> None:
    """The same question has the same answer, hash included."""
    assert hash(key(*identity)) == hash(key(*identity))
    assert key(*identity) == key(*identity)


def test_shared_scopes_are_those_without_a_lane() -> None:
    """Chat, user and global values can be changed by several conversations at once."""
    assert {"chat", "user", "global"} == SHARED
