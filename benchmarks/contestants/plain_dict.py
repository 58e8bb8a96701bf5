"""A dict and tasks, with no framework around them. Nothing is kept, and nothing is promised."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

from benchmarks.contract import Replies, Say, Setup
from benchmarks.work import answer, kept, text, wait


@contextlib.asynccontextmanager
async def bot(setup: Setup, replies: Replies) -> AsyncIterator[Say]:
    """Yield what echoes, after 10 ms if the work says so."""
    histories: dict[int, list[str]] = {}

    async def say(person: int, number: int) -> None:
        await (wait() if setup.work == "wait" else asyncio.sleep(0))
        histories[person] = history = kept(histories.get(person, []), text(number))
        replies.take(person, answer(history))

    yield say
