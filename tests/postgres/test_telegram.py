"""Workers that share one account on Telegram: who receives, and how much each may send."""

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from adapters.telegram_host import adapter_on
from engines import worker
from servers.telegram_server import TelegramServer
from stores.schemas import Schemas

from chatstate import Interface, Message, PerChat
from chatstate_telegram import TelegramAdapter
from chatstate_telegram.receive import ordering
from chatstate_telegram.receive.webhook import HEADER, secret_of

LEASE = 1.0


@pytest.fixture
async def server() -> AsyncIterator[TelegramServer]:
    async with TelegramServer() as telegram:
        yield telegram
    assert telegram.violations == []


@pytest.fixture
def url(schemas: Schemas, tmp_path: Path) -> str:
    """Return the URL of a store."""
    return f"{schemas.url_of(tmp_path)}&lease={LEASE}"


def noting(handled: list[str]) -> Interface:
    """Return a bot that notes what it handles, and answers with how much it was."""
    bot = Interface(id="bot")

    @bot.on_message
    async def note(message: Message, said: PerChat[list[str]]) -> str:
        handled.append(message.text or f"{len(message.attachments)} files")
        said.append(message.text)
        return str(len(said))

    return bot


def update(number: int, **content: Any) -> dict[str, Any]:
    """Return an update of a group, as Telegram posts it."""
    chat = {"id": -100, "type": "group", "title": "room"}
    who = {"id": 1001, "first_name": "Alice", "is_bot": False}
    message = {"message_id": number, "date": 1, "chat": chat, "from": who, **content}
    return {"update_id": number, "message": message}


def photo(number: int) -> dict[str, Any]:
    """Return the update of one photo of an album."""
    size = {"file_id": f"f{number}", "file_unique_id": f"u{number}", "width": 1, "height": 1}
    return update(number, media_group_id="album", photo=[size])


async def posted(adapter: TelegramAdapter, told: dict[str, Any]) -> int:
    """Post an update to a worker; return what it answers."""
    secret = {HEADER: secret_of(adapter._client._token)}
    transport = httpx.ASGITransport(adapter.app)
    async with httpx.AsyncClient(transport=transport, base_url="http://bot") as client:
        return (await client.post("/", json=told, headers=secret)).status_code


async def answered(server: TelegramServer, count: int) -> None:
    """Return once so many messages were answered."""
    told = str(count)
    await server.wait_for(lambda: told in [call["text"] for call in server.called("sendMessage")])


async def test_a_webhook_is_any_workers(
    server: TelegramServer, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Posts come to both, at once and in any order: they are handled in the order of their ids."""
    chance = random.Random(1)
    server.group(-100, "room", server.person(1001, "Alice"))
    handled: list[str] = []
    options: dict[str, Any] = {"webhook": "https://bot.example/", "listen": None, "groups": "all"}
    first, second = (adapter_on(server, **options) for _ in range(2))
    texts = [update(number, text=str(number)) for number in range(1, 41)]
    album = [photo(number) for number in (41, 42, 43)]
    async with worker(url, noting(handled), first) as leader, worker(url, noting(handled), second):
        await server.wait_for(lambda: server.called("setWebhook"))
        assert leader._parts
        await leader._parts.roles.look()
        assert await posted(second, texts.pop(0)) == 200
        await answered(server, 1)
        monkeypatch.setattr(ordering, "WINDOW_OF_WORKERS", 60.0)  # this machine may be slow
        for begin in range(0, 39, 8):
            told = texts[begin : begin + 8]
            chance.shuffle(told)
            posts = (posted(chance.choice([first, second]), post) for post in told)
            assert set(await asyncio.gather(*posts)) == {200}
        for adapter, part in zip([first, second, first], album, strict=True):
            assert await posted(adapter, part) == 200
        await answered(server, 41)
        assert await posted(second, texts[0]) == 200
    assert handled == [*map(str, range(1, 41)), "3 files"]


async def test_what_was_passed_on_outlives_who_receives(server: TelegramServer, url: str) -> None:
    """A post is acknowledged once it is durable, whoever takes it in then."""
    server.group(-100, "room", server.person(1001, "Alice"))
    handled: list[str] = []
    options: dict[str, Any] = {"webhook": "https://bot.example/", "listen": None, "groups": "all"}
    first, second = (adapter_on(server, **options) for _ in range(2))
    async with contextlib.AsyncExitStack() as lives:
        async with worker(url, noting(handled), first, dies=True):
            await server.wait_for(lambda: server.called("setWebhook"))
            await lives.enter_async_context(worker(url, noting(handled), second))
            first.app.close()
            assert await posted(second, update(1, text="1")) == 200
        await answered(server, 1)
    assert handled == ["1"]


async def test_one_worker_polls_and_another_takes_over(server: TelegramServer, url: str) -> None:
    """Within the lease of the one that has died; nothing is lost, and nothing comes twice."""
    alice = server.person(1001, "Alice")
    chat = server.private_chat(alice)
    handled: list[str] = []

    def polling() -> TelegramAdapter:
        return adapter_on(server, poll_seconds=0)

    async with contextlib.AsyncExitStack() as lives:
        async with worker(url, noting(handled), polling(), dies=True):
            server.say(alice, chat, "1")
            await answered(server, 1)
            await lives.enter_async_context(worker(url, noting(handled), polling()))
            server.say(alice, chat, "2")
            await answered(server, 2)
        server.say(alice, chat, "3")
        await answered(server, 3)
    assert handled == ["1", "2", "3"]
