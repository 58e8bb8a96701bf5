"""Figures: what an engine has done and what waits, for Prometheus.

1. No chat and no person is a label: what labels there are have few values.
2. What waits is asked of the store when somebody looks, not counted on the way.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Generator, Sequence
from contextlib import AbstractContextManager

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.exposition import generate_latest

from chatstate.adapter import Action, Adapter
from chatstate.bot.outgoing import Verdict
from chatstate.engine.observing import Took
from chatstate.engine.turns.turn import RunningTurn
from chatstate.inspection import Figures, KnownWorker
from chatstate.signature import label
from chatstate.stores.base import Ingested, Outcome, Run, TurnCommit

_SECONDS = (0.001, 0.005, 0.02, 0.1, 0.5, 2.0, 10.0, 60.0)
_REMEMBERED = 10_000  # events whose turn has not begun here
_BATCH = (1, 2, 4, 8, 16, 32, 64, 128)


class Metrics:
    """Counts what an engine does. `registry` is what all of it is in."""

    def __init__(self) -> None:
        self.registry = registry = CollectorRegistry()
        self._events = Counter(
            "chatstate_events", "Events that adapters delivered.", ["status"], registry=registry
        )
        self._turns = Counter(
            "chatstate_turns",
            "Turns by outcome: applied, failed, conflict (runs again), fenced.",
            ["outcome"],
            registry=registry,
        )
        self._handling = Histogram(
            "chatstate_turn_seconds",
            "From the beginning of a turn until its commit is queued.",
            ["handler"],
            buckets=_SECONDS,
            registry=registry,
        )
        self._waiting = Histogram(
            "chatstate_turn_waiting_seconds",
            "From the arrival of an event until its turn begins, in this process.",
            buckets=_SECONDS,
            registry=registry,
        )
        self._commits = Histogram(
            "chatstate_commit_seconds", "Commits.", buckets=_SECONDS, registry=registry
        )
        self._batches = Histogram(
            "chatstate_commit_turns", "Turns in one commit.", buckets=_BATCH, registry=registry
        )
        self._sends = Counter(
            "chatstate_sends",
            "Calls on platforms, by what came of them: ok, or the type of what was raised.",
            ["platform", "verb", "outcome"],
            registry=registry,
        )
        self._egress = Counter(
            "chatstate_egress",
            "What guards of what leaves did not let pass as it was: changed, stopped, failed.",
            ["outcome"],
            registry=registry,
        )
        self._sending = Histogram(
            "chatstate_send_seconds",
            "Calls on platforms.",
            ["platform"],
            buckets=_SECONDS,
            registry=registry,
        )
        self._state = {
            name: Gauge(f"chatstate_{name}", told, registry=registry)
            for name, told in (
                ("inbox_events", "Events that wait, in the whole store."),
                ("inbox_oldest_seconds", "How long the oldest of them has waited."),
                ("outbox_replies", "Replies owed, in the whole store."),
                ("outbox_oldest_seconds", "How long the oldest of them is owed."),
                ("dead_letters", "Dead letters, in the whole store."),
                ("workers", "Runs that live."),
                ("held_conversations", "Conversations that live runs hold."),
            )
        }
        self._arrived: dict[int, float] = {}

    def began(self, bot: str, run: Run) -> None:
        """See `Observer`."""

    def delivered(self, ingested: Sequence[Ingested], took: Took) -> None:  # noqa: ARG002 - see `Observer`
        """See `Observer`."""
        now = time.perf_counter()
        for taken in ingested:
            self._events.labels(taken.status).inc()
            if taken.arrival and taken.status == "stored":
                self._arrived[taken.arrival.seq] = now
        while len(self._arrived) > _REMEMBERED:  # others have handled these, or nobody will
            del self._arrived[next(iter(self._arrived))]

    @contextlib.contextmanager
    def turn(self, turn: RunningTurn) -> Generator[None]:
        """See `Observer`."""
        arrived_at = self._arrived.pop(turn.arrivals[0].seq, None)
        if arrived_at is not None:
            self._waiting.observe(time.perf_counter() - arrived_at)
        began = time.perf_counter()
        yield
        name = label(turn.plan.fn) if turn.plan else "none"
        self._handling.labels(name).observe(time.perf_counter() - began)

    def step(self, turn: RunningTurn, name: str) -> AbstractContextManager[object]:  # noqa: ARG002 - see `Observer`
        """See `Observer`."""
        return contextlib.nullcontext()

    def committing(self, turns: Sequence[TurnCommit]) -> None:
        """See `Observer`."""
        self._batches.observe(len(turns))

    def committed(
        self, turns: Sequence[TurnCommit], outcomes: Sequence[Outcome], took: Took
    ) -> None:
        """See `Observer`."""
        self._commits.observe(took.seconds)
        for turn, outcome in zip(turns, outcomes, strict=True):
            is_failed = turn.dead is not None and outcome == "applied"
            self._turns.labels("failed" if is_failed else outcome).inc()
            for also in turn.also:
                self._arrived.pop(also, None)

    def performed(
        self, adapter: Adapter, action: Action, error: BaseException | None, took: Took
    ) -> None:
        """See `Observer`."""
        outcome = type(error).__name__ if error else "ok"
        self._sends.labels(adapter.name, action.verb, outcome).inc()
        self._sending.labels(adapter.name).observe(took.seconds)

    def guarded(self, verdict: Verdict) -> None:
        """See `Observer`."""
        self._egress.labels(verdict.outcome).inc()

    def text(self, figures: Figures, workers: Sequence[KnownWorker], now: float) -> bytes:
        """Return all figures as Prometheus reads them; `now` is when these were asked for."""
        for name, value in (
            ("inbox_events", figures.waiting),
            ("inbox_oldest_seconds", _age(figures.waiting_since, now)),
            ("outbox_replies", figures.owed),
            ("outbox_oldest_seconds", _age(figures.owed_since, now)),
            ("dead_letters", figures.dead),
            ("workers", len(workers)),
            ("held_conversations", sum(worker.holds for worker in workers)),
        ):
            self._state[name].set(value)
        return generate_latest(self.registry)


def _age(since: float | None, now: float) -> float:
    return 0.0 if since is None else max(now - since, 0.0)
