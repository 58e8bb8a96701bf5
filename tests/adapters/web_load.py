"""Measures a page that many have open at once, each of them being shown an answer as it grows.

From the project's folder:

    PYTHONPATH=tests python -m adapters.web_load [PAGES]

The bot is a process of its own, on SQLite; pages are read here, each from an address of its own on
loopback (Linux has all of 127.0.0.0/8). Told are the seconds until all answers were whole, of which
5 are the bot's own pauses, how often a page was shown more, and what that cost the bot.
"""

import asyncio
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import httpx
from adapters.web_page import TOKEN, Visitor

BOT = """
import asyncio

from chatstate import Interface, Markdown

WORDS = "Green tea wants **cooler water** than black, 75 degrees, for ninety seconds. ".split()
bot = Interface(id="load")


@bot.on_message
async def answer(text: str):
    said = ""
    for number in range(100):
        said += WORDS[number % len(WORDS)] + (" " if number % 25 else "\\n\\n")
        yield Markdown(said)
        await asyncio.sleep(0.05)
"""
_WHERE = re.compile(rb"http://[0-9.:]+/(?=#token)")


class Tab:
    """A page that somebody has open."""

    def __init__(self, number: int, base: str) -> None:
        self.visitor = Visitor(None, base=base)
        transport = httpx.AsyncHTTPTransport(
            local_address=f"127.0.{1 + number // 200}.{number % 200 + 1}"
        )
        self.visitor.client._transport = transport
        self.shown = self.size = 0

    async def talk(self, ready: asyncio.Barrier) -> None:
        """Say something, and read on until the answer is whole."""
        assert await self.visitor.enter() == httpx.codes.NO_CONTENT
        async with self.visitor.client.stream("GET", "events?after=0", timeout=None) as stream:
            await ready.wait()
            await self.visitor.say("hi")
            async for piece in stream.aiter_text():
                self.shown += piece.count("event: live")
                self.size += len(piece)
                if '"origin"' in piece:
                    break
        await self.visitor.client.aclose()


async def measure(base: str, pages: int) -> None:
    """Open pages, let all of them talk at once, and print what came of it."""
    tabs = [Tab(number, base) for number in range(pages)]
    ready = asyncio.Barrier(pages + 1)
    talking = [asyncio.create_task(tab.talk(ready)) for tab in tabs]
    await ready.wait()
    began = time.perf_counter()
    await asyncio.gather(*talking)
    shown, size = sum(tab.shown for tab in tabs), sum(tab.size for tab in tabs)
    seconds = time.perf_counter() - began
    print(
        f"{pages} pages: {seconds:.1f} s, shown more {shown} times, {size / 1e6:.1f} MB", flush=True
    )


def main() -> None:
    """Run the bot, measure, and tell what it took of the processor and of memory."""
    pages = int(sys.argv[1]) if len(sys.argv) > 1 else 200
    with tempfile.TemporaryDirectory() as folder:
        app = Path(folder, "app.py")
        app.write_text(BOT)
        command = ["run", str(app), "--on", "web", "--listen", "127.0.0.1:0", "--page-token", TOKEN]
        store = {"CHATSTATE_STORE": f"sqlite:///{folder}/load.db"}
        process = subprocess.Popen(
            [sys.executable, "-m", "chatstate", *command],
            env=os.environ | store,
            stderr=subprocess.PIPE,
        )
        assert process.stderr
        while not (found := _WHERE.search(process.stderr.readline())):
            assert process.poll() is None
        asyncio.run(measure(found[0].decode().removesuffix("/"), pages))
        process.send_signal(signal.SIGTERM)
        _, _, used = os.wait4(process.pid, 0)
        taken = used.ru_utime + used.ru_stime
        print(f"the bot: {taken:.1f} s of a processor, {used.ru_maxrss / 1024:.0f} MB", flush=True)


if __name__ == "__main__":
    main()
