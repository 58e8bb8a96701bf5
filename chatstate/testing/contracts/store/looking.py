"""The store's contract: what can be seen beside values, events, replies and dead letters.

1. Whoever looks needs no run, and changes nothing.
2. Ids are the platform's; numbers are the store's own.
"""

# ruff: noqa: S101 - a test suite

from __future__ import annotations

from pathlib import Path

from chatstate.stores.base import DeadLetter, Figures, Filter, StoredTimer, TimerChange, owed_folder
from chatstate.testing.contracts.store.session import HOUR, NOW, StoreSuite, event


class ShelvesContract(StoreSuite):
    """`list` and `show` of what runs, of timers, people and chats; `secrets`."""

    async def test_what_runs_is_seen(self, tmp_path: Path) -> None:
        """Of each conversation that a run holds the event whose turn it is; nothing once none."""
        async with self.session(tmp_path) as session:
            first, second, other = await session.arrive(
                event("1", "a", chat="a"), event("2", "b", chat="a"), event("3", "c", chat="b")
            )
            running = await session.store.list("running")
            assert [entry.number for entry in running] == [first.seq, other.seq]
            assert [entry.chat for entry in running] == ["a", "b"]
            await session.commit(session.turn(first), session.turn(other))
            assert [e.number for e in await session.store.list("running")] == [second.seq]
            chosen = Filter(chat="b")
            assert list(await session.store.list("running", chosen)) == []

    async def test_timers_are_seen(self, tmp_path: Path) -> None:
        """With when each is due, for what, and whose it is."""
        async with self.session(tmp_path) as session:
            (arrival,) = await session.arrive(event("1"))
            place, generation = arrival.place, next(session.versions)
            timer = StoredTimer(
                place.conversation, place.person, "tea", generation, NOW + HOUR, "ring", '{"a":1}'
            )
            setting = TimerChange(place.person, "tea", timer)
            await session.commit(session.turn(arrival, timers=[setting]))
            (entry,) = await session.store.list("timers")
            assert (entry.number, entry.at, entry.kind) == (generation, NOW + HOUR, "ring")
            assert (entry.body, entry.person, entry.chat) == ('{"a":1}', "alice", "room")
            assert await session.store.show("timers", generation) == entry
            assert list(await session.store.list("timers", Filter(person="bob"))) == []

    async def test_people_chats_and_conversations_are_seen(self, tmp_path: Path) -> None:
        """Each once, by the platform's ids, with what they are called."""
        async with self.session(tmp_path) as session:
            (arrival, _) = await session.arrive(event("1"), event("2", user="bob"))
            people = await session.store.list("people")
            assert [(entry.person, entry.platform) for entry in people] == [
                ("alice", "test"),
                ("bob", "test"),
            ]
            assert people[0].number == arrival.place.person
            assert people[0].body == '"' + arrival.event.message.sender.name + '"'
            (chat,) = await session.store.list("chats")
            told = arrival.event.message.chat
            assert (chat.number, chat.chat) == (arrival.place.chat, told.id)
            assert (chat.kind, chat.body) == (told.kind, f'"{told.title}"')
            (conversation,) = await session.store.list("conversations")
            assert conversation.number == arrival.place.conversation
            assert (conversation.chat, conversation.thread) == (told.id, "")
            (bob,) = await session.store.list("people", Filter(person="bob"))
            assert bob == people[1]

    async def test_whose_a_reply_is_that_is_owed_is_seen(self, tmp_path: Path) -> None:
        """Of whoever is answered by it, in a group, too."""
        async with self.session(tmp_path) as session:
            (arrival,) = await session.arrive(event("1"))
            await session.commit(session.turn(arrival, owed=session.replies(arrival, 1)))
            (owed,) = await session.store.list("outbox", Filter(person="alice"))
            assert owed.person == "alice"
            assert list(await session.store.list("outbox", Filter(person="bob"))) == []

    async def test_a_file_that_is_owed_is_read(self, tmp_path: Path) -> None:
        """By its key; one that is gone is none."""
        async with self.session(tmp_path) as session:
            folder = owed_folder(session.store.folder)
            folder.mkdir(parents=True)
            (folder / "1-1-aaaaaaaa").write_bytes(b"what is in it")
            await session.store.keep("1-1-aaaaaaaa", folder / "1-1-aaaaaaaa")
            assert await session.store.owed_file("1-1-aaaaaaaa") == b"what is in it"
            assert await session.store.owed_file("1-2-aaaaaaaa") is None

    async def test_backups_are_known(self, tmp_path: Path) -> None:
        """Each by its place, with when it was last written."""
        async with self.session(tmp_path) as session:
            for path in ("/a", "/b", "/a"):
                await session.store.backed_up(path)
            known = await session.store.backups()
            assert {backup.path: backup.made_at for backup in known} == {"/a": NOW, "/b": NOW}

    async def test_how_much_there_is_is_told(self, tmp_path: Path) -> None:
        """Of events that wait, of replies owed and of dead letters, and since when each is so."""
        async with self.session(tmp_path) as session:
            assert await session.store.figures() == Figures()
            first, second, _ = await session.arrive(event("1"), event("2"), event("3"))
            dead = DeadLetter("event", "ValueError: no")
            await session.commit(
                session.turn(first, owed=[session.reply(first)]), session.turn(second, dead=dead)
            )
            told = await session.store.figures()
            assert (told.waiting, told.owed, told.dead) == (1, 1, 1)
            (waiting,) = await session.store.list("inbox")
            (owed,) = await session.store.list("outbox")
            assert (told.waiting_since, told.owed_since) == (waiting.at, owed.at)
            (letter,) = await session.store.list("dead")
            assert (told.failed_at, told.crashed_at) == (letter.at, None)

    async def test_each_bots_secret_is_told(self, tmp_path: Path) -> None:
        """The one that its runs sign with."""
        async with self.session(tmp_path) as session:
            assert await session.store.secrets() == {"bot": session.run.secret}
