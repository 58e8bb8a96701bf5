"""A bot's process on Discord, as somebody would run it against the test server."""

import contextlib
import os
from collections.abc import AsyncIterator
from pathlib import Path

from adapters.discord_driver import TOKEN
from processes.lives import Life, life
from servers.discord_server import DiscordServer


@contextlib.asynccontextmanager
async def process(
    server: DiscordServer, folder: Path, bot: Path, *options: str
) -> AsyncIterator[Life]:
    """Run the bot of a file; kill it at the end of the block."""
    store = f"sqlite:///{folder / 'siege.db'}"
    told = {
        "CHATSTATE_DISCORD_TOKEN": TOKEN,
        "CHATSTATE_DISCORD_API": server.api_url,
        "CHATSTATE_DISCORD_GATEWAY": server.gateway_url,
    }
    arguments = ["-m", "chatstate", "run", str(bot), "--on", "discord", "--store", store, *options]
    with (folder / "log").open("ab") as log:
        starting = life(*arguments, env=os.environ | told, stdout=log, stderr=log)
        async with starting as process:
            yield process
    await server.wait_for(lambda: not server.gateway.connected)


async def ready(server: DiscordServer) -> None:
    """Return once it hears, and its commands are known."""
    await server.wait_until_connected(timeout=20)
    await server.wait_for(lambda: server.commands)
