"""The store's contract: work that is taken up.

1. What was left is claimed once, with what happened to it.
2. A suspicion is durable before its event runs, and ends with a clean end.
3. An event is pending until its turn is committed and what that owes is settled.
"""

# ruff: noqa: S101 - a test suite

from __future__ import annotations

from pathlib import Path

from chatstate.stores.base import Claim, DeadLetter, Owed, Settled
from chatstate.testing.contracts.store.session import StoreSuite, event


class ClaimsContract(StoreSuite):
    """`claim`, `suspect` and `pending`."""

    async def test_work_from_before_is_claimed_once(self, tmp_path: Path) -> None:
        """Conversations of these accounts: with waiting events, in order, and with owed replies."""
        self.needs_durability()
        async with self.session(tmp_path) as session:
            late, early, done = await session.arrive(
                event("1", chat="a"), event("2", chat="b"), event("3", chat="c")
            )
            await session.commit(session.turn(late), session.turn(done, owed=[session.reply(done)]))
            (again,) = await session.arrive(event("4", chat="a"))
            other = await session.store.account("test", "2")
            (theirs,) = await session.store.ingest(other.id, [event("5")])
            assert theirs.arrival
            assert await session.claimed() == []
        async with self.session(tmp_path) as reopened:
            assert await reopened.claimed() == [
                Claim(early.place.conversation, waits=True, owes=False),
                Claim(again.place.conversation, waits=True, owes=False),
                Claim(done.place.conversation, waits=False, owes=True),
            ]
            assert await reopened.claimed() == []
            await reopened.store.account("test", "2")
            (claim,) = await reopened.claimed()
            assert claim.conversation == theirs.arrival.place.conversation

    async def test_crashes_are_counted_against_an_event(self, tmp_path: Path) -> None:
        """One for each `suspect`, against no other."""
        async with self.session(tmp_path) as session:
            first, second = await session.arrive(event("1"), event("2"))
            await session.store.suspect(first.seq)
            await session.store.suspect(first.seq)
            claimed = await session.store.events(first.place.conversation, 0, 2)
            assert [(claim.seq, claim.crashes) for claim in claimed] == [
                (first.seq, 2),
                (second.seq, 0),
            ]

    async def test_a_suspicion_outlives_the_crash(self, tmp_path: Path) -> None:
        """It is durable when `suspect` returns."""
        self.needs_durability()
        async with self.session(tmp_path, clean=False) as session:
            (arrival,) = await session.arrive(event("1"))
            await session.store.suspect(arrival.seq)
        async with self.session(tmp_path) as reopened:
            (claimed,) = await reopened.store.events(arrival.place.conversation, 0, 1)
            assert claimed.crashes == 1

    async def test_a_suspect_is_cleared_by_a_clean_end(self, tmp_path: Path) -> None:
        """It was running alone, and nothing crashed."""
        self.needs_durability()
        async with self.session(tmp_path) as session:
            (arrival,) = await session.arrive(event("1"))
            await session.store.suspect(arrival.seq)
        async with self.session(tmp_path) as reopened:
            (claimed,) = await reopened.store.events(arrival.place.conversation, 0, 1)
            assert claimed.crashes == 0

    async def test_an_event_is_pending_until_what_it_owes_is_settled(self, tmp_path: Path) -> None:
        """While it waits, and while a reply is owed: to its conversation, or to another."""
        async with self.session(tmp_path) as session:
            waits, owes, owes_elsewhere, silent, fails = await session.arrive(
                *(event(str(number), chat=str(number)) for number in range(5))
            )
            there = waits.place.conversation
            await session.commit(
                session.turn(owes, owed=session.replies(owes)),
                session.turn(
                    owes_elsewhere, owed=[Owed(owes_elsewhere.seq, 0, '"hi"', conversation=there)]
                ),
                session.turn(silent),
                session.turn(fails, dead=DeadLetter("event", "it broke")),
            )
            every = [arrival.seq for arrival in (waits, owes, owes_elsewhere, silent, fails)]
            assert sorted(await session.store.pending(every)) == every[:3]
            assert list(await session.store.pending([every[-1] + 1000])) == []
            session.store.settle(Settled(owes.place.conversation, owes.seq, 0))
            session.store.settle(Settled(there, owes_elsewhere.seq, 0))
            await session.store.flush()
            assert sorted(await session.store.pending(every)) == every[:2]
            dead = DeadLetter("reply", "refused")
            session.store.settle(Settled(owes.place.conversation, owes.seq, 1, dead))
            await session.store.flush()
            assert list(await session.store.pending(every)) == [waits.seq]
            assert list(await session.store.pending([])) == []
