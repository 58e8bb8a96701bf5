"""Time, so that a test can move it.

1. What is stored has the wall clock's time, the only one that means something to the next process.
2. The wall clock is set forward and back, by operators and by servers of time. So how long anything
   takes, or is to wait, is measured by the monotonic clock, and by it alone.
"""

from __future__ import annotations

import asyncio
import time
from typing import Protocol


class Clock(Protocol):
    """What the engine and the stores ask for the time."""

    def time(self) -> float:
        """Return the seconds since 1970: for what is stored."""
        ...

    def monotonic(self) -> float:
        """Return seconds that only grow, from some moment of this process: for durations."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Return when that many seconds have passed."""
        ...


class SystemClock:
    """The machine's time."""

    def time(self) -> float:
        """Return the seconds since 1970."""
        return time.time()

    def monotonic(self) -> float:
        """Return seconds that only grow."""
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        """Return when that many seconds have passed."""
        await asyncio.sleep(seconds)
