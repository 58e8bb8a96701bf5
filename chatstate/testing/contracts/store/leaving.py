"""The store's contract: conversations that a run leaves to others, though they have work.

1. Another run is woken, and claims what was left, with nothing suspected.
2. Who leaves something need not get it back: it says what it does not claim.
3. Each run tells the others the versions of its states.
"""

# ruff: noqa: S101 - a test suite

from __future__ import annotations

import asyncio
from pathlib import Path

from chatstate.stores.base import Claim
from chatstate.testing.contracts.store.session import event
from chatstate.testing.contracts.store.workers import (
    PATIENCE,
    WorkersSuite,
    conversations,
    numbers_of,
    settle_down,
    stored_elsewhere,
)


class LeavingContract(WorkersSuite):
    """`release(working=True)`, and `claim` but for some."""

    async def test_what_is_left_is_claimed_by_another_run(self, tmp_path: Path) -> None:
        """All of it, in its order; what others hold stays theirs."""
        async with self.pair(tmp_path) as (_, mine, other):
            waits, owes = await mine.arrive(event("1", chat="1"), event("2", chat="2"))
            (theirs,) = await other.arrive(event("3", chat="3"))
            await mine.commit(mine.turn(owes, owed=[mine.reply(owes)]))
            left = [arrival.place.conversation for arrival in (waits, owes)]
            held = [*left, theirs.place.conversation]
            assert sorted(await mine.store.release(held, working=True)) == left
            (later,) = await mine.ingest(event("4", chat="1"))
            assert (later.arrival, later.elsewhere) == (None, True)
            assert list(await mine.store.claim(10, left)) == []
            assert await other.claimed() == [
                Claim(left[0], True, False),
                Claim(left[1], False, True),
            ]
            assert await numbers_of(other, left[0]) == [waits.seq, later.pending]
            assert await mine.commit(mine.turn(waits)) == ["fenced"]
            assert await other.commit(other.turn(waits)) == ["applied"]

    async def test_what_nobody_takes_may_be_claimed_again(self, tmp_path: Path) -> None:
        """With the rest of what there is."""
        async with self.pair(tmp_path) as (_, mine, _other):
            first, second = await mine.arrive(event("1", chat="1"), event("2", chat="2"))
            left = [first.place.conversation, second.place.conversation]
            await mine.store.release(left, working=True)
            assert conversations(await mine.store.claim(10, left[:1])) == left[1:]
            assert conversations(await mine.store.claim(10)) == left[:1]

    async def test_another_run_is_woken_for_what_is_left(self, tmp_path: Path) -> None:
        """At once."""
        async with self.pair(tmp_path) as (_, mine, other):
            (first,) = await mine.arrive(event("1"))
            await settle_down(other)
            await mine.store.release([first.place.conversation], working=True)
            await asyncio.wait_for(other.store.wait(), PATIENCE)
            assert conversations(await other.claimed()) == [first.place.conversation]

    async def test_what_is_left_is_neither_suspected_nor_news(self, tmp_path: Path) -> None:
        """Though a run has died of it, and others have put something into it."""
        async with self.pair(tmp_path) as (workers, dead, mine):
            (first,) = await dead.arrive(event("1"))
            await dead.store.suspect(first.seq)
            await workers.outlive(dead)
            assert [claim.crashes for claim in await mine.claimed()] == [1]
            other = await workers.start()
            second = await stored_elsewhere(other, "2")
            await mine.store.release([first.place.conversation], working=True)
            assert await other.claimed() == [Claim(first.place.conversation, True, False)]
            events = await other.store.events(first.place.conversation, 0, 10)
            assert [arrival.crashes for arrival in events] == [0, 0]
            assert events[1].seq == second
            assert await mine.claimed() == []

    async def test_runs_tell_the_versions_of_their_states(self, tmp_path: Path) -> None:
        """For as long as they live."""
        async with self.workers(tmp_path) as workers:
            older, newer = await workers.start(), await workers.start(versions={"a": 2, "b": 1})
            found = {run.id: dict(run.versions) for run in await older.store.workers()}
            assert found == {older.run.id: {}, newer.run.id: {"a": 2, "b": 1}}
            await newer.store.end(clean=True)
            assert [dict(run.versions) for run in await older.store.workers()] == [{}]
