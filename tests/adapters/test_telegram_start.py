"""What whoever starts a bot on Telegram is told."""

import asyncio
import contextlib
import os
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncGenerator
from pathlib import Path

from servers.telegram_server import TelegramServer

BOT = """\
from chatstate import Interface

bot = Interface(lambda text: text)
"""


@contextlib.asynccontextmanager
async def started(server: TelegramServer, folder: Path, *options: str) -> AsyncGenerator[Process]:
    """Run a bot on Telegram, until the end of the block."""
    (folder / "mybot.py").write_text(BOT)
    settings = {
        "CHATSTATE_TELEGRAM_TOKEN": server.token,
        "CHATSTATE_TELEGRAM_API": server.base_url,
    }
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "chatstate", "run", "mybot.py", "--on", "telegram", *options),
        cwd=folder,
        env={**os.environ, **settings},
        stdout=PIPE,
        stderr=PIPE,
    )
    try:
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
        await process.wait()


async def test_a_start_is_told_in_one_line(tmp_path: Path) -> None:
    """The bot, as whom it runs there, and where its store is: by default a file of its own."""
    async with TelegramServer() as server, started(server, tmp_path) as process:
        assert process.stderr
        assert process.stdout
        told = (await process.stderr.readline()).decode()
        store = tmp_path / "mybot.db"
        assert told == f"mybot on Telegram as @{server.bot.username} · store {store}\n"
        assert store.is_file()
        process.terminate()
        assert await process.stderr.read() == b""
        assert await process.stdout.read() == b""


async def test_a_store_that_is_given_is_told(tmp_path: Path) -> None:
    """That nothing is kept is told, too."""
    async with TelegramServer() as server:
        async with started(server, tmp_path, "--store", ":memory:") as process:
            assert process.stderr
            told = (await process.stderr.readline()).decode()
            assert told.endswith(" · store in memory\n")
        assert not (tmp_path / "mybot.db").exists()
