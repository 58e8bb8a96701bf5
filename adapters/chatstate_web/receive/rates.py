"""How often an address may do something: so many times at once, and then at a pace.

1. An address has a bucket that fills again with time; each thing it does takes something out.
2. Only addresses that are not full are remembered, and no more than `REMEMBERED` of them: beyond
   that those are forgotten first that have waited longest.
"""

from __future__ import annotations

from collections.abc import Callable

REMEMBERED = 10_000
_MINUTE = 60.0


class Rates:
    """Counts what addresses do: `each_minute` of it, and as many at once. `clock` is in seconds."""

    def __init__(self, each_minute: int, clock: Callable[[], float]) -> None:
        self._room = float(each_minute)
        self._clock = clock
        self._taken: dict[str, tuple[float, float]] = {}

    def wait(self, address: str) -> float:
        """Count one more; return 0, or the seconds to wait before, and then nothing is counted."""
        now, pace = self._clock(), self._room / _MINUTE
        taken, at = self._taken.pop(address, (0.0, now))
        left = max(0.0, taken - (now - at) * pace)
        if left + 1 > self._room:
            self._taken[address] = (left, now)
            return (left + 1 - self._room) / pace
        self._taken[address] = (left + 1, now)
        if len(self._taken) > REMEMBERED:
            self._taken.pop(next(iter(self._taken)))
        return 0.0
