"""Streams on Telegram: drafts in private chats, which can be stopped, and messages elsewhere."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from adapters.telegram_host import FakeHost, action, adapter_on, received
from adapters.test_telegram_queries import running, texts
from servers.telegram_model import Chat, Person
from servers.telegram_server import TelegramServer

from chatstate import Interface, PerMember, Unreachable


@pytest.fixture
async def server() -> AsyncIterator[TelegramServer]:
    async with TelegramServer() as telegram:
        yield telegram
    assert telegram.violations == []


@pytest.fixture
def alice(server: TelegramServer) -> Person:
    return server.person(1001, "Alice", "alice")


@pytest.fixture
def chat(server: TelegramServer, alice: Person) -> Chat:
    return server.private_chat(alice)


class Slow:
    """A bot that counts, a word whenever it is let."""

    def __init__(self) -> None:
        self.bot = Interface(id="slow")
        self.bot.on_message(self.count)
        self.lets = asyncio.Semaphore(0)
        self.ended = 0

    async def count(self, message: str, heard: PerMember[list[str]]) -> AsyncIterator[str]:
        heard.append(message)
        try:
            for shown in ("one", "one two", f"one two {len(heard)}"):
                yield shown
                await self.lets.acquire()
        finally:
            self.ended += 1

    def finish(self) -> None:
        for _ in range(3):
            self.lets.release()


async def test_a_stream_is_a_draft_and_its_answer_a_message(
    server: TelegramServer, alice: Person, chat: Chat, tmp_path: Path
) -> None:
    """Of one number, which goes when the answer comes: sent as any other, and never edited."""
    slow = Slow()
    async with running(server, slow.bot, tmp_path):
        server.say(alice, chat, "count")
        for words in ("one", "one two"):
            await server.wait_for(lambda: [d for d in server.drafts if d.text == words])  # noqa: B023 - it is awaited
            slow.lets.release()
        slow.finish()
        await server.wait_for(lambda: texts(server, chat) == ["one two 1"])
    assert len({draft.id for draft in server.drafts}) == 1
    assert not server.shown_drafts
    assert not server.called("editMessageText")


async def test_whoever_stops_a_draft_keeps_what_it_shows(
    server: TelegramServer, alice: Person, chat: Chat, tmp_path: Path
) -> None:
    """As a message, with a sentence below; nothing else of the turn. A draft of before is none."""
    slow = Slow()
    async with running(server, slow.bot, tmp_path):
        server.say(alice, chat, "count")
        (stopped,) = await server.wait_for(lambda: list(server.shown_drafts.values()))
        server.stop_draft(stopped)
        await server.wait_for(lambda: texts(server, chat) == ["one", "(interrupted)"])
        assert slow.ended == 1
        server.say(alice, chat, "again")
        await server.wait_for(lambda: server.shown_drafts)
        server.stop_draft(stopped)
        await server.wait_for(lambda: not server.updates.pending)
        slow.finish()
        await server.wait_for(lambda: texts(server, chat)[2:] == ["one two 1"])


async def test_a_stop_counts_before_the_draft_is_answered(
    server: TelegramServer, alice: Person, chat: Chat, tmp_path: Path
) -> None:
    """Whoever sees the draft may be faster than the bot's own connection."""
    slow = Slow()
    server.stall("sendMessageDraft", accepted=True)
    async with running(server, slow.bot, tmp_path):
        server.say(alice, chat, "count")
        (stopped,) = await server.wait_for(lambda: list(server.shown_drafts.values()))
        server.stop_draft(stopped)
        await server.wait_for(lambda: not server.updates.pending)
        server.recover()
        await server.wait_for(lambda: texts(server, chat) == ["one", "(interrupted)"])
    assert slow.ended == 1


@pytest.mark.parametrize("status", [404, 400])
async def test_where_there_are_no_drafts_a_message_is_edited(
    status: int, server: TelegramServer, alice: Person, chat: Chat, tmp_path: Path
) -> None:
    """A server that lacks the method is asked once, one that refuses a draft at the next stream."""
    server.fail("sendMessageDraft", status, "Not Found: method not found", times=float("inf"))
    slow = Slow()
    async with running(server, slow.bot, tmp_path):
        for turn in (1, 2):
            server.say(alice, chat, "count")
            await server.wait_for(lambda: texts(server, chat)[-1:] == ["one"])
            slow.finish()
            await server.wait_for(lambda: texts(server, chat)[-1:] == [f"one two {turn}"])  # noqa: B023 - it is awaited
    assert len(server.messages(chat)) == 2
    assert len(server.called("sendMessageDraft")) == (1 if status == 404 else 2)


async def test_a_group_sees_a_message_that_is_edited(server: TelegramServer, alice: Person) -> None:
    """Drafts are for private chats."""
    group = server.group(-7, "Room", alice)
    async with received(adapter := adapter_on(server), FakeHost()):
        sent = await adapter.perform(action(group.id, {"text": "one"}, preview=True))
    assert (sent.message_id, server.drafts) == (str(server.messages(group)[0].id), [])


async def test_a_message_waits_for_the_draft_before_it(server: TelegramServer, chat: Chat) -> None:
    """Whose preview may have been given up: it would be shown below the answer."""
    server.stall("sendMessageDraft", accepted=True)
    async with received(adapter := adapter_on(server), FakeHost()):
        shown = action(chat.id, {"text": "one"}, preview=True)
        previewing = asyncio.create_task(adapter.perform(shown))
        await server.wait_for(lambda: server.called("sendMessageDraft"))
        previewing.cancel()
        sending = asyncio.create_task(adapter.perform(action(chat.id, {"text": "one two"})))
        other = server.private_chat(server.person(1002, "Bob"))
        await adapter.perform(action(other.id, {"text": "meanwhile"}))
        assert texts(server, chat) == []
        server.recover()
        await sending
    assert texts(server, chat) == ["one two"]
    assert not server.shown_drafts


async def test_a_draft_that_fails_is_a_preview_that_fails(
    server: TelegramServer, chat: Chat
) -> None:
    """It is no message in its place: nobody knows whether it is shown."""
    server.fail("sendMessageDraft", 409, "Conflict")
    async with received(adapter := adapter_on(server), FakeHost()):
        with pytest.raises(Unreachable):
            await adapter.perform(action(chat.id, {"text": "one"}, preview=True))
    assert texts(server, chat) == []
