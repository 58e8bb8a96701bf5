"""The store's contract: what pages of ours show.

1. A message is kept once under each key of its chat, and has an id of its own.
2. Whoever reads from the last revision on that was seen misses no change.
3. What goes takes its files along.
"""

# ruff: noqa: S101 - a test suite

from __future__ import annotations

from pathlib import Path

from chatstate.adapter.transcript import KEPT_MESSAGES, KEPT_SECONDS, PageMessage
from chatstate.stores.base import owed_folder
from chatstate.testing.contracts.store.session import Session, StoreSuite, Time


def _said(key: str, chat: str = "ann", thread: str = "", *files: str) -> PageMessage:
    return PageMessage(chat, key, f'{{"é":"{key} \\u0000"}}', thread, files)


async def _keys(session: Session, chat: str = "ann", after: int = 0) -> list[str]:
    found = await session.store.transcript(session.account.id, chat, after, 1000)
    return [message.key for message in found]


async def _keep(session: Session, key: str) -> None:
    path = owed_folder(session.store.folder) / key
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(key.encode())
    await session.store.keep(key, path)


class TranscriptsContract(StoreSuite):
    """Messages as pages show them."""

    async def test_what_is_written_on_a_page_is_read_there(self, tmp_path: Path) -> None:
        """In its order, by chat and account, from any revision on; each has an id of its own."""
        async with self.session(tmp_path) as session:
            store, account = session.store, session.account.id
            other = await store.account("test", "2")
            first = await store.transcribe(account, _said("1"))
            await store.transcribe(account, _said("2", "bob"))
            second = await store.transcribe(account, _said("2", "ann", "t"))
            await store.transcribe(other.id, _said("3"))
            assert (first.body, first.id, second.thread) == (_said("1").body, first.revision, "t")
            assert first.id < second.id
            assert await _keys(session) == ["1", "2"]
            assert await _keys(session, "bob") == ["2"]
            assert await _keys(session, after=first.revision) == ["2"]
            assert list(await store.transcript(account, "ann", 0, 1)) == [first]
            of_threads = {"": [first], "t": [second], "x": []}
            for thread, found in of_threads.items():
                assert list(await store.transcript(account, "ann", 0, 9, thread)) == found
            assert await store.transcribed(account, "ann", second.id) == second
            assert await store.transcribed(account, "bob", second.id + 1) is None

    async def test_a_message_is_written_once_under_its_key(self, tmp_path: Path) -> None:
        """Whoever writes it again is told how it is by now."""
        async with self.session(tmp_path) as session:
            store, account = session.store, session.account.id
            first = await store.transcribe(account, _said("1"))
            assert await store.transcribe(account, PageMessage("ann", "1", "{}", "t")) == first
            changed = await store.retranscribe(account, first, "{}", ())
            assert await store.transcribe(account, _said("1")) == changed
            assert await _keys(session) == ["1"]

    async def test_a_change_is_read_again(self, tmp_path: Path) -> None:
        """At its place, with a new revision; who changes what it was is told that it is not."""
        async with self.session(tmp_path) as session:
            store, account = session.store, session.account.id
            first = await store.transcribe(account, _said("1"))
            second = await store.transcribe(account, _said("2"))
            changed = await store.retranscribe(account, first, '"x"', ("f",))
            assert changed
            assert (changed.body, changed.files, changed.id) == ('"x"', ("f",), first.id)
            assert (changed.at, changed.key, changed.thread) == (first.at, "1", "")
            assert await store.retranscribe(account, first, '"y"', ()) is None
            assert await _keys(session, after=second.revision) == ["1"]
            deleted = await store.retranscribe(account, changed, None, ())
            assert deleted
            assert list(await store.transcript(account, "ann", changed.revision, 9)) == [deleted]
            assert (deleted.body, await store.transcribed(account, "ann", first.id)) == (None, None)

    async def test_threads_are_listed_by_their_oldest_message(self, tmp_path: Path) -> None:
        """That of the thread first in which something was written last; deleted ones are none."""
        async with self.session(tmp_path) as session:
            store, account = session.store, session.account.id
            gone = await store.transcribe(account, _said("0", "ann", "a"))
            for key, thread in (("1", "a"), ("2", "b"), ("3", "a"), ("4", "")):
                await store.transcribe(account, _said(key, "ann", thread))
            await store.transcribe(account, _said("5", "ann", "b"))
            await store.retranscribe(account, gone, None, ())
            listed = await store.transcribed_threads(account, "ann")
            assert [(message.thread, message.key) for message in listed] == [
                ("b", "2"),
                ("", "4"),
                ("a", "1"),
            ]
            assert list(await store.transcribed_threads(account, "bob")) == []

    async def test_only_the_newest_of_a_thread_are_kept(self, tmp_path: Path) -> None:
        """Files go with the messages that held them."""
        async with self.session(tmp_path) as session:
            store, account = session.store, session.account.id
            for key in ("f1", "f2"):
                await _keep(session, key)
            await store.transcribe(account, _said("first", "ann", "", "f1"))
            await store.transcribe(account, _said("other", "ann", "t", "f2"))
            for number in range(KEPT_MESSAGES):
                await store.transcribe(account, _said(str(number)))
            kept = await _keys(session)
            assert kept == ["other", *map(str, range(KEPT_MESSAGES))]
            assert await store.fetch("f1") is None
            assert await store.fetch("f2")

    async def test_what_is_old_is_forgotten(self, tmp_path: Path) -> None:
        """With its files, by `prune`; what is newer stays."""
        time = Time()
        async with self.session(tmp_path, clock=time) as session:
            store, account = session.store, session.account.id
            await _keep(session, "f1")
            await store.transcribe(account, _said("old", "ann", "", "f1"))
            time.now += KEPT_SECONDS / 2
            await store.transcribe(account, _said("new"))
            time.now += KEPT_SECONDS / 2 + 1
            await store.prune()
            assert await _keys(session) == ["new"]
            assert await store.fetch("f1") is None

    async def test_a_chat_is_forgotten_whole(self, tmp_path: Path) -> None:
        """And its files; what is written later is read by whoever knows an earlier revision."""
        time = Time()
        async with self.session(tmp_path, clock=time) as session:
            store, account = session.store, session.account.id
            for key in ("f1", "f2"):
                await _keep(session, key)
            first = await store.transcribe(account, _said("1", "ann", "", "f1"))
            changed = await store.retranscribe(account, first, "{}", ("f2",))
            assert changed
            assert await store.fetch("f1") is None
            await store.transcribe(account, _said("2", "bob"))
            await store.erase_transcript(account, "ann")
            assert (await _keys(session), await _keys(session, "bob")) == ([], ["2"])
            assert await store.fetch("f2") is None
            await store.erase_transcript(account, "ann")
            time.now += 1
            await store.transcribe(account, _said("3"))
            assert await _keys(session, after=changed.revision) == ["3"]

    async def test_a_page_is_as_it_was_in_the_next_process(self, tmp_path: Path) -> None:
        """What was written is durable when its verb returns; ids and revisions go on."""
        self.needs_durability()
        time = Time()
        async with self.session(tmp_path, clean=False, clock=time) as session:
            first = await session.store.transcribe(session.account.id, _said("1"))
        async with self.session(tmp_path, clock=time) as session:
            second = await session.store.transcribe(session.account.id, _said("2"))
            assert (await _keys(session), second.id > first.id) == (["1", "2"], True)
