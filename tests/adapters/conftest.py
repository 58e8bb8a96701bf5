"""What the tests of adapters share: a Discord to talk to, with a person and a room."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from adapters.discord_driver import discord_server
from servers.discord_server import DiscordServer
from servers.discord_world import Channel, Person


@pytest.fixture
async def server() -> AsyncIterator[DiscordServer]:
    """Run a Discord for one test; what it was asked must agree with its description."""
    async with discord_server() as started:
        yield started
        assert started.rest.violations == []


@pytest.fixture
def alice(server: DiscordServer) -> Person:
    """Return somebody on it."""
    return server.person(42, "Alice")


@pytest.fixture
def room(server: DiscordServer) -> Channel:
    """Return a channel of a guild."""
    return server.channel(server.guild(10, "Home"), "room", id=11)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return where a bot's store is."""
    return tmp_path / "bot.db"
