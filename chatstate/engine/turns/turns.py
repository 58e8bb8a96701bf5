"""Turns: from an event to a queued commit.

1. A handler that raises commits nothing but the event's end: it becomes a dead letter, and the
   person gets one sentence.
2. A turn whose shared values were changed by somebody faster runs again, holding their locks.
3. A turn that takes too long, or is interrupted, is fenced: its end is committed, its effects
   are not, and the lane goes on without it.
"""

from __future__ import annotations

import asyncio
import functools
import logging
import math
import traceback
from collections.abc import Collection

from chatstate.bot.handlers import Handler
from chatstate.engine.context import Context
from chatstate.engine.inbox.lanes import Lanes
from chatstate.engine.inbox.receipts import EventReceipt
from chatstate.engine.outbox.rendering import Answer
from chatstate.engine.outbox.sender import Sender
from chatstate.engine.states.commits import Committer
from chatstate.engine.states.expiry import refuse_replies
from chatstate.engine.states.locks import KeyLocks
from chatstate.engine.turns.attempt import Attempt
from chatstate.engine.turns.dispatch import Routing
from chatstate.engine.turns.finish import Endings
from chatstate.engine.turns.middleware import Around
from chatstate.engine.turns.previews import Preview
from chatstate.engine.turns.turn import Running, describe
from chatstate.errors import StorageError, UserError
from chatstate.messages import Message, Reply
from chatstate.scope import Key
from chatstate.stores.base import Arrival, DeadLetter

log = logging.getLogger("chatstate.turns")

_PATIENCE = 0.4  # seconds that a turn may take without a notice of typing


class Turns:
    """Runs turns for one bot, at most `limit` handlers at once.

    `set_lanes` is called once they exist. `begun` is set whenever a turn begins.
    """

    def __init__(
        self,
        context: Context,
        committer: Committer,
        sender: Sender,
        receipts: dict[int, EventReceipt],
        limit: int,
    ) -> None:
        self._context = context
        self._sentences = context.bot.sentences
        self._file_after = context.bot.file_after
        self._routing = Routing(context)
        self._endings = Endings(context, committer, sender, receipts)
        self._committer = committer
        self._sender = sender
        self._locks = KeyLocks()
        self._slots = asyncio.Semaphore(limit)
        self._running: dict[int, Running] = {}
        self.begun = asyncio.Event()
        self._around: dict[Handler, Around | None] = {}

    @property
    def lanes(self) -> Lanes:
        """The lanes in which turns wait."""
        return self._routing.lanes

    def set_lanes(self, lanes: Lanes) -> None:
        """Let turns wait in these lanes."""
        self._routing.lanes = self._endings.lanes = lanes

    @property
    def checks(self) -> Collection[asyncio.Task[None]]:
        """What finds out whether an event may end a running turn."""
        return self._routing.checks

    @property
    def running(self) -> list[Running]:
        """The turns that run."""
        return list(self._running.values())

    def expiring_keys(self) -> list[Key]:
        """Return the keys of values that expire, and that turns are using."""
        attempts = [running.attempt for running in self.running if running.attempt]
        return [key for attempt in attempts for key in attempt.expiring]

    async def run(self, arrival: Arrival) -> None:
        """Run the turn of `arrival` until its commit is queued, or it is fenced."""
        conversation = arrival.place.conversation
        self._running[conversation] = running = Running([arrival])
        self.begun.set()
        running.typing_at = self._context.clock.time() + _PATIENCE
        try:
            if arrival.noted and not running.is_expiry:
                await self._open_preview(running)
            await self._run(running, arrival)
        except UserError as error:
            self._refused(running, error)
        except (StorageError, GeneratorExit):
            raise
        except asyncio.CancelledError as error:
            if running.fenced:
                return
            task = asyncio.current_task()
            if task is None or task.cancelling():
                raise
            self._raised(running, error)  # the handler's own: somebody cancelled what it awaits
        except BaseException as error:  # noqa: BLE001 - a handler may even raise SystemExit
            self._raised(running, error)
        finally:
            if self._running.get(conversation) is running:
                del self._running[conversation]
            self._context.spool.discard(running.stored)
            if running.attempt and running.attempt.place_for_files:
                await self._context.spool.end_turn(running.attempt.place_for_files)

    def _refused(self, running: Running, error: UserError) -> None:
        try:
            self._endings.queue(running, running.refusal(self._sentences, error))
        except Exception as unspeakable:  # noqa: BLE001 - its text may be anything
            self._raised(running, unspeakable)

    def _raised(self, running: Running, error: BaseException) -> None:
        event = running.arrivals[-1].event
        log.error("the turn of event %s failed", event.id, exc_info=error)
        detail = "".join(traceback.format_exception(error))
        self._endings.fail(running, describe(error), detail)

    def refusal(self, message: Message) -> str | None:
        """Return what is said to a message that no handler can take; None if one can."""
        return self._routing.refusal(message)

    def arrived(self, arrival: Arrival) -> None:
        """Fence the turn that runs in the same conversation, if this event interrupts it."""
        running = self._running.get(arrival.place.conversation)
        if running and running.handler and not (running.fenced or running.is_expiry):
            self._routing.interrupt(running, arrival, functools.partial(self._interrupt, running))

    def _interrupt(self, running: Running) -> None:
        conversation = running.arrivals[-1].place.conversation
        if self._running.get(conversation) is running and not running.fenced:
            self._fence(running, running.shown(self._sentences, "interrupted"))

    def expire(self) -> None:
        """Fence turns that have run too long."""
        now = self._context.clock.time()
        for running in self.running:
            if running.deadline and running.deadline <= now and not running.fenced:
                seconds = running.handler.timeout if running.handler else 0
                event = running.arrivals[-1].event.id
                log.error("the turn of event %s took more than %s s", event, seconds)
                dead = DeadLetter("event", f"TimeoutError: it took more than {seconds} s")
                self._fence(running, running.apology(self._sentences), dead)

    async def set_aside(self, arrival: Arrival) -> None:
        """Give up an event that has crashed the process each time it ran alone."""
        log.error("event %s is set aside: it crashed the process", arrival.event.id)
        error = f"the process crashed {arrival.crashes} times while only this event ran"
        running = Running([arrival])
        await self._open_preview(running)
        self._endings.fail(running, error, "")

    async def _run(self, running: Running, arrival: Arrival) -> None:
        routed = await self._routing.route(running)
        if routed is None:
            self._endings.queue(running, [])
            return
        running.handler, text = routed
        try:
            if running.is_expiry:
                running.typing_at = math.inf
                await self._carry_out(running, running.handler, text)
            else:
                await self._come_in(running, arrival, running.handler, text)
        finally:
            running.let_go()

    async def _come_in(
        self, running: Running, arrival: Arrival, handler: Handler, text: str
    ) -> None:
        """Carry out a turn, once it is let in."""
        expiries = self._context.expiries
        if expiries.concern(handler) and await expiries.come_before(arrival, handler):
            return
        entrance = self._context.entrance
        conditions = entrance.conditions(handler)
        if conditions:
            entrance.begin(running, handler)
        if handler.overlap == "interrupt" and await self._routing.is_superseded(running):
            self._endings.queue(running, [])
            return
        if conditions and not await entrance.enter(running, handler, conditions):
            self._endings.queue(running, [])
            return
        if handler.overlap == "merge":
            await self._routing.merge(running)
            if len(running.arrivals) > 1:
                text = "\n".join(one.event.message.text for one in running.arrivals)
        running.deadline = 0.0  # until its handler begins
        await self._carry_out(running, handler, text)

    async def _carry_out(self, running: Running, handler: Handler, text: str) -> None:
        """Run attempts until one is not overtaken by another turn."""
        running.attempt = self._attempt(running, handler, text)
        shared = running.attempt.shared_keys
        if not shared or not self._locks.wanted(shared):
            if await self._try(running):
                return
            shared = running.attempt.shared_keys
            self._locks.fought_for(shared)
        running.deadline = 0.0  # waiting for others is not the handler's time
        running.release = await self._locks.take(shared)
        while not running.fenced:
            running.attempt = self._attempt(running, handler, text, running.attempt.notes)
            if await self._try(running):
                return

    def _attempt(
        self, running: Running, handler: Handler, text: str, notes: dict[str, str] | None = None
    ) -> Attempt:
        attempt = Attempt(self._context, handler, running.arrivals, text, notes)
        if running.attempt:
            attempt.expiring = running.attempt.expiring  # it is using them all the time
        try:
            attempt.around = self._around[handler]
        except KeyError:
            around = [] if running.is_expiry else self._context.bot.routes.terms(handler).around
            self._around[handler] = Around(around, self._context.resources) if around else None
            attempt.around = self._around[handler]
        return attempt

    async def _try(self, running: Running) -> bool:
        """Run an attempt; tell whether the turn is over."""
        attempt = running.attempt
        if attempt is None:
            return True
        if self._context.renderer.capabilities(attempt.arrival).edit:
            attempt.showing.open_preview = functools.partial(self._open_preview, running)
        async with self._slots:
            running.deadline = self._context.clock.time() + attempt.handler.timeout
            try:
                answer = await attempt.run()
            finally:
                running.deadline = 0.0  # waiting for the platform is not the handler's time
                if running.preview:
                    await running.preview.stop()
            if self._file_after:
                answer = self._context.renderer.long_as_files(
                    attempt.arrival, answer, self._file_after
                )
            if any(isinstance(one, Reply) and one.files for one in answer):
                await self._take_files(running, attempt, answer)
        if running.fenced:
            return True
        if attempt.applied_keys and not running.release:
            await self._wait_for(attempt.applied_keys)
        changes = attempt.finish(answer)
        refuse_replies(attempt.arrival, answer)
        if changes is None:
            self._context.spool.discard(running.stored)
            if attempt.place_for_files:
                await self._context.spool.end_turn(attempt.place_for_files)
            return False
        self._endings.queue(running, answer, changes)
        return True

    async def _take_files(self, running: Running, attempt: Attempt, answer: Answer) -> None:
        """Copy the files of an answer; that is the handler's time, since it made their sources."""
        running.deadline = self._context.clock.time() + attempt.handler.timeout
        running.stored = await self._context.spool.take_all(attempt.arrival, answer)
        running.deadline = 0.0

    async def _open_preview(self, running: Running) -> Preview:
        if running.preview is None:
            arrival = running.arrivals[0]
            running.preview = Preview(self._context, arrival, self._may_show, self._must_wait)
            await running.preview.load()
        return running.preview

    def _may_show(self, arrival: Arrival) -> bool:
        """Tell whether nothing older is owed in a conversation, or about to be."""
        account, conversation = arrival.place.account, arrival.place.conversation
        is_idle = self._sender.is_idle(account, conversation)
        return is_idle and not self._committer.is_committing(conversation)

    def _must_wait(self, arrival: Arrival, seconds: float) -> None:
        self._sender.wait(arrival.place.account, seconds)

    async def _wait_for(self, keys: list[Key]) -> None:
        """Let turns that hold the locks of `keys` go first, so that they do not starve."""
        if self._locks.wanted(keys):
            release = await self._locks.take(keys)
            release()

    def _fence(self, running: Running, answer: Answer, dead: DeadLetter | None = None) -> None:
        self._endings.queue(running, answer, dead=dead)
        running.fenced = True
        if running.attempt:
            running.attempt.fenced = True
        if running.preview:
            running.preview.cut_off()
        running.let_go()
        self.lanes.leave_behind(running.arrivals[-1].place.conversation)
