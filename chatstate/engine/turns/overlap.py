"""What an event does to others of its conversation: it waits, interrupts, supersedes or merges.

1. An event that is not let in, by a guard or a limit, does nothing to others.
2. What decides about that may take its time: such an event interrupts once it is decided.
3. A message that waits for what its person still writes holds no place and no lock, and its
   handler's time has not begun. A press is complete by itself.
4. /cancel ends the wait of its person's turn that is put off, and says so when it comes to it.
5. What is wrong with a guard of another event ends that event's turn, when it comes to it, and not
   the one that asks.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine
from typing import Any

from chatstate.clock import Clock
from chatstate.engine.describing import describe
from chatstate.engine.inbox.lanes import Lanes
from chatstate.engine.outbox.buttons import Buttons
from chatstate.engine.states.links import as_said_by
from chatstate.engine.turns.admission import Admission
from chatstate.engine.turns.dispatch import Dispatch
from chatstate.engine.turns.plan import Plan
from chatstate.engine.turns.turn import RunningTurn
from chatstate.engine.turns.watch import Watch
from chatstate.stores.base import Arrival

log = logging.getLogger("chatstate.turns")

_WINDOWS = 3


class Overlap:
    """Decides for one bot. `checks` are the tasks that find out whether an event may interrupt."""

    def __init__(
        self,
        *,
        lanes: Lanes,
        dispatch: Dispatch,
        admission: Admission,
        buttons: Buttons,
        watch: Watch,
        clock: Clock,
    ) -> None:
        self._watch = watch
        self._lanes = lanes
        self._clock = clock
        self._dispatch = dispatch
        self._admission = admission
        self._buttons = buttons
        self.checks: set[asyncio.Task[None]] = set()

    def interrupt(self, turn: RunningTurn, arrival: Arrival, end: Callable[[], None]) -> None:
        """Call `end` if an event ends the turn that runs in the same conversation."""
        if arrival.event.message.kind == "press" and self._buttons.is_kept(arrival):
            self._check(turn, arrival, end)
            return
        plan = self._dispatch.plan_now(arrival)
        if turn.is_put_off and plan and _is_cancel(plan):
            end = self._and_tell(arrival, end)
        if plan and _interrupts(plan, arrival, turn):
            if plan.has_terms:
                self._check(turn, arrival, end)
            else:
                end()

    def _and_tell(self, arrival: Arrival, end: Callable[[], None]) -> Callable[[], None]:
        """Return what ends a wait, and lets /cancel say so."""

        def end_wait() -> None:
            self._watch.ended_waits.add(arrival.seq)
            end()

        return end_wait

    def _check(self, turn: RunningTurn, arrival: Arrival, end: Callable[[], None]) -> None:
        check = asyncio.create_task(self._interrupt_if_let_in(turn, arrival, end))
        self.checks.add(check)
        check.add_done_callback(self.checks.discard)

    async def _interrupt_if_let_in(
        self, turn: RunningTurn, arrival: Arrival, end: Callable[[], None]
    ) -> None:
        try:
            plan, meant = await self._dispatch.plan_of(arrival)
            if plan is None or not _interrupts(plan, meant, turn):
                return
            async with asyncio.timeout(plan.timeout):
                let_in = await self._admission.would_enter(plan, meant)
            if let_in:
                end()
        except BaseException as error:  # noqa: BLE001 - its own turn tells, when it comes to it
            log.info("event %s interrupts nothing: %s", arrival.event.id, describe(error))

    async def is_superseded(self, turn: RunningTurn) -> bool:
        """Tell whether a later event of the same person, for the same handler, takes its place."""
        place = turn.arrivals[0].place
        await self._lanes.read_on(place.conversation)
        for later in list(self._lanes.waiting(place.conversation)):
            plan, meant = await self._dispatch.plan_of(later)
            is_same = plan is turn.plan and later.place.person == place.person
            if plan and is_same and await _apart(self._admission.would_enter(plan, meant)):
                return True
        return False

    async def gather(self, turn: RunningTurn, plan: Plan) -> None:
        """Let a turn wait for what its person still writes, and take it in.

        Until nothing came for the plan's window, or anything else; three times as long in all.
        """
        conversation, now = turn.place.conversation, self._clock.monotonic
        end = now() + _WINDOWS * plan.window
        while not (turn.message.kind == "press" or self._lanes.paused or self._lanes.stopping):
            await self.merge(turn, plan)
            left = min(plan.window, end - now())
            if left <= 0 or not self._lanes.is_empty(conversation):
                break
            if not await self._more(turn, left):
                break

    async def _more(self, turn: RunningTurn, seconds: float) -> bool:
        """Tell whether anything comes within so many seconds; see `RunningTurn.more`."""
        turn.more = more = asyncio.Event()
        coming = asyncio.ensure_future(more.wait())
        passing = asyncio.ensure_future(self._clock.sleep(seconds))
        try:
            await asyncio.wait([coming, passing], return_when=asyncio.FIRST_COMPLETED)
        finally:
            turn.more = None
            coming.cancel()
            passing.cancel()
        return more.is_set()

    async def merge(self, turn: RunningTurn, plan: Plan) -> None:
        """Take what waits for the same handler, from the same person, into a turn."""
        with turn.timed(plan.timeout):  # what lets another event in is the author's code
            await self._merge(turn)

    async def _merge(self, turn: RunningTurn) -> None:
        place = turn.arrivals[0].place
        await self._lanes.read_on(place.conversation)
        while waiting := self._lanes.waiting(place.conversation):
            later = waiting[0]
            plan, meant = await self._dispatch.plan_of(later)
            if plan is None or plan is not turn.plan or later.place[:4] != place[:4]:
                break
            if plan.window and "press" in (turn.message.kind, meant.event.message.kind):
                break
            if plan.guards and not await _apart(self._admission.allows(plan, meant)):
                break
            waiting = self._lanes.waiting(place.conversation)
            if waiting[:1] != [later]:
                break
            waiting.pop(0)
            turn.arrivals.append(meant if not place.user else as_said_by(turn.arrivals[0], meant))
        if len(turn.arrivals) > 1:
            turn.text = "\n".join(arrival.event.message.text for arrival in turn.arrivals)


def _interrupts(plan: Plan, arrival: Arrival, turn: RunningTurn) -> bool:
    """Tell whether an event ends a turn: an interrupting command any, a message its own."""
    if turn.is_put_off and _is_cancel(plan):
        return arrival.place.person == turn.place.person
    if plan.overlap != "interrupt":
        return False
    if plan.handler.command is not None:
        return True
    return plan is turn.plan and arrival.place.person == turn.place.person


def _is_cancel(plan: Plan) -> bool:
    return plan.handler.command == "cancel"


async def _apart(asked: Coroutine[Any, Any, bool]) -> bool:
    """Return what is asked in a task of its own; False if that is cancelled, by whomever."""
    asking = asyncio.create_task(asked)
    try:
        await asyncio.wait([asking])
    finally:
        asking.cancel()
    return not asking.cancelled() and asking.result()
