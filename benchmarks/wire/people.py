"""People on a platform: they write, each the next message once the last is answered.

1. The platforms are the servers that the adapters are tested against, on loopback, and the page's
   own; people are in this process, the bot is in another.
2. What a server needs is that of the tests: without it nobody can take part.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
from collections.abc import AsyncIterator
from typing import Any, Protocol

from benchmarks.servers import free_port, of_tests
from benchmarks.work import text

PATIENCE = 30.0
_VISITORS = 10  # from one address; the page lets in 20 a minute


class People(Protocol):
    """Those who write. `told` is what a bot must know to be on their platform."""

    told: dict[str, Any]

    async def ready(self) -> None:
        """Return when the bot is there."""
        ...

    async def say(self, number: int) -> None:
        """Write the message of a number, and return when it is answered."""
        ...


class OnTelegram:
    """A private chat for each of 100 people. Updates are polled for, or posted to a webhook."""

    def __init__(self, server: Any, *, webhook: bool) -> None:
        self._server = server
        self._chats = [self._chat(number) for number in range(100)]
        self.told = {"token": server.token, "api": server.base_url}
        if webhook:
            self.told["listen"] = listen = f"127.0.0.1:{free_port()}"
            self.told["webhook"] = f"http://{listen}"

    def _chat(self, number: int) -> tuple[Any, Any]:
        person = self._server.person(1001 + number, f"Person {number}")
        return person, self._server.private_chat(person)

    async def ready(self) -> None:
        """Wait for a poll, or for the webhook."""
        updates = self._server.updates
        await self._server.wait_for(lambda: updates.is_polled or updates.webhook, PATIENCE)

    async def say(self, number: int) -> None:
        """Write, and wait until the bot's message is in the chat."""
        person, chat = self._chats[number % len(self._chats)]
        self._server.say(person, chat, text(number))
        seen = len(chat.messages)
        await self._server.wait_for(lambda: len(chat.messages) > seen, PATIENCE)


class OnDiscord:
    """A private channel for each of 100 people."""

    def __init__(self, server: Any) -> None:
        self._server = server
        self._channels = [self._channel(number) for number in range(100)]
        self.told = {
            "token": server.token,
            "api": server.api_url,
            "gateway": server.gateway_url,
        }

    def _channel(self, number: int) -> tuple[Any, Any]:
        person = self._server.person(1001 + number, f"Person {number}")
        return person, self._server.dm(person)

    async def ready(self) -> None:
        """Wait for a session of the gateway."""
        await self._server.wait_until_connected(timeout=PATIENCE)

    async def say(self, number: int) -> None:
        """Write, and wait until the bot's message is in the channel."""
        person, channel = self._channels[number % len(self._channels)]
        seen = len(channel.messages)
        await self._server.say(person, channel, text(number))
        await self._server.wait_for(lambda: len(channel.messages) > seen + 1, PATIENCE)


class OnPage:
    """Ten visitors of the page, who post what they say and hear its stream of events."""

    def __init__(self, stack: contextlib.AsyncExitStack) -> None:
        self._stack = stack
        self._port = free_port()
        self._visitors: list[Any] = []
        self._heard: list[asyncio.Queue[dict[str, Any]]] = []
        self.told = {"listen": f"127.0.0.1:{self._port}", "token": "let-me-in"}

    async def ready(self) -> None:
        """Let all visitors in, once the page is there."""
        aiohttp: Any = of_tests("aiohttp")
        async with asyncio.timeout(PATIENCE):
            for _ in range(_VISITORS):
                session = aiohttp.ClientSession(
                    f"http://127.0.0.1:{self._port}",
                    cookie_jar=aiohttp.CookieJar(unsafe=True),  # loopback is an address, no name
                    headers={"Origin": f"http://127.0.0.1:{self._port}"},
                )
                self._visitors.append(await self._stack.enter_async_context(session))
                await self._enter(aiohttp, self._visitors[-1])
                heard: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
                self._heard.append(heard)
                hearing = asyncio.create_task(_hear(self._visitors[-1], heard))
                self._stack.callback(hearing.cancel)

    async def _enter(self, aiohttp: Any, visitor: Any) -> None:
        while True:
            with contextlib.suppress(aiohttp.ClientConnectionError):
                entered = await visitor.post("/enter", json={"token": self.told["token"]})
                if entered.status == 204:  # noqa: PLR2004 - HTTP's
                    return
            await asyncio.sleep(0.05)

    async def say(self, number: int) -> None:
        """Post, and wait until the stream tells of the reply."""
        visitor = number % len(self._visitors)
        key = f"key-{number:08}"
        form = {"said": json.dumps({"key": key, "text": text(number)})}
        async with asyncio.timeout(PATIENCE):
            posted = await self._visitors[visitor].post("/say", data=form)
            posted.raise_for_status()
            while (await self._heard[visitor].get())["key"] == key:
                pass  # what was said is told of, too


async def _hear(visitor: Any, heard: asyncio.Queue[dict[str, Any]]) -> None:
    """Put the messages of a page's stream into a queue."""
    async with visitor.get("/events", timeout=None) as stream:
        async for line in stream.content:
            if line.startswith(b"data: ") and (told := json.loads(line[6:])) and "body" in told:
                heard.put_nowait(told)


@contextlib.asynccontextmanager
async def people_on(platform: str) -> AsyncIterator[People]:
    """Yield the people on a platform: "polling", "webhook", "discord" or "page"."""
    if platform == "page":
        async with contextlib.AsyncExitStack() as stack:
            yield OnPage(stack)
    elif platform == "discord":
        discord: Any = of_tests("servers.discord_server")
        token = f"{base64.urlsafe_b64encode(discord.BOT_ID.encode()).decode()}.of.tests"
        async with discord.DiscordServer(token) as server:
            yield OnDiscord(server)
    else:
        telegram: Any = of_tests("servers.telegram_server")
        async with telegram.TelegramServer() as server:
            yield OnTelegram(server, webhook=platform == "webhook")
