"""A clock that the test moves."""

from __future__ import annotations

import asyncio
import heapq
import itertools
import time

_TURNS = 20


class FakeClock:
    """Stands still until `advance`."""

    def __init__(self) -> None:
        self._wall = time.time()
        self._passed = 0.0
        self._order = itertools.count()
        self._sleepers: list[tuple[float, int, asyncio.Future[None]]] = []

    def time(self) -> float:
        """Return the seconds since 1970."""
        return self._wall

    def monotonic(self) -> float:
        """Return the seconds that the test has let pass."""
        return self._passed

    async def sleep(self, seconds: float) -> None:
        """Return when the test has moved the clock that far."""
        if seconds <= 0:
            await asyncio.sleep(0)
            return
        waker: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._sleepers, (self._passed + seconds, next(self._order), waker))
        await waker

    async def advance(self, seconds: float) -> None:
        """Let time pass, waking sleepers in their order, each at its time.

        Whatever can run before the time moves does so first: what that sleeps for counts.
        """
        await _let_others_run()
        end = self._passed + seconds
        while self._sleepers and self._sleepers[0][0] <= end:
            when, _, waker = heapq.heappop(self._sleepers)
            self._pass(max(when - self._passed, 0.0))
            if not waker.done():
                waker.set_result(None)
                await _let_others_run()
        self._pass(end - self._passed)
        await _let_others_run()

    async def jump(self, seconds: float) -> None:
        """Let time pass at once: who sleeps wakes late, and once. For days and months."""
        self._pass(seconds)
        await self.advance(0)

    def set(self, time: float) -> None:
        """Set the wall clock, as an operator may: forward or back, and no time passes."""
        self._wall = time

    def shift(self, seconds: float) -> None:
        """Move the wall clock forward or back; no time passes."""
        self._wall += seconds

    def _pass(self, seconds: float) -> None:
        self._wall += seconds
        self._passed += seconds


async def _let_others_run() -> None:
    for _ in range(_TURNS):
        await asyncio.sleep(0)
