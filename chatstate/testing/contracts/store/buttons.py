"""The store's contract, a part: buttons that are kept, and files that replies owe."""

# ruff: noqa: S101 - a test suite

from __future__ import annotations

from pathlib import Path

from chatstate.stores.base import Arrival, DeadLetter, FoundButton, KeptButton, Settled, TurnCommit
from chatstate.testing.contracts.store.session import HOUR, NOW, Session, StoreSuite, Time, event

LONG = "a long value with ünïcode 🎲" * 100


def kept(ref: str, part: int = 0, *, expires_at: float = NOW + HOUR) -> KeptButton:
    """Return a button to keep."""
    return KeptButton(ref, part, LONG, command=False, expires_at=expires_at)


def owing(one: Session, arrival: Arrival, *buttons: KeptButton) -> TurnCommit:
    """Return a turn that owes two replies, on which these buttons hang."""
    replies = [one.reply(arrival, part) for part in range(2)]
    return one.turn(arrival, owed=replies, buttons=buttons)


class ButtonsContract(StoreSuite):
    """`button`, with `TurnCommit.buttons` and `Settled.message`."""

    async def test_a_kept_button_is_found_by_its_reference(self, tmp_path: Path) -> None:
        """As it was kept, with its conversation; one that was never kept is none."""
        async with self.session(tmp_path) as one:
            (arrival,) = await one.arrive(event("1"))
            command = KeptButton("c", 1, "/vote 1", command=True, expires_at=NOW + HOUR)
            assert await one.commit(owing(one, arrival, kept("a"), command)) == ["applied"]
            conversation = arrival.place.conversation
            assert await one.store.button("a") == FoundButton(
                conversation, None, LONG, command=False
            )
            assert await one.store.button("c") == FoundButton(
                conversation, None, "/vote 1", command=True
            )
            for unknown in ("b", "A", "", "a ", "%"):
                assert await one.store.button(unknown) is None

    async def test_a_button_hangs_on_the_message_of_its_part(self, tmp_path: Path) -> None:
        """Once that is told; other parts and other turns have their own."""
        async with self.session(tmp_path) as one:
            first, second = await one.arrive(event("1"), event("2"))
            await one.commit(
                owing(one, first, kept("a", 0), kept("b", 1), kept("b2", 1)),
                owing(one, second, kept("c", 0)),
            )
            conversation = first.place.conversation
            one.store.settle(Settled(conversation, first.seq, 1, message="m1"))
            one.store.settle(Settled(conversation, first.seq, 0))
            await one.store.flush()
            found = [await one.store.button(ref) for ref in ("a", "b", "b2", "c")]
            assert [one and one.message for one in found] == [None, "m1", "m1", None]

    async def test_buttons_are_there_in_the_next_process(self, tmp_path: Path) -> None:
        """With the message they hang on."""
        self.needs_durability()
        async with self.session(tmp_path, clean=False) as one:
            (arrival,) = await one.arrive(event("1"))
            await one.commit(owing(one, arrival, kept("a")))
            one.store.settle(Settled(arrival.place.conversation, arrival.seq, 0, message="m"))
            await one.store.flush()
        async with self.session(tmp_path) as two:
            found = await two.store.button("a")
            assert found
            assert (found.message, found.sends) == ("m", LONG)

    async def test_a_button_expires(self, tmp_path: Path) -> None:
        """At its time, and is forgotten when rows are pruned."""
        time = Time()
        async with self.session(tmp_path, clock=time) as one:
            (arrival,) = await one.arrive(event("1"))
            later = kept("later", expires_at=NOW + 2 * HOUR)
            await one.commit(owing(one, arrival, kept("a"), later))
            time.now = NOW + HOUR - 1
            await one.store.prune()
            assert await one.store.button("a")
            time.now = NOW + HOUR + 1
            assert await one.store.button("a") is None
            await one.store.prune()
            time.now = NOW
            assert await one.store.button("a") is None
            assert await one.store.button("later")

    async def test_a_turn_that_is_not_applied_keeps_no_buttons(self, tmp_path: Path) -> None:
        """Nor does one that is repeated keep them twice."""
        async with self.session(tmp_path) as one:
            first, second = await one.arrive(event("1"), event("2"))
            assert await one.commit(owing(one, second, kept("b"))) == ["conflict"]
            turn = owing(one, first, kept("a"))
            assert await one.commit(turn, turn) == ["applied", "applied"]
            assert await one.commit(owing(one, first, kept("c"))) == ["fenced"]
            assert await one.store.button("a")
            assert await one.store.button("b") is None
            assert await one.store.button("c") is None


class FilesContract(StoreSuite):
    """`folder`, `owing`, and what makes it safe to remove a file: `flush`."""

    async def test_a_store_has_a_folder_for_files(self, tmp_path: Path) -> None:
        """The same for the same data."""
        async with self.session(tmp_path) as one:
            folder = one.store.folder
            folder.mkdir(exist_ok=True)
            (folder / "file").touch()
        if self.durable:
            async with self.session(tmp_path) as two:
                assert two.store.folder == folder
                assert (folder / "file").exists()

    async def test_two_stores_have_two_folders(self, tmp_path: Path) -> None:
        """The files of one are nothing to the other."""
        for name in ("a", "b"):
            (tmp_path / name).mkdir()
        async with self.session(tmp_path / "a") as one, self.session(tmp_path / "b") as two:
            assert one.store.folder != two.store.folder

    async def test_turns_owe_until_their_replies_are_settled(self, tmp_path: Path) -> None:
        """All of them; turns that never owed anything are none."""
        async with self.session(tmp_path) as one:
            first, second = await one.arrive(event("1"), event("2"))
            await one.commit(owing(one, first), one.turn(second))
            conversation, known = first.place.conversation, [first.seq, second.seq]
            assert list(await one.store.owing([*known, second.seq + 1000])) == [first.seq]
            assert list(await one.store.owing([])) == []
            one.store.settle(Settled(conversation, first.seq, 0))
            await one.store.flush()
            assert list(await one.store.owing(known)) == [first.seq]
            one.store.settle(Settled(conversation, first.seq, 1))
            await one.store.flush()
            assert list(await one.store.owing(known)) == []

    async def test_a_dead_reply_is_owed_still(self, tmp_path: Path) -> None:
        """It may be asked for again; once it is dropped nobody owes it."""
        async with self.session(tmp_path) as one:
            (arrival,) = await one.arrive(event("1"))
            await one.commit(owing(one, arrival))
            for part in range(2):
                dead = DeadLetter("reply", "refused") if part else None
                one.store.settle(Settled(arrival.place.conversation, arrival.seq, part, dead))
            await one.store.flush()
            assert list(await one.store.owing([arrival.seq])) == [arrival.seq]
            (letter,) = self.letters(tmp_path)
            self.request(tmp_path, "drop", letter.id)
            await one.store.revive()
            assert list(await one.store.owing([arrival.seq])) == []

    async def test_a_dead_event_owes_nothing(self, tmp_path: Path) -> None:
        """It runs again as a new turn, if it is asked for."""
        async with self.session(tmp_path) as one:
            (arrival,) = await one.arrive(event("1"))
            await one.commit(one.turn(arrival, dead=DeadLetter("event", "it broke")))
            assert list(await one.store.owing([arrival.seq])) == []

    async def test_turns_of_another_bot_owe_too(self, tmp_path: Path) -> None:
        """The folder is the store's, whichever bot runs."""
        self.needs_durability()
        async with self.session(tmp_path, bot="a") as one:
            (arrival,) = await one.arrive(event("1"))
            await one.commit(owing(one, arrival))
        async with self.session(tmp_path, bot="b") as two:
            assert list(await two.store.owing([arrival.seq])) == [arrival.seq]

    async def test_what_was_flushed_is_settled_after_a_crash(self, tmp_path: Path) -> None:
        """`flush` has returned: it is durable, and no call of anything else is needed."""
        self.needs_durability()
        async with self.session(tmp_path, clean=False) as one:
            (arrival,) = await one.arrive(event("1"))
            await one.commit(owing(one, arrival))
            for part in range(2):
                one.store.settle(Settled(arrival.place.conversation, arrival.seq, part))
            await one.store.flush()
            await one.store.flush()
        async with self.session(tmp_path) as two:
            assert await two.owed(arrival) == []
