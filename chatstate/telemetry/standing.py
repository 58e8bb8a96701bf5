"""What a store tells of how its bots stand: what waits too long, has failed, or runs beside it.

1. It is told in the same words by `/ready` and by `chatstate doctor`, each with a remedy.
2. What has failed or crashed is told for an hour, or until it is mended: done again, or dropped.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence

from chatstate.adapter import Finding
from chatstate.inspection import Figures, KnownWorker

WAITS_TOO_LONG = 60.0
"""Seconds after which an event that waits, or a reply that is owed, tells that something is wrong.
A turn gets as many by default."""
LATELY = 3600.0
"""Seconds for which it is told that something went wrong."""


def of_figures(figures: Figures, now: float) -> Iterator[Finding]:
    """Yield what waits for too long, and what went wrong lately."""
    if (waited := _waited(figures.waiting_since, now)) > WAITS_TOO_LONG:
        told = f"an event waits for {waited:.0f} s"
        remedy = "chatstate state list --shelf running tells whose, the log what its handler does"
        yield Finding("warning", "inbox", told, remedy)
    if (waited := _waited(figures.owed_since, now)) > WAITS_TOO_LONG:
        told = f"a reply is owed for {waited:.0f} s"
        remedy = "chatstate state list --shelf outbox tells to whom, the log what the platform says"
        yield Finding("warning", "outbox", told, remedy)
    if (ago := _ago(figures.failed_at, now)) < LATELY:
        told = f"an event failed {ago:.0f} s ago"
        remedy = "chatstate dead list tells why; mend it, then chatstate dead retry NUMBER, or drop"
        yield Finding("warning", "turns", told, remedy)
    if (ago := _ago(figures.crashed_at, now)) < LATELY:
        told = f"a process was found gone {ago:.0f} s ago"
        remedy = (
            "it was killed, froze, or an event kills it: see its log, chatstate dead list, and "
            "the crashes of chatstate state list --shelf inbox"
        )
        yield Finding("warning", "processes", told, remedy)


def of_workers(workers: Sequence[KnownWorker]) -> Iterator[Finding]:
    """Yield which runs are silent or older than others, and whether any receives."""
    for worker in workers:
        if worker.lease < 0:
            told = f"{worker.process} is silent: its lease is over for {-worker.lease:.0f} s"
            remedy = "its process is frozen or gone: end it, and start it again"
            yield Finding("failed", "processes", told, remedy)
    yield from of_deploys(workers)
    if not any("poller" in role for worker in workers for role in worker.roles):
        remedy = "start one: chatstate run; one that runs tells in its log what keeps it"
        yield Finding("warning", "processes", "no worker receives", remedy)


def of_deploys(workers: Sequence[KnownWorker]) -> Iterator[Finding]:
    """Yield which runs have older states, or another chatstate, than one of the same bot has."""
    for bot in sorted({worker.bot for worker in workers}):
        its = [worker for worker in workers if worker.bot == bot]
        newest: dict[str, int] = {}
        for name, version in (item for worker in its for item in worker.versions.items()):
            newest[name] = max(version, newest.get(name, version))
        yield from of_code(newest, max(its, key=lambda run: run.started_at).engine, its)


def of_code(
    versions: Mapping[str, int], engine: str, workers: Sequence[KnownWorker]
) -> Iterator[Finding]:
    """Yield which runs of a bot have older states, or another chatstate, than some code of it."""
    for worker in workers:
        told = [
            f"version {version} of state {name!r}, and not {versions[name]}"
            for name, version in worker.versions.items()
            if version < versions.get(name, version)
        ]
        if worker.engine != engine:
            told.append(f"chatstate {worker.engine or 'of before'}, and not {engine}")
        if told:
            remedy = "end it, once the new one runs: what it holds goes on elsewhere"
            what = f"{worker.process} is of another deploy: it has {', '.join(told)}"
            yield Finding("warning", "processes", what, remedy)


def _waited(since: float | None, now: float) -> float:
    return 0.0 if since is None else now - since


def _ago(at: float | None, now: float) -> float:
    return math.inf if at is None else now - at
