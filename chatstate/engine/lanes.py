"""Lanes: the events of one conversation, one at a time, in the order of the inbox.

1. A lane holds its next events in memory, up to a bound; what is beyond waits in the inbox and
   is read from there when its turn comes. At start everything is beyond.
2. The lane goes on when a turn's commit is queued. If that commit fails, the turn comes back to
   its place in the line, and so do the later ones, whose commits fail with it.
3. A lane without work is forgotten.
"""

from __future__ import annotations

import asyncio
import bisect
import logging
from collections.abc import Awaitable, Callable

from chatstate.stores.base import Arrival, Store

log = logging.getLogger("chatstate.engine")

_IN_MEMORY = 32
Work = Callable[[Arrival], Awaitable[None]]


class Lane:
    """The line of one conversation. `last` is the number of its newest event in memory."""

    __slots__ = ("arrivals", "beyond", "last", "missed", "task")

    def __init__(self) -> None:
        self.arrivals: list[Arrival] = []
        self.beyond = False
        self.missed = False
        self.last = 0
        self.task: asyncio.Task[None] | None = None


class Lanes:
    """Runs `work` for each event; at most `limit` conversations at once."""

    def __init__(
        self, store: Store, work: Work, failed: Callable[[Exception], None], limit: int
    ) -> None:
        self._store = store
        self._work = work
        self._failed = failed
        self._running = asyncio.Semaphore(limit)
        self._lanes: dict[int, Lane] = {}
        self.stopping = False

    @property
    def tasks(self) -> list[asyncio.Task[None]]:
        """The tasks of all lanes that have work."""
        return [lane.task for lane in self._lanes.values() if lane.task]

    def add(self, arrival: Arrival) -> None:
        """Put a new event, numbered above all before, at the end of its line."""
        lane = self._lane(arrival.place.conversation)
        if lane.beyond or len(lane.arrivals) >= _IN_MEMORY:
            lane.beyond = lane.missed = True
        else:
            lane.arrivals.append(arrival)
            lane.last = arrival.seq
        self._start(arrival.place.conversation, lane)

    def put_back(self, arrival: Arrival) -> None:
        """Return an event whose turn was not committed to its place in the line."""
        lane = self._lane(arrival.place.conversation)
        bisect.insort(lane.arrivals, arrival, key=lambda one: one.seq)
        lane.last = max(lane.last, arrival.seq)
        self._start(arrival.place.conversation, lane)

    def resume(self, conversation: int) -> None:
        """Work on what waits in the inbox for a conversation."""
        lane = self._lane(conversation)
        lane.beyond = True
        self._start(conversation, lane)

    def _lane(self, conversation: int) -> Lane:
        lane = self._lanes.get(conversation)
        if lane is None:
            self._lanes[conversation] = lane = Lane()
        return lane

    def _start(self, conversation: int, lane: Lane) -> None:
        if lane.task is None and not self.stopping:
            lane.task = asyncio.get_running_loop().create_task(self._run(conversation, lane))

    async def _run(self, conversation: int, lane: Lane) -> None:
        try:
            while not self.stopping and (lane.arrivals or await self._refill(conversation, lane)):
                async with self._running:
                    await self._work(lane.arrivals.pop(0))
        except Exception as error:  # noqa: BLE001 - the engine's fault: it stops and says so
            self._failed(error)
        finally:
            lane.task = None
            if not lane.arrivals and not lane.beyond:
                self._lanes.pop(conversation, None)

    async def _refill(self, conversation: int, lane: Lane) -> bool:
        if not lane.beyond:
            return False
        lane.missed = False
        lane.arrivals += await self._store.claim(conversation, lane.last, _IN_MEMORY)
        lane.beyond = lane.missed or len(lane.arrivals) >= _IN_MEMORY
        if lane.arrivals:
            lane.last = lane.arrivals[-1].seq
        return bool(lane.arrivals)
