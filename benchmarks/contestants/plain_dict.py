"""A dict and tasks, with no framework around them. Nothing is kept, and nothing is promised."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

from benchmarks.contract import Replies, Say, Setup
from benchmarks.work import answer, kept, text, wait


@contextlib.asynccontextmanager
async def bot(setup: Setup, replies: Replies) -> AsyncIterator[Say]:
    """Yield what echoes or counts, after 10 ms if the work says so."""
    histories: dict[int, list[str]] = {}
    counts = {"all": 0}

    async def count(person: int, _: int) -> None:
        number = counts["all"]
        await (wait() if setup.work == "slow count" else asyncio.sleep(0))
        counts["all"] = number + 1
        replies.take(person, str(number + 1))

    async def echo(person: int, number: int) -> None:
        await (wait() if setup.work == "wait" else asyncio.sleep(0))
        histories[person] = history = kept(histories.get(person, []), text(number))
        replies.take(person, answer(history))

    yield count if setup.work.endswith("count") else echo
