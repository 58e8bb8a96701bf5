"""What a store tells of how its bots stand: what waits too long, has failed, or runs beside it.

1. It is told in the same words by `/ready` and by `chatstate doctor`, each with a remedy.
2. What has failed or crashed is told for an hour, or until it is mended: done again, or dropped.
"""

from __future__ import annotations

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
    if _is_late(figures.waiting_since, now):
        told = f"an event waits for {now - (figures.waiting_since or 0):.0f} s"
        remedy = "chatstate state list --shelf running tells whose, the log what its handler does"
        yield Finding("warning", "inbox", told, remedy)
    if _is_late(figures.owed_since, now):
        told = f"a reply is owed for {now - (figures.owed_since or 0):.0f} s"
        remedy = "chatstate state list --shelf outbox tells to whom, the log what the platform says"
        yield Finding("warning", "outbox", told, remedy)
    if _is_recent(figures.failed_at, now):
        told = f"an event failed {now - (figures.failed_at or 0):.0f} s ago"
        remedy = "chatstate dead list tells why; mend it, then chatstate dead retry NUMBER, or drop"
        yield Finding("warning", "turns", told, remedy)
    if _is_recent(figures.crashed_at, now):
        told = f"a process was found gone {now - (figures.crashed_at or 0):.0f} s ago"
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
    remedy = "end it, once the new one runs: what it holds goes on elsewhere"
    for worker in workers:
        others = [other for other in workers if other.bot == worker.bot]
        for name, version in _behind(worker.versions, others).items():
            told = f"{worker.process} is of an older deploy: it has version {version} of {name!r}"
            yield Finding("warning", "processes", told, remedy)
        newest = max(others, key=lambda other: other.started_at).engine
        if worker.engine != newest:
            told = f"{worker.process} runs chatstate {worker.engine}, a newer one {newest}"
            yield Finding("warning", "processes", told, remedy)


def _behind(versions: Mapping[str, int], others: Sequence[KnownWorker]) -> dict[str, int]:
    return {
        name: version
        for name, version in versions.items()
        if any(other.versions.get(name, version) > version for other in others)
    }


def _is_late(since: float | None, now: float) -> bool:
    return since is not None and now - since > WAITS_TOO_LONG


def _is_recent(at: float | None, now: float) -> bool:
    return at is not None and now - at < LATELY
