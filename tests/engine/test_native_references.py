"""Calls by a platform's own names that name a message which has no id yet."""

import asyncio
import logging
from pathlib import Path
from typing import Any

import pytest
from support import query, texts

from chatstate import (
    Chat,
    Delete,
    Global,
    Interface,
    Message,
    MessageRef,
    Native,
    Ref,
    Rejected,
    Reply,
    ReplyError,
    Turn,
)
from chatstate.stores.base import Filter, Request
from chatstate.testing import FakePlatform, TestClient

Board = Global[Ref[MessageRef | None]]


def pin(message: Any, **more: Any) -> Native:
    return Native("setPin", on="test", message_id=message, **more)


def pinned(client: TestClient) -> list[Any]:
    """Return what calls have named as the message."""
    return [called.arguments["message_id"] for called in client.platform.called]


def pinning_bot() -> Interface:
    """Return a bot that pins what it says, and tells what it has pinned."""
    bot = Interface(id="bot")

    @bot.on_message
    async def say(message: str, turn: Turn, board: Board) -> Any:
        board.value = await turn.send(message)
        return [pin(board.value, how={"list": [board.value]}), "done"]

    @bot.command
    async def again(board: Board) -> Native:
        return pin(board.value)

    @bot.command
    async def remove(board: Board) -> Any:
        assert board.value
        return [Delete(board.value), pin(board.value), "removed"]

    @bot.command
    async def call(turn: Turn, board: Board) -> None:
        board.value = await turn.send(Native("sendDice", on="test"))

    return bot


async def test_it_is_the_id_of_what_was_sent_before() -> None:
    """In the same turn, wherever it stands; and in a later one, from a state."""
    async with TestClient(pinning_bot()) as client:
        alice = client.user("alice")
        assert await texts(alice, "hi") == ["hi", "done"]
        (called,) = client.platform.called
        assert called.arguments == {"message_id": "message-1", "how": {"list": ["message-1"]}}
        await alice.say("/again")
        assert pinned(client) == ["message-1", "message-1"]


async def test_what_a_call_has_made_is_named_too() -> None:
    """By the id that its `Sent` has."""
    async with TestClient(pinning_bot()) as client:
        await client.user("alice").say("/call")
        await client.user("alice").say("/again")
        assert client.platform.called[1].arguments == {"message_id": "call-1"}


async def test_the_handler_of_what_came_of_it_is_told_the_id() -> None:
    """Among the arguments, in its place."""
    bot, told = pinning_bot(), []

    @bot.on_sent
    def tell(message: Message) -> None:
        told.append((message.raw or {})["arguments"]["message_id"])

    async with TestClient(bot) as client:
        await client.user("alice").say("hi")
        while not told:
            await client.advance(0)
        assert told == ["message-1"]


async def test_it_waits_behind_a_send_also_after_a_crash(tmp_path: Path) -> None:
    """Both are made by the next process, in their order."""
    store, platform = f"sqlite:///{tmp_path / 'bot.db'}", FakePlatform()
    async with TestClient(pinning_bot(), store=store, platform=platform) as client:
        platform.stall()
        await client.deliver_all([client.user("alice").event("hi")])
        while not platform.tries:
            await asyncio.sleep(0)
        assert platform.called == []
        await client.crash()
        platform.recover()
        await client.start()
        while not platform.called:
            await client.advance(1)
        assert [delivered.text for delivered in platform.delivered][:1] == ["hi"]
        assert pinned(client) == [platform.delivered[0].id]


async def test_of_what_was_refused_no_call_is_made(caplog: pytest.LogCaptureFixture) -> None:
    """Nor of what is deleted: it would do something else. What follows is sent."""
    caplog.set_level(logging.WARNING, "chatstate.sender")
    async with TestClient(pinning_bot()) as client:
        client.platform.fail_next(Rejected("not allowed"))
        assert await texts(client.user("alice"), "hi") == ["done"]
        assert await texts(client.user("alice"), "hello") == ["hello", "done"]
        assert await texts(client.user("alice"), "/remove") == ["removed"]
        assert pinned(client) == ["message-2"]
        told = [record.getMessage() for record in caplog.records]
        assert len([t for t in told if t.startswith("setPin") and "is not there" in t]) == 2
        assert query(client, "SELECT count(*) FROM dead_letters") == [(1,)]


async def test_a_message_of_another_chat_is_named_once_it_is_sent() -> None:
    """To forward it, say; where it is, the call goes by `to=`."""
    bot = Interface(id="bot")

    @bot.command
    async def news(turn: Turn, board: Board) -> None:
        board.value = await turn.send("news", to=Chat("room", "group"))

    @bot.on_message
    async def forward(board: Board, turn: Turn) -> Native:
        assert board.value
        await turn.send(pin(board.value), to=board.value)
        return Native("forward", on="test", from_chat_id="room", message_id=board.value)

    async with TestClient(bot) as client:
        await client.user("alice").say("/news")
        await client.user("alice").say("hi")
        while len(client.platform.called) < 2:
            await client.advance(0)
        called = {(c.method, c.chat): c.arguments["message_id"] for c in client.platform.called}
        sent = client.platform.delivered[0].id
        assert called == {("setPin", "room"): sent, ("forward", "private-alice"): sent}


async def test_what_is_sent_from_outside_may_name_a_message() -> None:
    """`bot.send` keeps the reference until it is the call's turn."""
    async with TestClient(pinning_bot()) as client:
        room = Chat("room", "group")
        sent = await client.bot.send(room, "hi")
        await (await client.bot.send(room, pin(sent.message))).settled()
        assert pinned(client) == [client.platform.delivered[0].id]


async def test_what_is_answered_at_once_names_no_such_message() -> None:
    """Nothing of it is stored, so nothing could ever be known of it."""
    bot = Interface(id="bot")

    @bot.on("telegram:inline_query")
    async def find() -> Native:
        return Native("answerInlineQuery", results=[MessageRef("", sent="1-0")])

    telegram = FakePlatform("telegram")
    async with TestClient(bot, platform=telegram) as client:
        with pytest.raises(ReplyError, match="names no message that has no id yet"):
            await client.user("alice").ask("telegram:inline_query", "tea")


async def test_an_edit_of_what_a_call_has_not_made_changes_no_call() -> None:
    """It is left out, and the call is what it was, should it be retried."""
    bot = Interface(id="bot")

    @bot.on_message
    async def say(turn: Turn) -> Any:
        called = await turn.send(Native("sendDice", on="test", emoji="🎲"))
        return Reply("instead", edit=called)

    async with TestClient(bot) as client:
        client.platform.fail_next(Rejected("not now"))
        assert await texts(client.user("alice"), "hi") == []
        (letter,) = await client._store.list("dead", Filter())
        await client._store.ask(Request(verb="retry", number=letter.number))
        while not client.platform.called:
            await client.advance(1)
        (called,) = client.platform.called
        assert (called.method, called.arguments) == ("sendDice", {"emoji": "🎲"})
