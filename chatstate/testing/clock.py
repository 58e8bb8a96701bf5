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
        self._now = time.time()
        self._order = itertools.count()
        self._sleepers: list[tuple[float, int, asyncio.Future[None]]] = []

    def time(self) -> float:
        """Return the seconds since 1970."""
        return self._now

    async def sleep(self, seconds: float) -> None:
        """Return when the test has moved the clock that far."""
        if seconds <= 0:
            await asyncio.sleep(0)
            return
        waker: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._sleepers, (self._now + seconds, next(self._order), waker))
        await waker

    async def advance(self, seconds: float) -> None:
        """Move the clock, waking sleepers in their order, each at its time.

        Whatever can run before the time moves does so first: what that sleeps for counts.
        """
        await _let_others_run()
        end = self._now + seconds
        while self._sleepers and self._sleepers[0][0] <= end:
            when, _, waker = heapq.heappop(self._sleepers)
            self._now = max(when, self._now)
            if not waker.done():
                waker.set_result(None)
                await _let_others_run()
        self._now = end
        await _let_others_run()

    async def jump(self, seconds: float) -> None:
        """Move the clock at once: who sleeps wakes late, and once. For days and months."""
        self._now += seconds
        await self.advance(0)


async def _let_others_run() -> None:
    for _ in range(_TURNS):
        await asyncio.sleep(0)
