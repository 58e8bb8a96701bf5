"""The store's contract: files that replies owe.

1. Each store has a folder of its own for files.
2. A turn owes as long as one of its replies waits or is a dead letter.
3. What was settled is durable once it is flushed.
4. A file that was kept is there for whichever run sends it.
"""

# ruff: noqa: S101 - a test suite

from __future__ import annotations

from pathlib import Path

from chatstate.stores.base import DeadLetter, Settled, owed_folder
from chatstate.testing.contracts.store.session import StoreSuite, event


class FilesContract(StoreSuite):
    """`folder`, `keep`, `fetch`, `discard`, `owing`; and what makes that safe: `flush`."""

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

    async def test_a_kept_file_is_fetched_until_it_is_discarded(self, tmp_path: Path) -> None:
        """By its key, which is no path; others stay, and a key that is unknown is no file."""
        async with self.session(tmp_path) as session:
            for name in ("1-1-a", "1-2-b"):
                await session.store.keep(name, _written(session.store.folder, name))
            found = await session.store.fetch("1-1-a")
            assert found
            assert found.read_text() == "1-1-a"
            session.store.discard(["1-1-a", "unknown"])
            assert await session.store.fetch("1-1-a") is None
            assert await session.store.fetch("unknown") is None
            assert await session.store.fetch("1-2-b")

    async def test_a_kept_file_is_there_in_the_next_process(self, tmp_path: Path) -> None:
        """Also after a crash."""
        self.needs_durability()
        async with self.session(tmp_path, clean=False) as session:
            await session.store.keep("1-1-a", _written(session.store.folder, "1-1-a"))
        async with self.session(tmp_path) as reopened:
            found = await reopened.store.fetch("1-1-a")
            assert found
            assert found.read_text() == "1-1-a"

    async def test_turns_owe_until_their_replies_are_settled(self, tmp_path: Path) -> None:
        """All of them; turns that never owed anything are none."""
        async with self.session(tmp_path) as session:
            first, second = await session.arrive(event("1"), event("2"))
            await session.commit(
                session.turn(first, owed=session.replies(first)), session.turn(second)
            )
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
            await session.commit(session.turn(arrival, owed=session.replies(arrival)))
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
            await session.commit(session.turn(arrival, owed=session.replies(arrival)))
        async with self.session(tmp_path, bot="b") as other:
            assert list(await other.store.owing([arrival.seq])) == [arrival.seq]

    async def test_what_was_flushed_is_settled_after_a_crash(self, tmp_path: Path) -> None:
        """`flush` has returned: it is durable, and no call of anything else is needed."""
        self.needs_durability()
        async with self.session(tmp_path, clean=False) as session:
            (arrival,) = await session.arrive(event("1"))
            await session.commit(session.turn(arrival, owed=session.replies(arrival)))
            for part in range(2):
                session.store.settle(Settled(arrival.place.conversation, arrival.seq, part))
            await session.store.flush()
            await session.store.flush()
        async with self.session(tmp_path) as reopened:
            assert await reopened.owed(arrival) == []


def _written(folder: Path, key: str) -> Path:
    """Return a file in the folder, which holds its key."""
    path = owed_folder(folder) / key
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(key)
    return path
