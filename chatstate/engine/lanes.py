"""Lanes: the events of one conversation, one at a time, in the order of the inbox.

1. A lane holds its next events in memory, up to a bound; what is beyond waits in the inbox and
   is read from there when its turn comes. At start everything is beyond.
2. The lane goes on when a turn's commit is queued. If that commit fails, the turn comes back to
   its place in the line, and so do the later ones, whose commits fail with it.
3. A turn that is fenced is left behind: the lane goes on in a new task, whatever the old one
   still does.
4. A lane without work is forgotten.
"""

from __future__ import annotations

import asyncio
import bisect
from collections.abc import Awaitable, Callable

from chatstate.stores.base import Arrival, Store

_IN_MEMORY = 32
Work = Callable[[Arrival], Awaitable[None]]


class Lane:
    """The line of one conversation.

    `last` is the number of its newest event in memory. `left`, for an event that runs alone, is
    set when its task has ended or is left behind.
    """

    __slots__ = ("arrivals", "beyond", "last", "left", "missed", "task")

    def __init__(self) -> None:
        self.arrivals: list[Arrival] = []
        self.beyond = False
        self.missed = False
        self.last = 0
        self.left: asyncio.Event | None = None
        self.task: asyncio.Task[None] | None = None


class Lanes:
    """Runs `work` for each event; at most `limit` conversations at once.

    Nothing runs by itself while it is `paused`, or once it is `stopping`.
    """

    def __init__(
        self, store: Store, work: Work, failed: Callable[[Exception], None], limit: int
    ) -> None:
        self._store = store
        self._work = work
        self._failed = failed
        self._running = asyncio.Semaphore(limit)
        self._lanes: dict[int, Lane] = {}
        self._left_behind: set[asyncio.Task[None]] = set()
        self.stopping = False
        self.paused = False

    @property
    def tasks(self) -> list[asyncio.Task[None]]:
        """The tasks of all lanes that have work."""
        return [lane.task for lane in self._lanes.values() if lane.task]

    @property
    def all_tasks(self) -> list[asyncio.Task[None]]:
        """The same, and those that were left behind."""
        return [*self.tasks, *self._left_behind]

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
        lane.beyond = lane.missed = True
        self._start(conversation, lane)

    def release(self) -> None:
        """Go on after a pause."""
        self.paused = False
        for conversation, lane in list(self._lanes.items()):
            self._start(conversation, lane)

    async def run_alone(self, arrival: Arrival) -> None:
        """Run one event while all else is paused, and return when that is over."""
        lane = self._lane(arrival.place.conversation)
        lane.last = arrival.seq
        alone = self._one(arrival.place.conversation, lane, arrival)
        lane.left = asyncio.Event()
        lane.task = asyncio.get_running_loop().create_task(alone)
        await lane.left.wait()
        lane.left = None

    def drop(self, conversation: int, seq: int) -> None:
        """Forget a waiting event that is no longer in the inbox."""
        lane = self._lanes.get(conversation)
        if lane is None:
            return
        lane.arrivals = [one for one in lane.arrivals if one.seq != seq]

    def waiting(self, conversation: int) -> list[Arrival]:
        """Return the events in memory that come after the one that runs."""
        lane = self._lanes.get(conversation)
        return lane.arrivals if lane else []

    def leave_behind(self, conversation: int) -> None:
        """Cancel what runs, and go on without waiting for its end."""
        lane = self._lane(conversation)
        if lane.task:
            self._left_behind.add(lane.task)
            lane.task.add_done_callback(self._left_behind.discard)
            lane.task.cancel()
            lane.task = None
            if lane.left:
                lane.left.set()
        self._start(conversation, lane)

    def _lane(self, conversation: int) -> Lane:
        lane = self._lanes.get(conversation)
        if lane is None:
            self._lanes[conversation] = lane = Lane()
        return lane

    def _start(self, conversation: int, lane: Lane) -> None:
        if lane.task is None and not self.stopping and not self.paused:
            lane.task = asyncio.get_running_loop().create_task(self._run(conversation, lane))

    async def _run(self, conversation: int, lane: Lane) -> None:
        task = lane.task
        try:
            while not self.stopping and (lane.arrivals or await self._refill(conversation, lane)):
                async with self._running:
                    await self._work(lane.arrivals.pop(0))
                if lane.task is not task:
                    return
        except Exception as error:  # noqa: BLE001 - the engine's fault: it stops and says so
            self._failed(error)
        finally:
            self._end(conversation, lane, task)

    async def _one(self, conversation: int, lane: Lane, arrival: Arrival) -> None:
        try:
            await self._work(arrival)
        except Exception as error:  # noqa: BLE001 - the engine's fault: it stops and says so
            self._failed(error)
        finally:
            self._end(conversation, lane, asyncio.current_task())

    def _end(self, conversation: int, lane: Lane, task: asyncio.Task[None] | None) -> None:
        if lane.task is task:
            lane.task = None
            if lane.left:
                lane.left.set()
            if not lane.arrivals and not lane.beyond and self._lanes.get(conversation) is lane:
                del self._lanes[conversation]

    async def _refill(self, conversation: int, lane: Lane) -> bool:
        if not lane.beyond:
            return False
        lane.missed = False
        lane.arrivals += await self._store.claim(conversation, lane.last, _IN_MEMORY)
        lane.beyond = lane.missed or len(lane.arrivals) >= _IN_MEMORY
        if lane.arrivals:
            lane.last = lane.arrivals[-1].seq
        return bool(lane.arrivals)
