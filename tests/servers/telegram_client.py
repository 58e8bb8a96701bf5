"""python-telegram-bot as the server's client."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from servers.telegram_server import TelegramServer
from telegram import Bot
from telegram.request import HTTPXRequest


@asynccontextmanager
async def bot_on(server: TelegramServer, read_timeout: float = 5) -> AsyncIterator[Bot]:
    """Connect a bot; `read_timeout` is how long it waits for an answer, in seconds."""
    async with Bot(
        server.token,
        base_url=server.base_url,
        base_file_url=server.base_file_url,
        request=HTTPXRequest(read_timeout=read_timeout, httpx_kwargs={"verify": False}),
    ) as bot:
        yield bot
