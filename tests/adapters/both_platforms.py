"""`chatstate run APP --on web --on telegram`: a process of its own, and somebody on each."""

import contextlib
import os
import re
import sys
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
from adapters.web_page import TOKEN, Visitor
from processes.lives import life
from processes.programs import CHATSTATE
from servers.telegram_server import TelegramServer

_WHERE = re.compile(rb"http://[0-9.:]+/(?=#token)")


@contextlib.asynccontextmanager
async def _running(app: Path, telegram: TelegramServer, folder: Path) -> AsyncIterator[str]:
    """Run an app by the command line until the end of the block; give the page's address."""
    command = ["run", str(app), "--on", "web", "--on", "telegram", "--page-token", TOKEN]
    settings = {
        "CHATSTATE_TELEGRAM_TOKEN": telegram.token,
        "CHATSTATE_TELEGRAM_API": telegram.base_url,
        "CHATSTATE_WEB_LISTEN": "127.0.0.1:0",
        "CHATSTATE_STORE": f"sqlite:///{folder / 'both.db'}",
        "PYTHONPATH": os.pathsep.join(sys.path),
    }
    arguments = (*CHATSTATE, *command)
    async with life(*arguments, env=os.environ | settings, folder=folder, stderr=PIPE) as process:
        assert process.stderr
        told = b""
        while not (found := _WHERE.search(told)):
            line = await process.stderr.readline()
            assert line, f"it ended before it told where it is: {told.decode()}"
            told += line
        yield found[0].decode()


async def converse(app: Path, folder: Path) -> tuple[list[str], list[str]]:
    """Say two things to an app on each of both, in turn; return what each shows then."""
    async with TelegramServer() as telegram, _running(app, telegram, folder) as address:
        bob = telegram.person(1000, "Bob", "bob")
        there = telegram.private_chat(bob)
        visitor = Visitor(None, base=address.removesuffix("/"))
        async with visitor.client:
            assert await visitor.enter() == httpx.codes.NO_CONTENT
            for number in (1, 2):
                await visitor.say(f"page {number}")
                await visitor.until(2 * number)
                telegram.say(bob, there, f"chat {number}")
                await telegram.wait_for(lambda: len(telegram.messages(there)) == number)  # noqa: B023 - waited for here
            shown = await visitor.texts()
        return shown, [message.text for message in telegram.messages(there)]
