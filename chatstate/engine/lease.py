"""`Lease`: whether this run is surely alive, as far as it can know by itself.

A process that stood still was maybe taken for dead, and learns so from the store when it asks. What
cannot be taken back (a call on a platform) is begun only while it is sure, or has asked; and with a
margin, in which what is begun is over.
"""

from __future__ import annotations

from chatstate.clock import Clock, since_boot
from chatstate.stores.base import Control

_BEATS = 3  # for each lease, so that one that is late costs nothing
_MARGIN = 1 / 3  # of it


class Lease:
    """The lease of a run, of so many `seconds`. It is unsure before the first `beat`.

    Whichever clock has gone further counts: the monotonic one may stand while the machine is
    asleep, another one may be missing, and a wall clock that was set forward costs a question.
    """

    def __init__(self, store: Control, clock: Clock, seconds: float) -> None:
        self._store = store
        self._clock = clock
        self._seconds = seconds
        self._asked_at: tuple[float, float, float] | None = None

    @property
    def is_unsure(self) -> bool:
        """Whether it may be over, or soon is."""
        return self._left(self._seconds - self._seconds * _MARGIN) <= 0

    async def assure(self) -> None:
        """Return while it is sure. Raises `LeaseLostError` if the run was taken for dead."""
        if self.is_unsure:
            await self.beat()

    async def beat(self) -> None:
        """Make it longer. Raises `LeaseLostError` if the run was taken for dead."""
        asked_at = self._now()
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
        passed = [now - then for now, then in zip(self._now(), self._asked_at, strict=True)]
        return seconds - max(passed)

    def _now(self) -> tuple[float, float, float]:
        return self._clock.time(), self._clock.monotonic(), since_boot()
