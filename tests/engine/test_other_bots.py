"""What bots say: it is ignored, or handled as what people say, if the bot hears bots."""

import asyncio

import pytest

from chatstate import Button, Interface, Message, Reply
from chatstate.language.en import ENGLISH
from chatstate.messages import MessageKind
from chatstate.testing import TestClient

KINDS: list[tuple[str, MessageKind]] = [
    ("hi", "message"),
    ("/vote 1", "message"),
    ("/nothing", "message"),
    ("hi", "edit"),
    ("", "join"),
    ("", "leave"),
]


def made(*, hear_bots: bool) -> Interface:
    """Return a bot that answers everything."""
    bot = Interface(id="parrot", hear_bots=hear_bots)

    @bot.command
    def vote(choice: int) -> str:
        return f"voted {choice}"

    @bot.on_message
    @bot.on_edit
    @bot.on_join
    @bot.on_leave
    def answer(message: Message) -> Reply:
        return Reply(f"{message.kind}!", [Button("Yes")])

    return bot


@pytest.mark.parametrize("chat", [None, "room"])
async def test_what_a_bot_does_is_ignored(chat: str | None) -> None:
    """Messages, commands, edits, coming and going, presses; and no sentence of ours answers it."""
    async with TestClient(made(hear_bots=False)) as client:
        robot, alice = client.user("robot", chat=chat, is_bot=True), client.user("alice", chat=chat)
        for text, kind in KINDS:
            assert await robot.say(text, kind=kind) == []
        assert [reply.text for reply in await alice.say("hi")] == ["message!"]
        if chat:
            assert await robot.press("Yes") == []


async def test_a_bot_is_answered_if_it_is_to_be_heard() -> None:
    """As a person is."""
    async with TestClient(made(hear_bots=True)) as client:
        robot = client.user("robot", is_bot=True)
        said = [reply.text for text, kind in KINDS for reply in await robot.say(text, kind=kind)]
        unknown = ENGLISH["unknown_command"].format(command="nothing")
        assert said == ["message!", "voted 1", unknown, "edit!", "join!", "leave!"]


async def test_a_bot_that_floods_a_chat_is_told_nothing() -> None:
    """Else it would answer that."""
    gate = asyncio.Event()
    bot = Interface(id="slow")

    @bot.on_message
    async def wait(message: str) -> str:
        await gate.wait()
        return message

    async with TestClient(bot, store_options={"waiting_limit": 2}) as client:
        robot, alice = client.user("r", chat="room", is_bot=True), client.user("a", chat="room")
        first = await client.deliver_all([alice.event("one"), alice.event("two")])
        flood = await client.deliver_all([robot.event("more") for _ in range(5)])
        gate.set()
        for receipt in (*first, *flood):
            await receipt.settled()
        await client.restart()
        assert {receipt.status for receipt in flood} == {"refused"}
        assert [reply.text for reply in client.platform.delivered] == ["one", "two"]
