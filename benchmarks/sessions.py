"""What a million stored sessions cost at start-up and in memory, against none."""

from __future__ import annotations

import asyncio
import json
import resource
import sqlite3
import statistics
import subprocess
import sys
import time
from pathlib import Path

from benchmarks.chatstate_echo import Crowd, echo_bot
from chatstate.engine import Engine
from chatstate.stores import open_store

_FIRST = 1_000_000_000
_FILL = """
CREATE TEMP TABLE series AS
    WITH RECURSIVE s(n) AS (SELECT {first} UNION ALL SELECT n + 1 FROM s WHERE n < {last})
    SELECT n FROM s;
INSERT INTO chats (id, account, platform_id, kind, title)
    SELECT n, 1, 's' || n, 'private', '' FROM series;
INSERT INTO chat_ids SELECT 1, 's' || n, n FROM series;
INSERT INTO people (id, account, platform_id, name) SELECT n, 1, 's' || n, '' FROM series;
INSERT INTO person_ids SELECT 1, 's' || n, n FROM series;
INSERT INTO conversations (id, chat, thread) SELECT n, n, '' FROM series;
INSERT INTO state_values (state, place, person, value, version, schema, changed_at)
    SELECT id, n, n, '["hello", "how are you"]', n, 1, 0
    FROM series, state_names WHERE name = 'history';
"""


def _serve(url: str, messages: int) -> None:
    """Start on a store, answer some messages, and print what that took."""
    begun = time.perf_counter()
    crowd = Crowd(messages, at_once=10)
    asyncio.run(Engine(echo_bot(), [crowd], open_store(url)).run())
    took = time.perf_counter() - begun
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"seconds": took, "megabytes": peak}))


def _fill(path: Path, sessions: int) -> None:
    with sqlite3.connect(path) as database:
        database.executescript(_FILL.format(first=_FIRST, last=_FIRST + sessions - 1))
    database.close()


def _child(url: str) -> dict[str, float]:
    command = [sys.executable, "-m", "benchmarks.sessions", url]
    answer: dict[str, float] = json.loads(subprocess.check_output(command))  # noqa: S603 - ours
    return answer


def run(folder: Path, sessions: int = 1_000_000, rounds: int = 5) -> None:
    """Measure and print."""
    urls = {count: f"sqlite:///{folder / f'sessions-{count}.db'}" for count in (0, sessions)}
    for url in urls.values():
        _child(url)
    _fill(folder / f"sessions-{sessions}.db", sessions)
    results: dict[int, list[dict[str, float]]] = {count: [] for count in urls}
    for _ in range(rounds):
        for count, url in urls.items():
            results[count].append(_child(url))
    print("\nstart, answer 100 messages, stop: the middle of the rounds")
    for count, runs in results.items():
        seconds = statistics.median(served["seconds"] for served in runs)
        megabytes = statistics.median(served["megabytes"] for served in runs)
        print(f"{count:>10,} sessions {seconds:8.3f} s {megabytes:8.1f} MB")


if __name__ == "__main__":
    _serve(sys.argv[1], 100)
