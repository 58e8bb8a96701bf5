"""Health: whether an engine handles what comes, and what stands in the way.

1. Alive is whoever answers at all: the event loop turns. The store is not asked for that.
2. Ready is who has just written to the store. What waits for the store longer than it should is
   failing, whoever is to blame.
3. What one conversation or one platform suffers takes no worker out of service: it is degraded.
   So is what went wrong lately, and what another worker suffers.
4. Each reason says in words what is wrong, and what to do.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from typing import Literal

import msgspec

from chatstate.clock import Clock
from chatstate.engine import Engine
from chatstate.errors import StorageError
from chatstate.inspection import Figures, Inspection, KnownWorker
from chatstate.telemetry.standing import WAITS_TOO_LONG, of_figures, of_workers

Standing = Literal["starting", "ready", "degraded", "failing", "stopping"]
_STORE_TAKES = 2.0


class Verdict(msgspec.Struct, frozen=True):
    """How an engine is, and why it is not all well."""

    status: Standing
    reasons: Sequence[str] = ()

    @property
    def serves(self) -> bool:
        """Whether what comes is handled."""
        return self.status in ("ready", "degraded")


class Health:
    """Judges an engine on a store."""

    def __init__(self, engine: Engine, store: Inspection, clock: Clock) -> None:
        self._engine = engine
        self._store = store
        self._clock = clock
        self._writing: asyncio.Future[None] | None = None

    async def judge(self) -> Verdict:
        """Return how the engine is now. Takes a few seconds at most."""
        if self._engine.standing != "running":
            return Verdict(self._engine.standing)
        if trouble := await self._trouble_in_store():
            return Verdict("failing", [trouble])
        try:
            figures, workers = await self._store.figures(), await self._store.workers()
        except StorageError as error:
            return Verdict("failing", [str(error)])
        reasons = list(self._reasons(figures, workers))
        return Verdict("degraded" if reasons else "ready", reasons)

    async def _trouble_in_store(self) -> str | None:
        """Write something; one write that hangs is waited for by all who ask."""
        writing = self._writing
        if writing is None or writing.done():
            self._writing = writing = asyncio.ensure_future(self._engine.prove())
        await asyncio.wait([writing], timeout=_STORE_TAKES)
        if not writing.done():
            why = self._engine.store_trouble
            return f"the store has not taken a write for {_STORE_TAKES:g} s{why and f': {why}'}"
        error = writing.exception()
        return f"the store takes no write: {error}" if error else None

    def _reasons(self, figures: Figures, workers: Sequence[KnownWorker]) -> Iterator[str]:
        for finding in (*of_figures(figures, self._clock.time()), *of_workers(workers)):
            yield f"{finding.told}; {finding.remedy}"
        yield from self._engine.slow(WAITS_TOO_LONG)
        yield from self._engine.unreached
        yield from self._engine.clocks
