"""The store's contract: buttons that are kept, and files that replies owe.

1. A button is found by exactly its reference, until it expires.
2. It is kept with the turn that owes it, or not at all.
3. Each store has a folder of its own for files.
4. A turn owes as long as one of its replies waits or is a dead letter.
"""

# ruff: noqa: S101 - a test suite

from __future__ import annotations

from pathlib import Path

from chatstate.stores.base import Arrival, DeadLetter, FoundButton, KeptButton, Settled, TurnCommit
from chatstate.testing.contracts.store.session import HOUR, NOW, Session, StoreSuite, Time, event

LONG = "a long value with ünïcode 🎲" * 100


def kept(ref: str, part: int = 0, *, expires_at: float = NOW + HOUR) -> KeptButton:
    """Return a button to keep."""
    return KeptButton(ref, part, LONG, command=False, expires_at=expires_at)


def owing(session: Session, arrival: Arrival, *buttons: KeptButton) -> TurnCommit:
    """Return a turn that owes two replies, on which these buttons hang."""
    replies = [session.reply(arrival, part) for part in range(2)]
    return session.turn(arrival, owed=replies, buttons=buttons)


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


class FilesContract(StoreSuite):
    """`folder`, `owing`, and what makes it safe to remove a file: `flush`."""

    async def test_a_store_has_a_folder_for_files(self, tmp_path: Path) -> None:
        """The same for the same data."""
        async with self.session(tmp_path) as session:
            folder = session.store.folder
            folder.mkdir(exist_ok=True)
            (folder / "file").touch()
        if self.durable:
            async with self.session(tmp_path) as reopened:
                assert reopened.store.folder == folder
                assert (folder / "file").exists()

    async def test_two_stores_have_two_folders(self, tmp_path: Path) -> None:
        """The files of one are nothing to the other."""
        for name in ("a", "b"):
            (tmp_path / name).mkdir()
        async with self.session(tmp_path / "a") as session, self.session(tmp_path / "b") as other:
            assert session.store.folder != other.store.folder

    async def test_turns_owe_until_their_replies_are_settled(self, tmp_path: Path) -> None:
        """All of them; turns that never owed anything are none."""
        async with self.session(tmp_path) as session:
            first, second = await session.arrive(event("1"), event("2"))
            await session.commit(owing(session, first), session.turn(second))
            conversation, known = first.place.conversation, [first.seq, second.seq]
            assert list(await session.store.owing([*known, second.seq + 1000])) == [first.seq]
            assert list(await session.store.owing([])) == []
            session.store.settle(Settled(conversation, first.seq, 0))
            await session.store.flush()
            assert list(await session.store.owing(known)) == [first.seq]
            session.store.settle(Settled(conversation, first.seq, 1))
            await session.store.flush()
            assert list(await session.store.owing(known)) == []

    async def test_a_dead_reply_is_owed_still(self, tmp_path: Path) -> None:
        """It may be asked for again; once it is dropped nobody owes it."""
        async with self.session(tmp_path) as session:
            (arrival,) = await session.arrive(event("1"))
            await session.commit(owing(session, arrival))
            for part in range(2):
                dead = DeadLetter("reply", "refused") if part else None
                session.store.settle(Settled(arrival.place.conversation, arrival.seq, part, dead))
            await session.store.flush()
            assert list(await session.store.owing([arrival.seq])) == [arrival.seq]
            (letter,) = await session.letters()
            await session.ask("drop", letter)
            await session.store.answer(session.versions)
            assert list(await session.store.owing([arrival.seq])) == []

    async def test_a_dead_event_owes_nothing(self, tmp_path: Path) -> None:
        """It runs again as a new turn, if it is asked for."""
        async with self.session(tmp_path) as session:
            (arrival,) = await session.arrive(event("1"))
            await session.commit(session.turn(arrival, dead=DeadLetter("event", "it broke")))
            assert list(await session.store.owing([arrival.seq])) == []

    async def test_turns_of_another_bot_owe_too(self, tmp_path: Path) -> None:
        """The folder is the store's, whichever bot runs."""
        self.needs_durability()
        async with self.session(tmp_path, bot="a") as session:
            (arrival,) = await session.arrive(event("1"))
            await session.commit(owing(session, arrival))
        async with self.session(tmp_path, bot="b") as other:
            assert list(await other.store.owing([arrival.seq])) == [arrival.seq]

    async def test_what_was_flushed_is_settled_after_a_crash(self, tmp_path: Path) -> None:
        """`flush` has returned: it is durable, and no call of anything else is needed."""
        self.needs_durability()
        async with self.session(tmp_path, clean=False) as session:
            (arrival,) = await session.arrive(event("1"))
            await session.commit(owing(session, arrival))
            for part in range(2):
                session.store.settle(Settled(arrival.place.conversation, arrival.seq, part))
            await session.store.flush()
            await session.store.flush()
        async with self.session(tmp_path) as reopened:
            assert await reopened.owed(arrival) == []
