"""The store's contract: turns that are finished within their commit.

1. `finish` is told what the keys hold at that moment, with what the turns before it have changed.
2. What it returns is what is committed, all of it or nothing.
3. It is called for a turn that is applied; whether it may be is looked at before and after.
"""

# ruff: noqa: S101 - a test suite

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from chatstate.stores.base import Arrival, Change, DeadLetter, KeptButton, Late, TurnCommit, Value
from chatstate.testing.contracts.store.session import (
    HOUR,
    NOW,
    Session,
    StoreSuite,
    event,
    global_key,
)

A, B = global_key("a"), global_key("b")
Finish = Callable[[Sequence[Value | None]], dict[str, Any]]
"""What becomes of a turn: the fields of its `TurnCommit`, for what the keys hold."""


def finished(turn: TurnCommit, finish: Finish) -> TurnCommit:
    """Return a turn that is finished late, on what A and B hold."""

    def late(values: Sequence[Value | None]) -> TurnCommit:
        return replace(turn, late=None, **finish(values))

    return replace(turn, late=Late([A, B], late))


def adding(
    session: Session, arrival: Arrival, *changes: Change, also: Sequence[int] = ()
) -> TurnCommit:
    """Return a turn that adds one to A, and owes a reply which tells how much that is."""

    def add(values: Sequence[Value | None]) -> dict[str, Any]:
        before = values[0]
        text = str(int(before.text) + 1 if before else 1)
        count = session.change(A, before, text)
        return {"changes": [*changes, count], "owed": [session.reply(arrival, 0, text)]}

    return finished(session.turn(arrival, also=also), add)


async def said(session: Session, arrival: Arrival) -> list[str]:
    """Return the texts owed in the conversation of an event."""
    taken = await session.store.take(arrival.place.conversation, 0, 10)
    return [owed.body for owed in taken]


class LateContract(StoreSuite):
    """`commit`, with `TurnCommit.late`."""

    async def test_a_late_turn_is_told_what_its_keys_hold(self, tmp_path: Path) -> None:
        """In their order, None for what was never stored."""
        async with self.session(tmp_path) as session:
            first, second = await session.arrive(event("1"), event("2"))
            change = await session.put(first, B, "1")
            told: list[Sequence[Value | None]] = []

            def note(values: Sequence[Value | None]) -> dict[str, Any]:
                told.append(list(values))
                return {}

            assert await session.commit(finished(session.turn(second), note)) == ["applied"]
            assert told[-1] == [None, change.value]
            assert await session.waiting(first) == []

    async def test_a_late_turn_sees_what_those_before_it_have_changed(self, tmp_path: Path) -> None:
        """Of the same batch, late themselves or not; those after it see what it has changed."""
        async with self.session(tmp_path) as session:
            first, second, third, other = await session.arrive(
                event("1"), event("2"), event("3"), event("4", chat="other")
            )
            change = session.change(A, None, "10")
            outcomes = await session.commit(
                session.turn(first, change),
                adding(session, second),
                adding(session, other),
                adding(session, third),
            )
            assert outcomes == ["applied"] * 4
            assert await session.text(A) == "13"
            assert await said(session, first) == ["11", "13"]
            assert await said(session, other) == ["12"]

    async def test_no_late_update_is_lost(self, tmp_path: Path) -> None:
        """Nor does any run again, however many there are at once."""
        async with self.session(tmp_path) as session:
            arrivals = await session.arrive(*(event(str(n), chat=str(n)) for n in range(20)))
            outcomes = await asyncio.gather(
                *(session.commit(adding(session, arrival)) for arrival in arrivals)
            )
            assert outcomes == [["applied"]] * 20
            assert await session.text(A) == "20"
            told = [await said(session, arrival) for arrival in arrivals]
            assert sorted(int(text) for texts in told for text in texts) == list(range(1, 21))

    async def test_what_a_late_turn_returns_is_committed(self, tmp_path: Path) -> None:
        """With all its effects: values, replies, buttons, events done with it, notes forgotten."""
        async with self.session(tmp_path) as session:
            first, second = await session.arrive(event("1"), event("2"))
            await session.store.note(second.seq, "a", "1")
            button = KeptButton("ref", 0, "sends", command=False, expires_at=NOW + HOUR)

            def finish(_: Sequence[Value | None]) -> dict[str, Any]:
                return {
                    "changes": [session.change(B, None, "1")],
                    "owed": session.replies(second),
                    "buttons": [button],
                    "noted": True,
                }

            turn = session.turn(second, also=[first.seq])
            assert await session.commit(finished(turn, finish)) == ["applied"]
            assert await session.text(B) == "1"
            assert await session.waiting(first) == []
            assert await session.owed(second) == [(second.seq, 0), (second.seq, 1)]
            assert await session.store.button("ref")
            assert await session.store.notes(second.seq) == {}

    async def test_a_late_turn_may_turn_out_dead(self, tmp_path: Path) -> None:
        """Its event is a dead letter then, and what it wanted to change is as it was."""
        async with self.session(tmp_path) as session:
            (arrival,) = await session.arrive(event("1", "the words"))
            dead = DeadLetter("event", "it broke")
            turn = session.turn(arrival, session.change(B, None, "1"))
            apology = session.replies(arrival, 1)
            ending = finished(turn, lambda _: {"changes": (), "dead": dead, "owed": apology})
            assert await session.commit(ending) == ["applied"]
            (letter,) = await session.letters()
            assert (letter.error, "the words" in letter.body) == ("it broke", True)
            assert list(await session.store.load([A, B])) == [None, None]
            assert await session.owed(arrival) == [(arrival.seq, 0)]

    async def test_a_late_turn_that_is_repeated_is_applied_once(self, tmp_path: Path) -> None:
        """And another attempt at it is fenced, without effect."""
        async with self.session(tmp_path) as session:
            (arrival,) = await session.arrive(event("1"))
            turn = adding(session, arrival)
            assert await session.commit(turn, turn) == ["applied", "applied"]
            assert await session.commit(turn, adding(session, arrival)) == ["applied", "fenced"]
            assert await session.text(A) == "1"
            assert await said(session, arrival) == ["1"]

    async def test_a_late_turn_conflicts_as_others_do(self, tmp_path: Path) -> None:
        """If events wait before its own, if what it read was never applied, or is changed."""
        async with self.session(tmp_path) as session:
            first, second = await session.arrive(event("1"), event("2"))
            stale = Change(B, 1, Value("2", next(session.versions)))

            def clash(_: Sequence[Value | None]) -> dict[str, Any]:
                return {"changes": [session.change(A, None, "1"), stale]}

            early = adding(session, second)
            built_on_nothing = replace(adding(session, first), after=[second.seq])
            clashing = finished(session.turn(first), clash)
            for turn in (early, built_on_nothing, clashing):
                assert await session.commit(turn) == ["conflict"]
            assert list(await session.store.load([A, B])) == [None, None]
            assert await session.owed(first) == []
            assert await session.commit(adding(session, first), early) == ["applied"] * 2
            assert await session.text(A) == "2"

    async def test_a_late_turn_that_gives_up_is_a_conflict(self, tmp_path: Path) -> None:
        """Nothing of it is done, and another attempt may be."""
        async with self.session(tmp_path) as session:
            first, other = await session.arrive(event("1"), event("2", chat="other"))
            turn = session.turn(first, session.change(A, None, "1"), owed=session.replies(first))
            giving_up = replace(turn, late=Late([A], lambda _: None))
            assert await session.commit(giving_up, adding(session, other)) == [
                "conflict",
                "applied",
            ]
            assert await session.text(A) == "1"
            assert await session.owed(first) == []
            assert await session.commit(adding(session, first)) == ["applied"]

    async def test_a_late_turn_counts_though_one_of_its_events_was_dropped(
        self, tmp_path: Path
    ) -> None:
        """As any that handles several events together."""
        async with self.session(tmp_path, waiting_limit=3, overflow="drop_oldest") as session:
            first, second, third = await session.arrive(*(event(str(n)) for n in range(3)))
            (last,) = await session.ingest(event("3"))
            assert last.dropped == second.seq
            turn = adding(session, third, also=[first.seq, second.seq])
            assert await session.commit(turn) == ["applied"]
            assert await session.text(A) == "1"
            assert last.arrival
            assert await session.waiting(first) == [last.arrival.seq]
