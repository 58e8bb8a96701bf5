"""The store's contract: people who are one on several platforms; see `chatstate.stores.links`.

1. A link is rows of state that are committed with the values it joins: all of that, or nothing.
2. Whoever read a value, or that there was none, before the link was made has a conflict.
"""

# ruff: noqa: S101 - a test suite

from __future__ import annotations

from pathlib import Path

import msgspec

from chatstate.messages import User
from chatstate.scope import Key, key
from chatstate.stores.base import Arrival, Change, Expiry, Value
from chatstate.stores.links import Identity, Link, identities, link_key
from chatstate.testing.contracts.store.session import NOW, Session, StoreSuite, event


class LinksContract(StoreSuite):
    """`chatstate.stores.links`, on this store."""

    async def test_all_identities_of_a_person_are_known_by_each(self, tmp_path: Path) -> None:
        """Of who is not linked nothing is, and the value of the other is where it was no more."""
        async with self.session(tmp_path) as session:
            alice, bob, turn = await _two(session)
            assert await _known(session, alice) == []
            await session.commit(session.turn(turn, *await _link(session, alice, bob)))
            for arrival in (alice, bob):
                assert await _known(session, arrival) == ["alice", "bob"]
            assert await session.text(_value(alice)) == '"both"'
            left = Expiry(_value(bob), bob.place.conversation, told=False)
            assert list(await session.store.expire([left])) == [None]
            assert await session.text(_value(bob)) is None

    async def test_a_link_is_made_whole_or_not_at_all(self, tmp_path: Path) -> None:
        """If one of its values has changed meanwhile it is a conflict."""
        async with self.session(tmp_path) as session:
            alice, bob, turn = await _two(session)
            changes = await _link(session, alice, bob)
            (last,) = await session.arrive(event("4", user="bob", chat="aside"))
            await session.put(last, _value(bob), '"later"')
            assert await session.commit(session.turn(turn, *changes)) == ["conflict"]
            assert await _known(session, alice) == []
            assert await session.text(_value(bob)) == '"later"'

    async def test_who_began_before_a_link_has_a_conflict(self, tmp_path: Path) -> None:
        """Also with a value that is new: with that goes the row of the link, as it was."""
        async with self.session(tmp_path) as session:
            alice, bob, turn = await _two(session)
            waits = await session.arrive(
                event("4", user="bob", chat="a"), event("5", user="bob", chat="b")
            )
            (before,) = await session.store.load([_value(bob)])
            changed = session.change(_value(bob), before, '"late"')
            new = session.change(key("bot", "user", "new", bob.place), None, '"late"')
            guard = session.change(link_key("bot", bob.place.person), None, "{}")
            await session.commit(session.turn(turn, *await _link(session, alice, bob)))
            assert await session.commit(session.turn(waits[0], changed)) == ["conflict"]
            assert await session.commit(session.turn(waits[1], new, guard)) == ["conflict"]
            assert await session.text(new.key) is None


async def _two(session: Session) -> tuple[Arrival, Arrival, Arrival]:
    """Return what two have said who have a value each, and what waits from the second."""
    alice, bob, turn = await session.arrive(
        event("1", user="alice", chat="private-alice"),
        event("2", user="bob", chat="private-bob"),
        event("3", user="bob", chat="private-bob"),
    )
    for arrival in (alice, bob):
        await session.put(arrival, _value(arrival), f'"{arrival.event.id}"')
    return alice, bob, turn


def _value(arrival: Arrival) -> Key:
    return key("bot", "user", "name", arrival.place)


async def _known(session: Session, arrival: Arrival) -> list[str]:
    found = await identities(session.store, "bot", arrival.place.person)
    return [identity.id for identity in found]


async def _link(session: Session, root: Arrival, other: Arrival) -> list[Change]:
    """Return what a turn changes that links two."""
    people = [
        Identity(a.place.person, a.place.account, "test:1", User(name), f"private-{name}")
        for a, name in ((root, "alice"), (other, "bob"))
    ]
    first = root.place.person
    links = {first: Link(first, people), other.place.person: Link(first)}
    mine, theirs = await session.store.load([_value(root), _value(other)])
    assert mine
    assert theirs
    return [
        *(
            session.change(link_key("bot", person), None, msgspec.json.encode(link).decode())
            for person, link in links.items()
        ),
        session.change(_value(root), mine, '"both"'),
        Change(
            _value(other),
            theirs.version,
            Value(theirs.text, next(session.versions), expires_at=NOW),
        ),
    ]
