"""`Lease`: whether this run is surely alive, as far as it can know by itself.

A process that stood still was maybe taken for dead, and learns so from the store when it asks. What
cannot be taken back (a call on a platform) is done only while it is sure, or has asked.
"""

from __future__ import annotations

from chatstate.clock import Clock
from chatstate.stores.base import Control

_BEATS = 3  # for each lease, so that one that is late costs nothing


class Lease:
    """The lease of a run, of so many `seconds`. It is unsure before the first `beat`.

    Whichever clock has gone further counts: the monotonic one may stand while the machine is
    asleep, and a wall clock that was set forward costs a question.
    """

    def __init__(self, store: Control, clock: Clock, seconds: float) -> None:
        self._store = store
        self._clock = clock
        self._seconds = seconds
        self._asked_at: tuple[float, float] | None = None

    @property
    def is_unsure(self) -> bool:
        """Whether it may be over."""
        return self._left(self._seconds) <= 0

    async def beat(self) -> None:
        """Make it longer. Raises `LeaseLostError` if the run was taken for dead."""
        asked_at = self._clock.time(), self._clock.monotonic()
        await self._store.beat()
        self._asked_at = asked_at

    async def hold(self) -> None:
        """Do so for ever. An answer that took long leaves less time to the next."""
        while True:
            await self._clock.sleep(max(self._left(self._seconds / _BEATS), 0.0))
            await self.beat()

    def _left(self, seconds: float) -> float:
        """Return how many of so many seconds are left, since the last beat was asked for."""
        if self._asked_at is None:
            return 0.0
        wall, monotonic = self._asked_at
        passed = max(self._clock.time() - wall, self._clock.monotonic() - monotonic)
        return seconds - passed
