"""A conversation on simcord, a Discord in the process that others have made."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import discord
import pytest
import simcord
from adapters.discord_bots import rich_bot
from adapters.discord_driver import TOKEN

from chatstate.engine import Engine
from chatstate.stores.sqlite import SQLiteStore
from chatstate_discord import DiscordAdapter
from chatstate_discord.send import acknowledging


class InProcess(DiscordAdapter):
    """An adapter whose client simcord attaches itself to, in place of a connection."""

    def __init__(self) -> None:
        super().__init__(token=TOKEN, shards="1")
        self.env: asyncio.Future[Any] = asyncio.get_running_loop().create_future()

    async def _login(self, client: discord.Client) -> None:
        self._run = simcord.run(client)
        self.env.set_result(await self._run.__aenter__())

    async def _connect(self, client: discord.Client) -> None:  # noqa: ARG002 - the adapter's
        try:
            await asyncio.Event().wait()
        finally:
            await self._run.__aexit__(None, None, None)


@asynccontextmanager
async def env_of(path: Path) -> AsyncIterator[Any]:
    adapter = InProcess()
    engine = Engine(rich_bot(), [adapter], SQLiteStore(path))
    await engine.start()
    try:
        yield await adapter.env
    finally:
        engine.request_stop()
        await engine.stop()


async def test_a_conversation(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A mention, a slash command and a press are answered in a channel."""
    # Its clock stands still until a command is acknowledged.
    monkeypatch.setattr(acknowledging, "ANSWER_SECONDS", 0.0)
    async with env_of(tmp_path / "bot.db") as env:
        guild = env.create_guild()
        room = guild.create_text_channel("room")
        alice = guild.add_member(env.create_user("alice"))
        await alice.send(room, f"{env.bot.user.mention} hi")
        await shown(room, "1: hi")
        await alice.slash(room, "vote", choice=3)
        await shown(room, "3 it is")
        await alice.click(room.last_message, label="Thanks")
        await shown(room, "2: Thanks")


async def shown(room: Any, text: str) -> None:
    """Wait until a text is the last one in a channel."""
    async with asyncio.timeout(5):
        while room.last_message is None or room.last_message.content != text:
            await asyncio.sleep(0.01)
