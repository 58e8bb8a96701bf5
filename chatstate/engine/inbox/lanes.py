"""Lanes: the events of one conversation, one at a time, in the order of the inbox.

1. A lane holds its next events in memory, up to a bound; what is beyond waits in the inbox and
   is read from there when its turn comes. At start everything is beyond.
2. The lane goes on when a turn's commit is queued. If that commit fails, the lane is read again
   from the inbox, which knows what is not done.
3. A turn that is fenced is left behind: the lane goes on without it, whatever it still does.
4. A lane without work is forgotten.
5. What is just being stored may be read from the inbox, and handled, before it is added: then it
   is not added again. What is just being committed is not handled again, though it is still there.
6. An event may be added before it is durable, but not before one with a lower number: where that
   was added too late, the lane is read again.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Collection, Coroutine, Generator, Sequence
from typing import Any, Protocol

import msgspec

from chatstate.bot.engines import inside_turn
from chatstate.engine.activity import Activity
from chatstate.engine.runners import Run, Runners
from chatstate.engine.threads import HandlerThreads
from chatstate.engine.turns.turn import RunningTurn
from chatstate.engine.witnesses import Witnesses
from chatstate.stores.base import Arrival, Inbox

log = logging.getLogger("chatstate.engine")

_IN_MEMORY = 128
_CROWD = 16
_OFTEN, _LONGEST_PAUSE = 3, 1.0
_NOTHING_BEFORE = 1  # in place of a number: no event waits that has not been in memory


class Work(Protocol):
    """What is done with each event."""

    def run(self, turn: RunningTurn) -> Coroutine[Any, Any, None]:
        """Run the turn of an event until its commit is queued, or it is fenced."""
        ...

    def waits(self, turn: RunningTurn) -> None:
        """Note that a turn waits for the first time: from now on others run beside it."""
        ...


class Lane(msgspec.Struct, eq=False, gc=False):
    """The line of one conversation.

    `last` is the number of the newest event that was in memory, 0 if the inbox has never been
    read; events that are ahead of the line do not count. `beyond`: more wait in the inbox, and
    `missed`: some came while it was being read; `reload`: it is to be read anew, after a commit has
    failed, which `failures` counts. `turn` is the one that runs, in `run`. `left`, for an
    event that runs alone, is set when its turn is over, left behind or put off. `is_aside`: its
    turn is put off, and counts as nothing that goes on.
    """

    conversation: int
    arrivals: list[Arrival] = []
    is_busy: bool = False
    beyond: bool = False
    missed: bool = False
    reload: bool = False
    failures: int = 0
    last: int = 0
    left: asyncio.Event | None = None
    is_aside: bool = False
    turn: RunningTurn | None = None
    run: Run[Lane] | None = None


class Lanes:
    """Runs the turns of all conversations, once it is started.

    Nothing runs by itself while it is `paused`, or once it is `stopping`. `idle`, once set, is told
    of conversations without work.
    """

    def __init__(self, store: Inbox, failed: Callable[[Exception], None]) -> None:
        self._store = store
        self._failed = failed
        self._lanes: dict[int, Lane] = {}
        self._expected = 0
        self.expects_own = 0
        self._early: set[int] = set()
        self.activity = Activity()
        self.idle: Callable[[int], None] | None = None
        self.stopping = False
        self.paused = False

    def start(
        self, work: Work, threads: HandlerThreads, committing: Callable[[int], Collection[int]]
    ) -> None:
        """Let this be done with each event from now on.

        `committing` tells the numbers of a conversation's events whose commit is on its way.
        """
        self._work = work
        self.witnesses = Witnesses(self.let_work, work)
        self._committing = committing
        self._runners = Runners(self._next, threads, self._waits)

    def let_work(self, work: Work) -> None:
        """Let this be done with each event that begins from now on."""
        self._work = work

    @property
    def is_crowded(self) -> bool:
        """Whether so many turns run that other workers should share the work."""
        return self.activity.count > _CROWD

    def expect(self) -> None:
        """Note that events are being stored, which will be added."""
        self._expected += 1

    def came(self) -> None:
        """Note that these have been added."""
        self._expected -= 1
        if not self._expected:
            self._early.clear()

    @contextlib.contextmanager
    def expecting(self) -> Generator[None]:
        """Store, and add, events of the framework's own. Meanwhile no others are added early."""
        self.expects_own += 1
        self.expect()
        try:
            yield
        finally:
            self.expects_own -= 1
            self.came()

    def add(self, arrival: Arrival) -> None:
        """Put a new event at the end of its line, unless it was read from the inbox meanwhile."""
        if arrival.seq in self._early:
            return
        conversation = arrival.place.conversation
        lane = self._lanes.get(conversation) or self._new(conversation)
        if arrival.seq <= lane.last:
            lane.reload = True
        elif lane.beyond or lane.reload or len(lane.arrivals) >= _IN_MEMORY:
            lane.beyond = lane.missed = True
        else:
            lane.arrivals.append(arrival)
            lane.last = arrival.seq
        self._start(lane)

    def put_first(self, conversation: int, arrivals: Sequence[Arrival]) -> None:
        """Put events before all that wait in their line, but behind those that are ahead."""
        lane = self._lanes.get(conversation)
        if lane is None:
            lane = self._new(conversation)
            lane.last = _NOTHING_BEFORE
        if lane.last and not lane.reload:  # else they are read from the inbox, in this order
            ahead = sum(1 for arrival in lane.arrivals if arrival.ahead)
            lane.arrivals[ahead:ahead] = arrivals
        self._start(lane)

    def read_again(self, conversation: int) -> None:
        """Go on from what the inbox says is not done: a commit has failed."""
        lane = self._lane(conversation)
        lane.failures += not lane.reload  # many commits may fail for one reason
        lane.reload = True
        self._start(lane)

    def resume(self, conversation: int) -> None:
        """Work on what waits in the inbox for a conversation, whoever has put it there."""
        lane = self._lane(conversation)
        lane.beyond = lane.missed = True
        self._start(lane)

    async def read_on(self, conversation: int) -> None:
        """Read what waits beyond memory, if nothing waits in it; not for a turn that runs alone."""
        lane = self._lanes.get(conversation)
        if lane and lane.beyond and not (lane.arrivals or lane.reload or self.paused):
            await self._refill(lane)

    def release(self) -> None:
        """Go on after a pause."""
        self.paused = False
        for lane in list(self._lanes.values()):
            self._start(lane)

    async def run_alone(self, arrival: Arrival) -> None:
        """Run one event while all else is paused, and return when that is over."""
        lane = self._lane(arrival.place.conversation)
        lane.last = _NOTHING_BEFORE if arrival.ahead else arrival.seq
        lane.arrivals.insert(0, arrival)
        lane.left = asyncio.Event()
        self._begin(lane)
        await lane.left.wait()
        lane.left = None

    def drop(self, conversation: int, seq: int) -> None:
        """Forget a waiting event that is no longer in the inbox."""
        lane = self._lanes.get(conversation)
        if lane:
            lane.arrivals = [arrival for arrival in lane.arrivals if arrival.seq != seq]

    def drop_all(self, numbers: Collection[int]) -> list[int]:
        """Forget those of these events that wait in memory, wherever; return which."""
        gone: list[int] = []
        for lane in self._lanes.values():
            gone += [arrival.seq for arrival in lane.arrivals if arrival.seq in numbers]
            lane.arrivals = [arrival for arrival in lane.arrivals if arrival.seq not in numbers]
        return gone

    def has(self, conversation: int) -> bool:
        """Tell whether a conversation has work, as far as it is in memory."""
        return conversation in self._lanes

    def is_empty(self, conversation: int) -> bool:
        """Tell whether nothing comes after the event that runs, in memory or in the inbox."""
        lane = self._lanes.get(conversation)
        return lane is None or not (lane.arrivals or lane.beyond or lane.reload)

    def waiting(self, conversation: int) -> list[Arrival]:
        """Return the events in memory that come after the one that runs."""
        lane = self._lanes.get(conversation)
        return lane.arrivals if lane else []

    def leave_behind(self, turn: RunningTurn) -> None:
        """Cancel what a turn still does, and go on without waiting for its end."""
        lane = self._lane(turn.place.conversation)
        if lane.turn is turn and lane.run:
            self._runners.cancel(lane.run)
            self._end(lane)

    def stand_aside(self, turn: RunningTurn) -> None:
        """Let nobody wait for a turn that keeps its lane, and is put off until it comes back."""
        lane = self._lane(turn.place.conversation)
        lane.is_aside = True
        self.activity.end()
        if lane.left:
            lane.left.set()

    def come_back(self, turn: RunningTurn) -> None:
        """Let its lane be read again when it ends now, unless it was left behind."""
        lane = self._lane(turn.place.conversation)
        if lane.turn is turn:
            lane.is_aside, lane.reload = False, True
            self.activity.count += 1

    def leave(self, turn: RunningTurn, waiting: Sequence[Arrival]) -> list[Arrival]:
        """Forget a conversation that is others' now, with all that comes after a turn put aside.

        Return what was in memory of it. What waits in the inbox is not added any more.
        """
        lane = self._lanes.pop(turn.place.conversation)
        lane.beyond = lane.missed = lane.reload = False
        gone, lane.arrivals = lane.arrivals, []
        if self._expected:
            self._early.update(arrival.seq for arrival in waiting)
        return gone

    def cancel_all(self) -> list[asyncio.Task[None]]:
        """End all turns, and return the tasks in which that happens."""
        return self._runners.cancel_all()

    def _lane(self, conversation: int) -> Lane:
        return self._lanes.get(conversation) or self._new(conversation)

    def _new(self, conversation: int) -> Lane:
        lane = self._lanes[conversation] = Lane(conversation)
        return lane

    def _start(self, lane: Lane) -> None:
        if lane.is_busy:
            if lane.turn and lane.turn.more:
                lane.turn.more.set()
        elif not (self.stopping or self.paused):
            self._begin(lane)

    def _begin(self, lane: Lane) -> None:
        lane.is_busy = True
        self.activity.count += 1
        self._runners.add(lane)

    async def _next(self, lane: Lane, task: asyncio.Task[None]) -> None:
        turn = None
        try:
            if lane.reload:
                await self._read_all_again(lane)
            elif not lane.arrivals:
                lane.failures = 0
                await self._refill(lane)
            if lane.arrivals and not self.stopping:
                turn = lane.turn = RunningTurn.of(lane.arrivals.pop(0), task)
                inside_turn.set(turn)
                del task  # to whom it is lent must not be kept here
                if lane.run and lane.run.task:  # it has waited for the inbox already
                    self._work.waits(turn)
                await self._work.run(turn)
        except Exception as error:  # noqa: BLE001 - the engine's fault: it stops and says so
            self._failed(error)
        finally:
            if lane.turn is turn:  # else it was left behind
                self._end(lane)

    def _waits(self, lane: Lane) -> None:
        if lane.turn:
            self._work.waits(lane.turn)

    def _end(self, lane: Lane) -> None:
        lane.is_busy = False
        lane.turn = lane.run = None
        if not lane.is_aside:
            self.activity.end()
        lane.is_aside = False
        if lane.left:
            lane.left.set()
        if lane.arrivals or lane.beyond or lane.reload:
            self._start(lane)
        elif self._lanes.get(lane.conversation) is lane:
            del self._lanes[lane.conversation]
            if self.idle:
                self.idle(lane.conversation)

    async def _refill(self, lane: Lane) -> None:
        lane.missed, lane.beyond = False, True  # what is added meanwhile comes after what is read
        done = () if lane.last else self._committing(lane.conversation)
        found = await self._store.events(lane.conversation, lane.last, _IN_MEMORY)
        lane.arrivals = [arrival for arrival in found if arrival.seq not in done]
        in_line = [arrival.seq for arrival in found if not arrival.ahead]
        if self._expected:
            self._early.update(in_line)
        lane.beyond = lane.missed or len(in_line) >= _IN_MEMORY
        lane.last = in_line[-1] if in_line else max(lane.last, _NOTHING_BEFORE)

    async def _read_all_again(self, lane: Lane) -> None:
        if lane.failures > _OFTEN:
            log.warning("commits in conversation %s fail again and again", lane.conversation)
            await asyncio.sleep(min(0.01 * 2**lane.failures, _LONGEST_PAUSE))
        lane.reload = False
        lane.last = 0
        await self._refill(lane)
