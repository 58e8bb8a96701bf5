"""Worker processes on one PostgreSQL, beside SQLite, and PostgreSQL with nothing around it.

Each worker has a bot of its own, whose people write to it, so that all of them write at any time.
The figures are sums: messages of all workers, from the first message to the last reply.
`python -m benchmarks.workers URL NAME MESSAGES AT_ONCE` is one worker.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
import uuid
from pathlib import Path
from typing import Any

from benchmarks.chatstate_echo import Crowd, async_echo, echo_bot, serve
from benchmarks.work import KEPT, PEOPLE, Stopwatch, answer, text
from chatstate import Interface, State
from chatstate.engine import Engine
from chatstate.stores import open_store

_AT_ONCE = 100
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


def run(folder: Path, url: str, messages: int) -> None:
    """Measure and print."""
    sqlite = serve(echo_bot(), Crowd(messages, _AT_ONCE), folder).rate
    schema = f"bench_{uuid.uuid4().hex[:12]}"
    store = f"{url}{'&' if '?' in url else '?'}schema={schema}"
    try:
        asyncio.run(_made(store))
        bare = asyncio.run(_bare(url, schema, messages))
        rates = {number: _rate(store, number, messages) for number in (1, 2, 4)}
    finally:
        asyncio.run(_dropped(url, schema))
    print(f"\n{messages} messages for each worker, {_AT_ONCE} at once")
    for name, rate in (
        ("SQLite, one process", sqlite),
        ("bare PostgreSQL, batches of 100", bare),
        *((f"PostgreSQL, {number} workers", rate) for number, rate in rates.items()),
    ):
        print(f"{name:32} {rate:8.0f} per second  {rate / sqlite:5.2f} of SQLite")


def _rate(store: str, workers: int, messages: int) -> float:
    """Return how many messages so many workers answer in a second."""
    command = [sys.executable, "-m", "benchmarks.workers", store]
    started = [
        subprocess.Popen(  # noqa: S603 - ourselves
            [*command, f"echo-{uuid.uuid4().hex[:8]}", str(messages), str(_AT_ONCE)],
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(workers)
    ]
    told: list[dict[str, float]] = [json.loads(process.communicate()[0]) for process in started]
    elapsed = max(t["end"] for t in told) - min(t["begin"] for t in told)
    return workers * messages / elapsed


async def _made(store: str) -> None:
    """Let a bot run on a store for a moment, so that its tables are there."""
    opened = open_store(store)
    await opened.open("echo")
    await opened.end(clean=True)


async def _bare(url: str, schema: str, messages: int) -> float:
    """Return how many messages PostgreSQL takes with nothing around: two transactions a batch."""
    connection: Any = await _connected(url, schema)
    states: dict[int, list[str]] = {}
    settled: list[int] = []
    watch = Stopwatch()
    for first in range(0, messages, _AT_ONCE):
        numbers = range(first, min(first + _AT_ONCE, messages))
        people = [number % PEOPLE for number in numbers]
        bodies = [json.dumps({"text": text(number)}) for number in numbers]
        rows = await connection.fetch(_ARRIVE, [f"event-{n}" for n in numbers], people, bodies)
        turns = [row[0] for row in rows]
        for number, person in zip(numbers, people, strict=True):
            states[person] = [*states.get(person, []), text(number)][-KEPT:]
        async with connection.transaction():
            await connection.execute(_DONE, turns)
            await connection.execute(_STATE, people, [json.dumps(states[p]) for p in people])
            await connection.execute(_OWE, people, turns, [answer(states[p]) for p in people])
            await connection.execute(_SETTLE, settled)
        settled = turns
    rate = watch.stop(messages, []).rate
    await connection.close()
    return rate


async def _dropped(url: str, schema: str) -> None:
    connection: Any = await _connected(url, schema)
    await connection.execute(f"DROP SCHEMA IF EXISTS {schema} CASCADE")
    await connection.close()


async def _connected(url: str, schema: str) -> Any:
    import asyncpg

    return await asyncpg.connect(url, server_settings={"search_path": schema})


def _worker(store: str, name: str, messages: int, at_once: int) -> None:
    """Be one worker; print when its first message was written, and when the last was answered."""
    bot = Interface(async_echo, inputs=["text", State([])], outputs=["text", "state"], id=name)
    crowd = Crowd(messages, at_once)
    crowd.account = name  # an account is one bot's
    asyncio.run(Engine(bot, [crowd], open_store(store)).run())
    assert crowd.result, "it has ended"  # noqa: S101 - for type checkers
    end = time.time()
    print(json.dumps({"begin": end - crowd.result.elapsed, "end": end}))


if __name__ == "__main__":
    _worker(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
