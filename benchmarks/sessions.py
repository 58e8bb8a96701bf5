"""What stored sessions cost at start-up and in memory: none, 100,000 and a million of them.

1. Whoever keeps sessions is given so many, by its own means where it has any. Then it is started
   in a new process and answers one message: the time is from opening it to the reply, without the
   imports, and the memory is the most that the process had.
2. All are of people who do not write again.
"""

from __future__ import annotations

import statistics
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from benchmarks import names
from benchmarks.children import done
from benchmarks.entrants import BY_NAME, Entrant
from benchmarks.environments import Absent
from benchmarks.job import Job
from benchmarks.servers import Servers

SESSIONS = (0, 100_000, 1_000_000)
KEEPERS = (names.ASYNC, names.TELEGRAM_PICKLE, names.AIOGRAM_REDIS, names.LANGGRAPH)


class Start(NamedTuple):
    """How a contestant starts with so many sessions: the middle of the rounds."""

    name: str
    sessions: int
    seconds: float
    peak_mb: float


def measure(
    servers: Servers,
    left_out: dict[str, str],
    rounds: int,
    counts: Sequence[int] = SESSIONS,
    told: Callable[[str], None] = lambda _name: None,
) -> list[Start]:
    """Start each contestant but those `left_out`; who cannot take part is added there."""
    starts = []
    for name in KEEPERS:
        for count in counts:
            told(f"{name}, {count:,} sessions")
            if name in left_out:
                continue
            try:
                starts.append(_started(BY_NAME[name], servers, count, rounds))
            except Absent as reason:
                left_out[name] = str(reason)
    return starts


def _started(entrant: Entrant, servers: Servers, count: int, rounds: int) -> Start:
    runs_of = 1 if count == SESSIONS[-1] else rounds  # a million is slow, and no close matter
    with tempfile.TemporaryDirectory() as folder, servers.url(entrant.server, Path(folder)) as url:
        job = Job("start", folder, "echo", url, entrant.options)
        done(entrant, job)  # makes the tables, if it has any
        if count:
            done(entrant, job._replace(do="fill", messages=count))
        runs = [done(entrant, job._replace(first=number)) for number in range(1, runs_of + 1)]
    seconds = statistics.median(run["seconds"] for run in runs)
    return Start(entrant.name, count, seconds, statistics.median(run["peak_mb"] for run in runs))
