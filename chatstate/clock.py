"""Time, so that a test can move it.

1. What is stored has the wall clock's time, the only one that means something to the next process.
2. The wall clock is set forward and back, by operators and by servers of time. So how long anything
   takes, or is to wait, is measured by the monotonic clock, and by it alone.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from typing import Protocol

TOLD_AT = 0.5
"""What is still in the way at a pause of so many seconds is told."""
_FIRST_PAUSE, _LONGEST_PAUSE = 0.01, 5.0


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


def since_boot() -> float:
    """Return seconds that go on while the machine is asleep, where it has a clock that does."""
    clock = getattr(time, "CLOCK_BOOTTIME", None)
    return time.monotonic() if clock is None else time.clock_gettime(clock)


def growing_pauses() -> Iterator[float]:
    """Yield the seconds to wait before each new try of what this machine cannot do now."""
    pause = _FIRST_PAUSE
    while True:
        yield pause
        pause = min(pause * 2, _LONGEST_PAUSE)
