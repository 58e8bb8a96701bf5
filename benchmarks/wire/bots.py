"""A bot in a process of its own that says what it used: `python -m benchmarks.wire.bots JSON`.

1. It answers people until its standard input ends. "start" begins to count, "profile" does so under
   cProfile, and "stop" has the figures written as a line of JSON.
2. `cpu` is that of the whole process, `loop` that of the loop's thread; `shares` of a profile are
   each station's part of the time in which the loop's thread did anything.
3. Limits that the platforms' real servers have are lifted: what is measured is the bot.
"""

from __future__ import annotations

import asyncio
import contextlib
import cProfile
import json
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from benchmarks.work import answer, kept, peak_mb


class _Meter:
    def __init__(self, loop: asyncio.AbstractEventLoop, ended: asyncio.Event) -> None:
        self._ended = ended
        self._profile = cProfile.Profile()
        self._cpu = self._loop = 0.0
        loop.add_reader(sys.stdin.fileno(), self._told)

    def _told(self) -> None:
        match sys.stdin.readline().strip():
            case "start":
                self._begin()
            case "profile":
                self._begin()
                self._profile.enable()
            case "stop":
                self._profile.disable()
                sys.stdout.write(f"{json.dumps(self._figures())}\n")
                sys.stdout.flush()
            case "":
                self._ended.set()

    def _begin(self) -> None:
        self._cpu, self._loop = time.process_time(), time.thread_time()

    def _figures(self) -> dict[str, Any]:
        cpu, loop = time.process_time() - self._cpu, time.thread_time() - self._loop
        from benchmarks.wire.stations import shares

        return {"cpu": cpu, "loop": loop, "peak_mb": peak_mb(), "shares": shares(self._profile)}


@contextlib.asynccontextmanager
async def _chatstate(told: dict[str, Any]) -> AsyncIterator[None]:
    from benchmarks.contestants.chatstate_bot import bot_for
    from chatstate.engine import Engine
    from chatstate.stores import open_store

    store = open_store(f"sqlite:///{Path(told['folder']) / 'wire.db'}")
    engine = Engine(bot_for("echo"), [_adapter(told)], store)
    await engine.start()
    try:
        yield
    finally:
        await engine.stop()


def _adapter(told: dict[str, Any]) -> Any:
    if told["platform"] == "page":
        from chatstate_web import WebAdapter

        return WebAdapter(listen=told["listen"], page_token=told["token"], rate=1_000_000)
    if told["platform"] == "discord":
        from chatstate_discord import DiscordAdapter

        return DiscordAdapter(token=told["token"], api=told["api"], gateway=told["gateway"])
    from chatstate_telegram import TelegramAdapter
    from chatstate_telegram.send.pace import Limit, Limits, Pace

    options = {name: told[name] for name in ("webhook", "listen") if name in told}
    pace = Pace(Limits(*[Limit(1000, 0.001)] * 4))
    return TelegramAdapter(token=told["token"], api=told["api"], pace=pace, **options)


@contextlib.asynccontextmanager
async def _python_telegram_bot(told: dict[str, Any]) -> AsyncIterator[None]:
    """Poll, and answer any number of updates at once; nothing is kept."""
    from telegram.ext import ApplicationBuilder, MessageHandler, filters

    async def echo(update: Any, context: Any) -> None:
        history = kept(context.user_data.get("history", []), update.message.text)
        context.user_data["history"] = history
        await update.message.reply_text(answer(history))

    builder = ApplicationBuilder().token(told["token"]).base_url(told["api"])
    application: Any = builder.concurrent_updates(True).build()
    application.add_handler(MessageHandler(filters.TEXT, echo))
    async with application:
        await application.start()
        await application.updater.start_polling()
        yield
        await application.updater.stop()
        await application.stop()


@contextlib.asynccontextmanager
async def _discord_py(told: dict[str, Any]) -> AsyncIterator[None]:
    """Answer as a client does; nothing is kept."""
    import discord
    from discord.http import Route
    from yarl import URL

    histories: dict[int, list[str]] = {}
    Route.BASE = told["api"]
    discord.gateway.DiscordWebSocket.DEFAULT_GATEWAY = URL(told["gateway"])
    client = discord.Client(intents=discord.Intents(dm_messages=True, message_content=True))

    @client.event
    async def on_message(message: discord.Message) -> None:
        if message.author != client.user:
            person = message.author.id
            histories[person] = kept(histories.get(person, []), message.content)
            await message.channel.send(answer(histories[person]))

    async with client:
        running = asyncio.create_task(client.start(told["token"]))
        yield
        await client.close()
        await running


_BOTS = {
    "chatstate": _chatstate,
    "python-telegram-bot": _python_telegram_bot,
    "discord.py": _discord_py,
}


async def _run(told: dict[str, Any]) -> None:
    ended = asyncio.Event()
    async with _BOTS[told["bot"]](told):
        _Meter(asyncio.get_running_loop(), ended)
        await ended.wait()


if __name__ == "__main__":
    asyncio.run(_run(json.loads(sys.argv[1])))
