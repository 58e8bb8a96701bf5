"""Lanes: the events of one conversation, one at a time, in the order of the inbox.

1. A lane holds its next events in memory, up to a bound; what is beyond waits in the inbox and
   is read from there when its turn comes. At start everything is beyond.
2. The lane goes on when a turn's commit is queued. If that commit fails, the lane is read again
   from the inbox, which knows what is not done.
3. A turn that is fenced is left behind: the lane goes on without it, whatever it still does.
4. Each event is handled in a task and a context of its own, so that no turn sees the context
   variables of another.
5. A lane without work is forgotten.
"""

from __future__ import annotations

import asyncio
import contextvars
import logging
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from typing import Any

from chatstate.stores.base import Arrival, Store

log = logging.getLogger("chatstate.engine")

_IN_MEMORY = 32
_OFTEN, _LONGEST_PAUSE = 3, 1.0
_NOTHING_BEFORE = 1  # in place of a number: no event waits that has not been in memory
Work = Callable[[Arrival], Awaitable[None]]


class Lane:
    """The line of one conversation.

    `last` is the number of the newest event that was in memory, 0 if the inbox has never been
    read; events that are ahead of the line do not count. `failures` counts commits that
    failed. `left`, for an event that runs alone, is
    set when its task has ended or is left behind.
    """

    __slots__ = ("arrivals", "beyond", "failures", "last", "left", "missed", "reload", "task")

    def __init__(self) -> None:
        self.arrivals: list[Arrival] = []
        self.beyond = False
        self.missed = False
        self.reload = False
        self.failures = 0
        self.last = 0
        self.left: asyncio.Event | None = None
        self.task: asyncio.Task[None] | None = None


class Lanes:
    """Runs `work` for each event.

    Nothing runs by itself while it is `paused`, or once it is `stopping`.
    """

    def __init__(self, store: Store, work: Work, failed: Callable[[Exception], None]) -> None:
        self._store = store
        self._work = work
        self._failed = failed
        self._lanes: dict[int, Lane] = {}
        self._context = contextvars.copy_context()
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
        """Put a new event at the end of its line, unless it was read from the inbox meanwhile."""
        lane = self._lane(arrival.place.conversation)
        if arrival.seq <= lane.last:
            return
        if lane.beyond or lane.reload or len(lane.arrivals) >= _IN_MEMORY:
            lane.beyond = lane.missed = True
        else:
            lane.arrivals.append(arrival)
            lane.last = arrival.seq
        self._start(arrival.place.conversation, lane)

    def put_first(self, conversation: int, arrivals: Sequence[Arrival]) -> None:
        """Put events before all that wait in their line, but behind those that are ahead."""
        lane = self._lanes.get(conversation)
        if lane is None:
            lane = self._lane(conversation)
            lane.last = _NOTHING_BEFORE
        if lane.last and not lane.reload:  # else they are read from the inbox, in this order
            ahead = sum(1 for one in lane.arrivals if one.ahead)
            lane.arrivals[ahead:ahead] = arrivals
        self._start(conversation, lane)

    def read_again(self, conversation: int) -> None:
        """Go on from what the inbox says is not done: a commit has failed."""
        lane = self._lane(conversation)
        lane.reload = True
        lane.failures += 1
        self._start(conversation, lane)

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
        lane.last = _NOTHING_BEFORE if arrival.ahead else arrival.seq
        alone = self._one(arrival.place.conversation, lane, arrival)
        lane.left = asyncio.Event()
        lane.task = self._task(alone)
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
            lane.task = self._task(self._next(conversation, lane))

    def _task(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        return asyncio.get_running_loop().create_task(work, context=self._context.copy())

    async def _next(self, conversation: int, lane: Lane) -> None:
        task = lane.task
        try:
            if lane.reload:
                await self._read_all_again(conversation, lane)
            elif not lane.arrivals:
                await self._refill(conversation, lane)
            if lane.arrivals:
                await self._work(lane.arrivals.pop(0))
        except Exception as error:  # noqa: BLE001 - the engine's fault: it stops and says so
            self._failed(error)
        finally:
            self._end(conversation, lane, task)

    async def _one(self, conversation: int, lane: Lane, arrival: Arrival) -> None:
        task = asyncio.current_task()
        try:
            await self._work(arrival)
        except Exception as error:  # noqa: BLE001 - the engine's fault: it stops and says so
            self._failed(error)
        finally:
            self._end(conversation, lane, task)

    def _end(self, conversation: int, lane: Lane, task: asyncio.Task[None] | None) -> None:
        if lane.task is not task:
            return
        lane.task = None
        if lane.left:
            lane.left.set()
        if lane.arrivals or lane.beyond or lane.reload:
            self._start(conversation, lane)
        elif self._lanes.get(conversation) is lane:
            del self._lanes[conversation]

    async def _refill(self, conversation: int, lane: Lane) -> None:
        lane.missed = False
        lane.arrivals = list(await self._store.claim(conversation, lane.last, _IN_MEMORY))
        in_line = [one.seq for one in lane.arrivals if not one.ahead]
        lane.beyond = lane.missed or len(in_line) >= _IN_MEMORY
        lane.last = in_line[-1] if in_line else max(lane.last, _NOTHING_BEFORE)

    async def _read_all_again(self, conversation: int, lane: Lane) -> None:
        if lane.failures > _OFTEN:
            log.warning("commits in conversation %s fail again and again", conversation)
            await asyncio.sleep(min(0.01 * 2**lane.failures, _LONGEST_PAUSE))
        lane.reload = False
        lane.last = 0
        await self._refill(conversation, lane)
