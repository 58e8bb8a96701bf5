"""PostgreSQL with nothing around it, doing the rows that a durable turn cannot do without.

As `bare_sqlite`: two transactions, for what is written at once; with the option "each" for every
message by itself, by as many of 20 connections as are free. The tables are those of chatstate's own
store, in a schema at `setup.url` that chatstate has made. No handler, nothing that is looked up.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any

from benchmarks.contract import Replies, Say, Setup
from benchmarks.work import Result, Stopwatch, answer, kept, text, write_all
from chatstate.stores import open_store

_CONNECTIONS = 20
_ARRIVE = """INSERT INTO inbox
        (account, event_id, conversation, person, body, arrived_at, stored_by)
    SELECT 1, e, p, p, b, 0, 0 FROM unnest($1::text[], $2::bigint[], $3::text[]) AS g(e, p, b)
    RETURNING seq"""
_DONE = """UPDATE inbox SET body = NULL, done_at = 1, attempt = seq
    WHERE seq = ANY($1::bigint[]) AND done_at IS NULL"""
_STATE = """INSERT INTO states (bot, scope, name, place, person, value, version, schema, changed_at)
    SELECT 'echo', 'member', 'history', p, p, v::json, 1, 1, 0
    FROM unnest($1::bigint[], $2::text[]) AS g(p, v)
    ON CONFLICT (bot, scope, name, place, person) DO UPDATE SET value = excluded.value"""
_OWE = """INSERT INTO outbox (conversation, turn, part, body, owed_at, begun_at)
    SELECT p, s, 0, b, 0, 0 FROM unnest($1::bigint[], $2::bigint[], $3::text[]) AS g(p, s, b)"""
_SETTLE = "DELETE FROM outbox WHERE turn = ANY($1::bigint[])"


class _Echo:
    """The bot. States are also in memory, as a cache would have them."""

    def __init__(
        self, pool: Any, take: Callable[[int, str], None], states: dict[int, list[str]]
    ) -> None:
        self._pool = pool
        self._states = states
        self._settled: list[int] = []
        self._take = take

    async def handle(self, numbers: Sequence[int], person_of: Callable[[int], int]) -> None:
        """Take in messages, and answer them."""
        people = [person_of(number) for number in numbers]
        bodies = [json.dumps({"text": text(number)}) for number in numbers]
        events = [f"event-{number}" for number in numbers]
        async with self._pool.acquire() as connection:
            rows = await connection.fetch(_ARRIVE, events, people, bodies)
            turns = [row[0] for row in rows]
            for number, person in zip(numbers, people, strict=True):
                self._states[person] = kept(self._states.get(person, []), text(number))
            replies = [answer(self._states[person]) for person in people]
            settled, self._settled = self._settled, []
            async with connection.transaction():
                await connection.execute(_DONE, turns)
                values = [json.dumps(self._states[person]) for person in people]
                await connection.execute(_STATE, people, values)
                await connection.execute(_OWE, people, turns, replies)
                await connection.execute(_SETTLE, settled)
        self._settled += turns
        for person, reply in zip(people, replies, strict=True):
            self._take(person, reply)


def race(setup: Setup, messages: int, at_once: int) -> Result:
    """Take in, handle, and settle `messages`."""
    return asyncio.run(_race(setup, messages, at_once))


async def _race(setup: Setup, messages: int, at_once: int) -> Result:
    async with _opened(setup, lambda _person, _reply: None) as echo:
        if "each" in setup.options:
            return await write_all(
                messages, at_once, lambda number: echo.handle([number], lambda n: n % setup.people)
            )
        latencies: list[float] = []
        watch = Stopwatch()
        for first in range(0, messages, at_once):
            begun = time.perf_counter()
            numbers = range(first, min(first + at_once, messages))
            await echo.handle(numbers, lambda number: number % setup.people)
            latencies += [time.perf_counter() - begun] * len(numbers)
        return watch.stop(messages, latencies)


@contextlib.asynccontextmanager
async def bot(setup: Setup, replies: Replies) -> AsyncIterator[Say]:
    """Yield what answers a message by itself."""
    async with _opened(setup, replies.take) as echo:

        async def say(person: int, number: int) -> None:
            await echo.handle([number], lambda _: person)

        yield say


@contextlib.asynccontextmanager
async def _opened(setup: Setup, take: Callable[[int, str], None]) -> AsyncIterator[_Echo]:
    import asyncpg

    store = open_store(setup.url)
    await store.open("echo")  # makes the tables
    await store.end(clean=True)
    url, _, schema = setup.url.rpartition("schema=")
    settings = {"search_path": schema}
    async with asyncpg.create_pool(
        url.rstrip("?&"), min_size=1, max_size=_CONNECTIONS, server_settings=settings
    ) as pool:
        rows = await pool.fetch("SELECT person, value::text FROM states")
        yield _Echo(pool, take, {person: json.loads(value) for person, value in rows})
