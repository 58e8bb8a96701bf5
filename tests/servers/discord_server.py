"""A Discord for tests, on loopback: gateway and REST interface, and the people on the other side.

    async with DiscordServer() as server:
        alice = server.person(42, "Alice")
        room = server.channel(server.guild(10, "Home"), "general")
        ...  # start a bot on server.api_url and server.gateway_url, with server.token
        await server.wait_until_connected()
        await server.say(alice, room, "hello")
        reply = await server.wait_for(lambda: server.messages(room))

What people do is a method of the server; what the bot did can be read from it; what goes wrong
is asked for on `server.faults` (requests) and `server.gateway` (sessions, connections).
`server.violations` should be empty at the end: requests that Discord's own document forbids.

The world of a server outlives bots: a new process finds its messages, commands and people.
"""

from collections.abc import Callable
from email.utils import formatdate
from types import TracebackType
from typing import Self, TypeVar

from aiohttp import web
from servers import discord_rest
from servers.discord_application import Application
from servers.discord_faults import Call, Faults
from servers.discord_interactions import Interactions
from servers.discord_messages import Messages
from servers.discord_people import People
from servers.discord_world import Channel, Json, Limits, Message, Person, Typing, World

Found = TypeVar("Found")

BOT_ID = "900000000000000001"


class Listener:
    """A port of loopback that keeps its number while nobody listens on it."""

    def __init__(self, application: web.Application) -> None:
        self._runner = web.AppRunner(application, shutdown_timeout=0.5, access_log=None)
        self._site: web.TCPSite | None = None
        self.port = 0

    async def open(self) -> None:
        if self._runner.server is None:
            await self._runner.setup()
        self._site = web.TCPSite(self._runner, "127.0.0.1", self.port)
        await self._site.start()
        self.port = self._runner.addresses[0][1]

    async def refuse(self) -> None:
        """Refuse new connections until `open`; those there are stay."""
        assert self._site, "not open"
        await self._site.stop()

    async def close(self) -> None:
        await self._runner.cleanup()


class DiscordServer(People):
    """One bot's Discord. Ids may be given as integers; they are told as strings."""

    def __init__(self, token: str = "discord-token", *, bot: str = "Bot") -> None:  # noqa: S107 - a token of nothing
        self.token = token
        super().__init__(World(token, Person(BOT_ID, bot, is_bot=True)))
        self.faults = Faults(self.world)
        messages = Messages(self.platform)
        self.application = Application(self.world, self.gateway)
        endpoints = discord_rest.endpoints(messages, Interactions(messages), self.application)
        self.rest = discord_rest.Rest(self.world, self.faults, endpoints, discord_rest.document())
        gateway = web.Application()
        gateway.router.add_get("/{path:.*}", self.gateway.handle)
        rest = self.rest.application()
        for application in (rest, gateway):
            application.on_response_prepare.append(self._date)
        self.rest_port, self.gateway_port = Listener(rest), Listener(gateway)

    async def __aenter__(self) -> Self:
        await self.rest_port.open()
        await self.gateway_port.open()
        self.gateway.url = self.gateway_url
        self.platform.cdn = f"http://127.0.0.1:{self.rest_port.port}"
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.faults.clear()
        await self.gateway.disconnect(1001)
        await self.gateway_port.close()
        await self.rest_port.close()

    # Where it is, and what it saw.

    @property
    def api_url(self) -> str:
        return f"http://127.0.0.1:{self.rest_port.port}{discord_rest.PREFIX}"

    @property
    def gateway_url(self) -> str:
        return f"ws://127.0.0.1:{self.gateway_port.port}"

    @property
    def bot(self) -> Person:
        return self.world.bot

    @property
    def limits(self) -> Limits:
        """How long things hold: acknowledging, tokens, nonces, attachments."""
        return self.world.limits

    @property
    def calls(self) -> list[Call]:
        """Every request, in the order of arrival."""
        return self.rest.calls

    @property
    def violations(self) -> list[str]:
        """What Discord's document forbids and was asked for all the same."""
        return self.rest.violations

    @property
    def typing(self) -> list[Typing]:
        return self.world.typing

    @property
    def commands(self) -> list[Json]:
        """The global commands as registered; those of a guild are in `world.commands[id]`."""
        return self.world.commands[None]

    def messages(self, channel: Channel | None = None) -> list[Message]:
        """Return what the bot sent to a channel, or anywhere, oldest first, deleted ones too."""
        sent = [message for message in self.world.messages.values() if message.author is self.bot]
        return [message for message in sent if channel in (None, message.channel)]

    def history(self, channel: Channel) -> list[Message]:
        """Return what everybody in a channel sees of it, oldest first."""
        return self.world.visible(channel)

    async def wait_for(self, predicate: Callable[[], Found], timeout: float = 20.0) -> Found:  # noqa: ASYNC109 - what tests call it
        """Return what the predicate returns as soon as that is true; it is asked at each change.

        Fails with the last requests if it does not become true in time.
        """
        try:
            return await self.world.wait_for(predicate, timeout)
        except TimeoutError:
            last = "\n".join(str(line) for line in [*self.calls[-8:], *self.violations])
            raise AssertionError(f"not within {timeout} s; asked for last:\n{last}") from None

    async def wait_until_connected(self, sessions: int = 1, timeout: float = 20.0) -> None:  # noqa: ASYNC109 - as above
        """Return when so many sessions are connected and have been told all there was."""
        await self.wait_for(lambda: len(self.gateway.connected) >= sessions, timeout)
        await self.gateway.flushed()

    async def _date(self, _request: web.Request, response: web.StreamResponse) -> None:
        """Tell the server's time, as all answers of Discord's do."""
        response.headers["Date"] = formatdate(self.world.now(), usegmt=True)

    def advance(self, seconds: float) -> None:
        """Put the server's clock forward; the bot's stays where it is."""
        self.world.advance(seconds)
