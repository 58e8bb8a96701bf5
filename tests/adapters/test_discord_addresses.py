"""Where the Discord adapter connects to: other servers, several at once, through a proxy."""

import asyncio
import contextlib
import functools
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from adapters.discord_bots import running, texts
from adapters.discord_driver import addresses, discord_server
from servers.discord_server import DiscordServer
from servers.discord_world import Person

from chatstate import Interface, Turn
from chatstate_discord.http import proxy_of
from chatstate_discord.options import DiscordOptions


def echo() -> Interface:
    return Interface(lambda message: message, id="echo")


async def test_two_adapters_talk_with_two_servers(tmp_path: Path) -> None:
    """Each with its own, whichever was made last."""
    async with discord_server() as first, discord_server() as second:
        chats = [(server, server.person(42, "Alice")) for server in (first, second)]
        async with (
            running(first, echo(), tmp_path / "a.db"),
            running(second, echo(), tmp_path / "b.db"),
        ):
            for text in ("one", "two"):
                for server, alice in chats:
                    await server.say(alice, server.dm(alice), text)
            for server, alice in chats:
                await server.wait_for(functools.partial(is_answered, server, alice))


def is_answered(server: DiscordServer, person: Person) -> bool:
    return texts(server.messages(server.dm(person))) == ["one", "two"]


class Proxy:
    """An HTTP proxy on loopback, which hands on what comes, and notes to whom."""

    def __init__(self) -> None:
        self.hosts: list[str] = []
        self._tasks: set[asyncio.Task[None]] = set()

    async def open(self) -> str:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        return f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    async def close(self) -> None:
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task
        self._tasks.add(task)
        head = await reader.readline()
        host = urlsplit(head.split()[1].decode()).netloc
        self.hosts.append(host)
        name, _, port = host.partition(":")
        there_reader, there_writer = await asyncio.open_connection(name, int(port))
        there_writer.write(head)
        with contextlib.suppress(ConnectionError):
            await asyncio.gather(_pipe(reader, there_writer), _pipe(there_reader, writer))


async def _pipe(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while data := await reader.read(65536):
            writer.write(data)
    finally:
        writer.close()


@contextlib.asynccontextmanager
async def proxied() -> AsyncIterator[tuple[Proxy, str]]:
    proxy = Proxy()
    url = await proxy.open()
    try:
        yield proxy, url
    finally:
        await proxy.close()


async def test_everything_goes_through_a_proxy(tmp_path: Path) -> None:
    """Calls, the gateway, and files that are fetched."""
    async with discord_server() as server, proxied() as (proxy, url):
        alice = server.person(42, "Alice")
        dm = server.dm(alice)
        bot = Interface(id="files")

        @bot.on_message
        async def size(turn: Turn) -> str:
            file = await turn.download(turn.message.attachments[0])
            return f"{len(file.read())} bytes"

        async with running(server, bot, tmp_path / "a.db", proxy=url):
            await server.say(alice, dm, "", attachments=[("a.txt", "text/plain", b"abc")])
            await server.wait_for(lambda: texts(server.messages(dm)) == ["3 bytes"])
    wanted = {urlsplit(address).netloc for address in addresses(server).values()}
    assert set(proxy.hosts) == wanted


def test_the_environments_proxy_is_gone_through(monkeypatch: pytest.MonkeyPatch) -> None:
    """As the other adapters do; but not to hosts that it excepts, nor where one is set."""
    monkeypatch.setenv("https_proxy", "http://proxy:3128")
    monkeypatch.setenv("no_proxy", "localhost")
    assert proxy_of(DiscordOptions()) == "http://proxy:3128"
    assert proxy_of(DiscordOptions(proxy="http://other:1")) == "http://other:1"
    assert proxy_of(DiscordOptions(api="https://localhost/api")) is None
