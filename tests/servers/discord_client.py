"""A real discord.py client for the tests of the server, run as an adapter would run one."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

import discord
from servers.discord_server import DiscordServer

PLAIN = discord.Intents(guilds=True, messages=True, message_content=True)


class Bot(discord.Client):
    """A client that notes what it is told; `task` is its start, which ends with it."""

    task: asyncio.Task[None]

    def __init__(self, intents: discord.Intents = PLAIN) -> None:
        super().__init__(intents=intents, guild_ready_timeout=0.01)
        self.heard: list[discord.Message] = []
        self.events: list[str] = []
        self.interactions: asyncio.Queue[discord.Interaction] = asyncio.Queue()
        self._told = asyncio.Event()

    async def on_message(self, message: discord.Message) -> None:
        """Keep a message."""
        self.heard.append(message)

    async def on_interaction(self, interaction: discord.Interaction) -> None:
        """Keep an interaction for the test to answer."""
        self.interactions.put_nowait(interaction)

    async def on_socket_event_type(self, event: str) -> None:
        """Count an event of the gateway."""
        self.events.append(event)
        self._told.set()

    async def on_disconnect(self) -> None:
        """Count a lost connection, and a failed attempt to connect."""
        await self.on_socket_event_type("disconnect")

    async def before_identify_hook(self, shard_id: int | None, *, initial: bool = False) -> None:
        """Identify at once: discord.py would wait 5 s before it identifies again."""

    def room(self) -> discord.TextChannel:
        """Return the channel with the id 11."""
        channel = self.get_channel(11)
        assert isinstance(channel, discord.TextChannel)
        return channel

    async def until(self, event: str, count: int = 1) -> None:
        """Wait until an event was counted so often."""
        async with asyncio.timeout(10):
            while self.events.count(event) < count:
                self._told.clear()
                await self._told.wait()


@contextlib.asynccontextmanager
async def running(server: DiscordServer, bot: Bot | None = None) -> AsyncIterator[Bot]:
    """Start a client in this loop and stop it; what ends it early is raised."""
    bot = bot or Bot()
    async with bot:
        bot.task = task = asyncio.create_task(bot.start(server.token))
        ready = asyncio.create_task(bot.wait_for("ready", timeout=10))
        await asyncio.wait([task, ready], return_when=asyncio.FIRST_COMPLETED)
        if task.done():
            ready.cancel()
            await task
        await ready
        yield bot
    await task
