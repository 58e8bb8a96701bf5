"""The store's contract: buttons that are kept.

1. A button is found by exactly its reference, until it expires.
2. It is kept with the turn that owes it, or not at all.
"""

# ruff: noqa: S101 - a test suite

from __future__ import annotations

from pathlib import Path

from chatstate.stores.base import Arrival, FoundButton, KeptButton, Settled, TurnCommit
from chatstate.testing.contracts.store.session import HOUR, NOW, Session, StoreSuite, Time, event

LONG = "a long value with ünïcode 🎲" * 100


def kept(ref: str, part: int = 0, *, expires_at: float = NOW + HOUR) -> KeptButton:
    """Return a button to keep."""
    return KeptButton(ref, part, LONG, command=False, expires_at=expires_at)


def owing(session: Session, arrival: Arrival, *buttons: KeptButton) -> TurnCommit:
    """Return a turn that owes two replies, on which these buttons hang."""
    return session.turn(arrival, owed=session.replies(arrival), buttons=buttons)


class ButtonsContract(StoreSuite):
    """`button`, with `TurnCommit.buttons` and `Settled.message`."""

    async def test_a_kept_button_is_found_by_its_reference(self, tmp_path: Path) -> None:
        """As it was kept, with its conversation; one that was never kept is none."""
        async with self.session(tmp_path) as session:
            (arrival,) = await session.arrive(event("1"))
            command = KeptButton("c", 1, "/vote 1", command=True, expires_at=NOW + HOUR)
            assert await session.commit(owing(session, arrival, kept("a"), command)) == ["applied"]
            conversation = arrival.place.conversation
            assert await session.store.button("a") == FoundButton(
                conversation, None, LONG, command=False
            )
            assert await session.store.button("c") == FoundButton(
                conversation, None, "/vote 1", command=True
            )
            for unknown in ("b", "A", "", "a ", "%"):
                assert await session.store.button(unknown) is None

    async def test_a_button_that_is_kept_again_says_what_the_last_one_does(
        self, tmp_path: Path
    ) -> None:
        """Of several turns, also where these are committed together."""
        async with self.session(tmp_path) as session:
            arrivals = await session.arrive(event("1"), event("2"), event("3"))
            said = [
                owing(session, arrival, KeptButton("a", 0, text, False, NOW + HOUR))
                for arrival, text in zip(arrivals, ("one", "two", "three"), strict=True)
            ]
            await session.commit(said[0])
            await session.commit(*said[1:])
            found = await session.store.button("a")
            assert found is not None
            assert found.sends == "three"

    async def test_a_button_hangs_on_the_message_of_its_part(self, tmp_path: Path) -> None:
        """Once that is told; other parts and other turns have their own."""
        async with self.session(tmp_path) as session:
            first, second = await session.arrive(event("1"), event("2"))
            await session.commit(
                owing(session, first, kept("a", 0), kept("b", 1), kept("b2", 1)),
                owing(session, second, kept("c", 0)),
            )
            conversation = first.place.conversation
            session.store.settle(Settled(conversation, first.seq, 1, message="m1"))
            session.store.settle(Settled(conversation, first.seq, 0))
            await session.store.flush()
            found = [await session.store.button(ref) for ref in ("a", "b", "b2", "c")]
            assert [button and button.message for button in found] == [None, "m1", "m1", None]

    async def test_buttons_are_there_in_the_next_process(self, tmp_path: Path) -> None:
        """With the message they hang on."""
        self.needs_durability()
        async with self.session(tmp_path, clean=False) as session:
            (arrival,) = await session.arrive(event("1"))
            await session.commit(owing(session, arrival, kept("a")))
            session.store.settle(Settled(arrival.place.conversation, arrival.seq, 0, message="m"))
            await session.store.flush()
        async with self.session(tmp_path) as reopened:
            found = await reopened.store.button("a")
            assert found
            assert (found.message, found.sends) == ("m", LONG)

    async def test_a_button_expires(self, tmp_path: Path) -> None:
        """At its time, and is forgotten when rows are pruned."""
        time = Time()
        async with self.session(tmp_path, clock=time) as session:
            (arrival,) = await session.arrive(event("1"))
            later = kept("later", expires_at=NOW + 2 * HOUR)
            await session.commit(owing(session, arrival, kept("a"), later))
            time.now = NOW + HOUR - 1
            await session.store.prune()
            assert await session.store.button("a")
            time.now = NOW + HOUR + 1
            assert await session.store.button("a") is None
            await session.store.prune()
            time.now = NOW
            assert await session.store.button("a") is None
            assert await session.store.button("later")

    async def test_a_turn_that_is_not_applied_keeps_no_buttons(self, tmp_path: Path) -> None:
        """Nor does one that is repeated keep them twice."""
        async with self.session(tmp_path) as session:
            first, second = await session.arrive(event("1"), event("2"))
            assert await session.commit(owing(session, second, kept("b"))) == ["conflict"]
            turn = owing(session, first, kept("a"))
            assert await session.commit(turn, turn) == ["applied", "applied"]
            assert await session.commit(owing(session, first, kept("c"))) == ["fenced"]
            assert await session.store.button("a")
            assert await session.store.button("b") is None
            assert await session.store.button("c") is None
