"""chatstate with more of something: what a message costs then.

1. The state is as large from the first message on as after the last; the reply is short.
2. Options: "bytes N" is the size of each person's state, of which one line changes; "commands N" is
   how many commands the bot has, of which each message is one in turn.
3. Sessions that are stored are filled in as for `chatstate_bot`.
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from typing import Any

from benchmarks.contestants import chatstate_bot
from benchmarks.contestants.chatstate_bot import event
from benchmarks.contract import Replies, Say, Setup
from benchmarks.work import KEPT, text
from chatstate import Interface, State
from chatstate.engine import Engine
from chatstate.stores import open_store

fill = chatstate_bot.fill


def _bot(lines: int, commands: int) -> Interface:
    history: Any = State([text(0)] * lines, name="history")

    async def changed(message: str, kept: list[str]) -> tuple[str, list[str]]:
        return "done", [*kept[1:], message]

    bot = Interface(changed, inputs=["text", history], outputs=["text", history], id="echo")
    for number in range(commands):

        async def command(what: str) -> str:
            return what

        bot.command(name=f"c{number}")(command)
    return bot


def _number(setup: Setup, option: str) -> int:
    """Return the number that an option has; 0 without it."""
    told = [given.split() for given in setup.options]
    return next((int(number) for name, number in told if name == option), 0)


@contextlib.asynccontextmanager
async def bot(setup: Setup, replies: Replies) -> AsyncIterator[Say]:
    """Yield what the engine does with events."""
    size, commands = _number(setup, "bytes"), _number(setup, "commands")
    counter = chatstate_bot.Counter(replies, account="echo")
    lines = size // len(text(0)) if size else KEPT
    store = open_store(chatstate_bot.url_of(setup))
    engine = Engine(_bot(lines, commands), [counter], store)
    await engine.start()
    try:
        host = await counter.host

        async def say(person: int, number: int) -> None:
            called = f"/c{number % commands} " if commands else ""
            (receipt,) = await host.deliver([event(person, number, f"{called}{text(number)}")])
            await receipt.settled()

        yield say
    finally:
        await engine.stop()
