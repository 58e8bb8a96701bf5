"""Turns that are committed in one transaction with others, and with other work."""

import asyncio
from pathlib import Path
from typing import Any

from chatstate.scope import key
from chatstate.stores.base import Arrival, Change, Owed, TurnCommit, Value
from chatstate.stores.sqlite import SQLiteStore
from chatstate.testing.contracts.store.session import Session, StoreSuite, event, global_key


class Sessions(StoreSuite):
    def make_store(self, folder: Path, **options: Any) -> SQLiteStore:
        return SQLiteStore(folder / "test.db", **options)


sessions = Sessions()


def counted(session: Session) -> dict[int, int]:
    """Return what the inbox believes to wait, by conversation."""
    store = session.store
    assert isinstance(store, SQLiteStore)
    return store._inbox.waiting


def turn(session: Session, arrival: Arrival, expected: int, name: str = "mine") -> TurnCommit:
    """Return a turn that changes its person's value, of this version, and owes a reply."""
    value = Value(f'"{arrival.event.id}"', next(session.versions))
    change = Change(key("bot", "member", name, arrival.place), expected, value)
    return session.turn(arrival, change, owed=[Owed(arrival.seq, 0, '"hello"')])


async def test_of_a_batch_only_those_fail_that_must(tmp_path: Path) -> None:
    """Those before and after them are applied, once; of the failed one there is nothing."""
    async with sessions.session(tmp_path) as session:
        arrivals = await session.arrive(*(event(str(n), chat=str(n)) for n in range(5)))
        turns = [turn(session, arrival, 0) for arrival in arrivals]
        turns[2] = turn(session, arrivals[2], 77)
        outcomes = await session.commit(*turns)
        assert outcomes == ["applied", "applied", "conflict", "applied", "applied"]
        owed = [await session.owed(arrival) for arrival in arrivals]
        assert owed == [[] if n == 2 else [(arrivals[n].seq, 0)] for n in range(5)]
        assert await session.commit(turn(session, arrivals[2], 0)) == ["applied"]
        assert counted(session) == {}


async def test_work_that_shares_the_transaction_of_a_failed_turn_is_done_once(
    tmp_path: Path,
) -> None:
    """Events that are stored with it get one number each, though the transaction is repeated."""
    async with sessions.session(tmp_path) as session:
        (first,) = await session.arrive(event("1"))
        commit, ingest = (
            asyncio.ensure_future(session.commit(turn(session, first, 77))),
            asyncio.ensure_future(session.ingest(event("2"), event("3", chat="new"), cursor="c")),
        )
        assert await commit == ["conflict"]
        second, third = [ingested.arrival for ingested in await ingest]
        assert second
        assert third
        assert [second.seq, third.seq] == [first.seq + 1, first.seq + 2]
        assert await session.waiting(first) == [first.seq, second.seq]
        assert await session.waiting(third) == [third.seq]
        assert counted(session) == {first.place.conversation: 2, third.place.conversation: 1}


async def test_changes_that_do_not_build_on_each_other_are_told_apart(tmp_path: Path) -> None:
    """Of two turns that read the same value, the first changes it; the second is to run again."""
    async with sessions.session(tmp_path) as session:
        arrivals = await session.arrive(*(event(str(n), chat=str(n)) for n in range(3)))
        shared = global_key("g")
        turns = [session.turn(arrival, session.change(shared, None, "1")) for arrival in arrivals]
        built = Change(
            shared, turns[0].changes[0].value.version, Value("2", next(session.versions))
        )
        turns[2] = session.turn(arrivals[2], built)
        assert await session.commit(*turns) == ["applied", "conflict", "applied"]
        assert await session.text(shared) == "2"


async def test_an_event_waits_for_those_of_a_chat_that_became_its_own(tmp_path: Path) -> None:
    """Also in the transaction in which the two chats became one."""
    async with sessions.session(tmp_path) as session:
        first, second = await session.arrive(event("1"), event("2", chat="super"))
        joined, committed = (
            asyncio.ensure_future(session.store.alias(session.account.id, "room", "super")),
            asyncio.ensure_future(session.commit(session.turn(second))),
        )
        await joined
        assert await committed == ["conflict"]
        assert await session.waiting(first) == [first.seq, second.seq]
