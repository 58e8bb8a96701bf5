"""Bots on Discord for tests: one that does everything, and how to run one in the process."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from enum import Enum
from pathlib import Path
from typing import Annotated, Any, Literal

from adapters.discord_driver import TOKEN, addresses
from adapters.discord_reader import read
from servers.discord_server import DiscordServer
from servers.discord_world import Message

from chatstate import Arg, Button, File, Interface, Markdown, PerThread, Ref, Reply, Turn, User
from chatstate.adapter import Adapter
from chatstate.engine import Engine
from chatstate.engine.outbox.sender import OnAmbiguous
from chatstate.stores.sqlite import SQLiteStore
from chatstate_discord import DiscordAdapter


class Colour(Enum):
    """What a command may be given."""

    RED = 1
    BLUE = 2


def rich_bot() -> Interface:  # noqa: C901 - a handler for everything
    """Return a bot with commands, buttons, files, markdown and streaming."""
    bot = Interface(id="rich", description="Everything at once")

    @bot.command
    def vote(choice: int, why: str = "") -> Reply:
        """Vote for an option."""
        said = f"{choice} it is{why and f', since {why}'}"
        return Reply(said, buttons=[Button("Again", command=f"/vote {choice}"), Button("Thanks")])

    @bot.command
    def paint(colour: Colour, size: Literal["big", "small"], glossy: bool = False) -> str:  # noqa: FBT002 - an argument
        """Paint something."""
        return f"{size} {colour.name} {glossy}"

    @bot.command
    def give(who: Annotated[User, Arg], amount: float) -> str:
        """Give somebody something."""
        return f"{amount} for {who.name} ({who.id})"

    @bot.command
    def secret() -> Reply:
        """Say something for you alone."""
        return Reply("psst", ephemeral=True)

    @bot.command
    def quiet() -> None:
        """Say nothing."""

    @bot.command
    async def count(turn: Turn) -> AsyncIterator[str]:
        """Count, visibly."""
        for number in range(1, 4):
            yield " ".join(map(str, range(1, number + 1)))

    @bot.on_message
    async def other(message: str, turn: Turn, seen: PerThread[Ref[int]]) -> Any:
        seen.value += 1
        if message == "file":
            return Reply("Here:", files=[File(b"a,b\n", "table.csv")])
        if message == "markdown":
            return Markdown("# Title\n\n**bold** and `code`")
        if turn.message.attachments:
            file = await turn.download(turn.message.attachments[0])
            return f"{len(file.read())} bytes of {file.name}"
        return f"{seen.value}: {message}"

    return bot


@contextlib.asynccontextmanager
async def running(
    server: DiscordServer,
    bot: Interface,
    path: Path,
    *more: Adapter,
    registers: bool = True,
    on_ambiguous: OnAmbiguous = "repeat",
    **options: Any,
) -> AsyncIterator[Engine]:
    """Run a bot on Discord, and others, until the end of the block.

    It is connected then, and has registered its commands if it `registers` them at all.
    """
    adapter = DiscordAdapter(token=TOKEN, **addresses(server), **options)
    engine = Engine(bot, [adapter, *more], SQLiteStore(path), on_ambiguous=on_ambiguous)
    await engine.start()
    waiting = asyncio.create_task(engine.wait())
    try:
        await server.wait_until_connected(int(options.get("shards", 1)))
        await server.wait_for(lambda: server.commands or not (bot.commands and registers))
        yield engine
        if waiting.done():
            waiting.result()
    finally:
        engine.request_stop()
        await asyncio.wait([waiting])
        await engine.stop()


def texts(messages: list[Message]) -> list[str]:
    """Return what can be read of messages."""
    return [
        read(message.content)[0]
        for message in messages
        if not message.deleted and not message.loading
    ]
