"""Worker processes on one PostgreSQL, beside SQLite, and PostgreSQL with nothing around it.

Each worker has a bot of its own, whose people write to it, so that all of them write at any time.
The figures are sums: messages of all workers, from the first message to the last reply.
"""

from __future__ import annotations

import json
from pathlib import Path

from benchmarks import names
from benchmarks.children import begun, done
from benchmarks.entrants import BY_NAME
from benchmarks.job import Job
from benchmarks.servers import Servers
from benchmarks.work import Result

_AT_ONCE = 100


def run(folder: Path, servers: Servers, messages: int) -> None:
    """Measure and print."""
    job = Job("speed", str(folder), messages=messages, at_once=_AT_ONCE)
    sqlite = Result(**done(BY_NAME[names.ASYNC], job)).rate
    with servers.url("postgres", folder) as url:
        bare = Result(**done(BY_NAME[names.BARE_POSTGRES], job._replace(url=url))).rate
    rates = {number: _rate(servers, job, number) for number in (1, 2, 4)}
    print(f"\n{messages} messages for each worker, {_AT_ONCE} at once")
    for name, rate in (
        ("SQLite, one process", sqlite),
        ("bare PostgreSQL, batches of 100", bare),
        *((f"PostgreSQL, {number} workers", rate) for number, rate in rates.items()),
    ):
        print(f"{name:32} {rate:8.0f} per second  {rate / sqlite:5.2f} of SQLite")


def _rate(servers: Servers, job: Job, workers: int) -> float:
    """Return how many messages so many workers answer in a second."""
    entrant = BY_NAME[names.POSTGRES]
    with servers.url("postgres", Path(job.folder)) as url:
        told = job._replace(url=url)
        done(entrant, told._replace(options=entrant.options, messages=2))  # makes the tables
        started = [
            begun(entrant, told._replace(options=(*entrant.options, f"as echo-{number}")))
            for number in range(workers)
        ]
        outputs = [process.communicate()[0] for process in started]
    results = [Result(**json.loads(output.splitlines()[-1])) for output in outputs]
    first = min(result.ended - result.elapsed for result in results)
    return workers * job.messages / (max(result.ended for result in results) - first)
