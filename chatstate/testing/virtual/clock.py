"""A clock that goes by a loop whose time passes at once."""

from __future__ import annotations

import asyncio
from typing import cast

from chatstate.testing.clock import FakeClock
from chatstate.testing.virtual.loop import VirtualLoop

BEGIN = 1_767_614_400.0
"""What time it is at first: Monday, the 5th of January 2026, 12:00 UTC."""
_TURNS = 20


class LoopClock(FakeClock):
    """The time of the `VirtualLoop` that runs, from `BEGIN` on."""

    def __init__(self) -> None:
        super().__init__()
        self._loop = cast("VirtualLoop", asyncio.get_running_loop())
        self._begin = BEGIN - self._loop.time()

    def time(self) -> float:
        """Return the seconds since 1970."""
        return self._begin + self._loop.time()

    def monotonic(self) -> float:
        """Return the seconds that have passed."""
        return self._loop.time()

    async def sleep(self, seconds: float) -> None:
        """Return when that many seconds have passed."""
        await asyncio.sleep(seconds)

    async def advance(self, seconds: float) -> None:
        """Let time pass, and what comes due be done at its time."""
        await asyncio.sleep(max(seconds, 0))
        for _ in range(_TURNS):
            await asyncio.sleep(0)

    async def jump(self, seconds: float) -> None:
        """Let time pass at once: who sleeps wakes late, and once."""
        self._loop.skip(seconds)
        await self.advance(0)

    def set(self, time: float) -> None:
        """Set the wall clock; no time passes."""
        self._begin = time - self._loop.time()

    def shift(self, seconds: float) -> None:
        """See `FakeClock.shift`."""
        self._begin += seconds
