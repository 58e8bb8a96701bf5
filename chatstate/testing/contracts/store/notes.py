"""The store's contract: notes of turns.

1. Notes outlive an attempt, and end with the commit.
2. Nothing is noted of a turn that is over.
"""

# ruff: noqa: S101 - a test suite

from __future__ import annotations

from pathlib import Path

from chatstate.stores.base import Value
from chatstate.testing.contracts.store.session import StoreSuite, event, global_key

A = global_key("a")


class NotesContract(StoreSuite):
    """`note` and `notes`."""

    async def test_notes_are_kept_until_the_commit(self, tmp_path: Path) -> None:
        """By turn and name; a second one of a name replaces the first; then all are gone."""
        async with self.session(tmp_path) as session:
            first, second = await session.arrive(event("1"), event("2", chat="other"))
            assert await session.store.notes(first.seq) == {}
            assert await session.store.note(first.seq, "a", '"é"')
            assert await session.store.note(first.seq, "b", "1")
            assert await session.store.note(first.seq, "b", "2")
            assert await session.store.note(second.seq, "a", "3")
            assert await session.store.notes(first.seq) == {"a": '"é"', "b": "2"}
            await session.commit(session.turn(first, noted=True))
            assert await session.store.notes(first.seq) == {}
            assert await session.store.notes(second.seq) == {"a": "3"}

    async def test_notes_outlive_a_crash_and_a_conflict(self, tmp_path: Path) -> None:
        """They are for the next attempt."""
        self.needs_durability()
        async with self.session(tmp_path, clean=False) as session:
            (arrival,) = await session.arrive(event("1"))
            await session.store.note(arrival.seq, "a", "1")
            wrong = session.change(A, Value("0", 1), "1")
            assert await session.commit(session.turn(arrival, wrong, noted=True)) == ["conflict"]
            assert await session.store.notes(arrival.seq) == {"a": "1"}
        async with self.session(tmp_path) as reopened:
            assert await reopened.store.notes(arrival.seq) == {"a": "1"}

    async def test_an_event_that_waits_tells_whether_there_are_notes(self, tmp_path: Path) -> None:
        """So that the next attempt need not look for them in vain."""
        async with self.session(tmp_path) as session:
            first, second = await session.arrive(event("1"), event("2"))
            await session.store.note(second.seq, "a", "1")
            claimed = await session.store.events(first.place.conversation, 0, 10)
            assert [(waits.seq, waits.noted) for waits in claimed] == [
                (first.seq, False),
                (second.seq, True),
            ]

    async def test_a_note_of_a_done_turn_is_refused(self, tmp_path: Path) -> None:
        """Nothing is kept of it, nor of one of an unknown turn."""
        async with self.session(tmp_path) as session:
            (arrival,) = await session.arrive(event("1"))
            await session.commit(session.turn(arrival))
            for turn in (arrival.seq, arrival.seq + 1000):
                assert not await session.store.note(turn, "a", "1")
                assert await session.store.notes(turn) == {}
