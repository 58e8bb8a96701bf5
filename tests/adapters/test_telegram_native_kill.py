"""kill -9 around a call of the Bot API by its own name: it is made once, or held, never twice."""

import asyncio
from pathlib import Path

import pytest
from adapters.test_telegram_kill import Lives
from servers.telegram_model import Chat
from servers.telegram_server import TelegramServer

from chatstate.stores.sqlite import SQLiteStore

BOT = Path(__file__).with_name("telegram_calls.py")
STEPS = {"before": ("sendMessage", False), "sent": ("sendPoll", False), "made": ("sendPoll", True)}
"""Which call waits when the process is killed, and whether it had arrived."""


def shown(server: TelegramServer, chat: Chat) -> list[str]:
    """Return what the bot has said, a poll by its question."""
    raws = [message.raw for message in server.messages(chat) if message.by_bot]
    return [raw["poll"]["question"] if "poll" in raw else raw["text"] for raw in raws]


async def letters(folder: Path) -> list[str]:
    store = SQLiteStore(folder / "kept.db")
    return [letter.error for letter in await store.list("dead")]


@pytest.mark.timeout(240)  # several processes have to start
@pytest.mark.parametrize("step", STEPS)
async def test_a_call_is_never_made_twice(step: str, tmp_path: Path) -> None:
    """Killed before it is begun it is made later; killed while it is made it is held."""
    method, arrives = STEPS[step]
    async with TelegramServer() as server:
        lives = Lives(server, tmp_path, bot=BOT)
        alice = server.person(1001, "Alice")
        chat = server.private_chat(alice)
        async with lives.life():
            server.stall(method, accepted=arrives)
            server.say(alice, chat, "Tea?")
            await server.wait_for(lambda: server.called(method), 60)
            await asyncio.sleep(0)
        server.recover()
        async with lives.life():
            await server.wait_for(lambda: "after" in shown(server, chat), 60)
            server.say(alice, chat, "Cake?")
            await server.wait_for(lambda: _told(server, chat, "Cake?"), 60)
        said = shown(server, chat)
        assert said.count("Tea?") == (step != "sent")
        assert bool(_told(server, chat, "Tea?")) is (step == "before")
        held = await letters(tmp_path)
        assert held == ["held: it may have been sent before a crash"] * (step != "before")
        assert not server.violations


@pytest.mark.timeout(240)  # several processes have to start
async def test_what_was_made_is_told_after_a_kill(tmp_path: Path) -> None:
    """A call that was noted as made is neither held nor told twice, whoever tells of it."""
    async with TelegramServer() as server:
        lives = Lives(server, tmp_path, bot=BOT)
        alice = server.person(1001, "Alice")
        chat = server.private_chat(alice)
        async with lives.life():
            server.say(alice, chat, "Tea?")
            await server.wait_for(lambda: "after" in shown(server, chat), 60)
        async with lives.life():
            await server.wait_for(lambda: _told(server, chat, "Tea?"), 60)
        assert [text for text in shown(server, chat) if text == "Tea?"] == ["Tea?"]
        assert await letters(tmp_path) == []


def _told(server: TelegramServer, chat: Chat, question: str) -> list[str]:
    return [text for text in shown(server, chat) if text.startswith(f"asked {question} in message")]
