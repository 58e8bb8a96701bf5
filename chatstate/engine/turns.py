"""Turns: from an event to a queued commit, and from its outcome to the sender.

1. A handler that raises commits nothing but the event's end: it becomes a dead letter, and the
   person gets one sentence.
2. A turn whose shared values were changed by somebody faster runs again, holding their locks.
3. A turn that takes too long, or is interrupted, is fenced: its end is committed, its effects
   are not, and the lane goes on without it.
4. Replies leave only after the commit.
"""

from __future__ import annotations

import asyncio
import logging
import traceback
from collections.abc import Callable
from typing import Any

import msgspec

from chatstate.binding import Handler
from chatstate.engine.attempt import Attempt
from chatstate.engine.committer import Committer
from chatstate.engine.context import Context
from chatstate.engine.lanes import Lanes
from chatstate.engine.locks import KeyLocks
from chatstate.engine.outbound import Outbound, new_outbound
from chatstate.engine.receipts import EventReceipt
from chatstate.engine.sender import Sender
from chatstate.errors import StorageError, UserError
from chatstate.messages import Reply
from chatstate.scope import Key
from chatstate.sentences import Sentence, say
from chatstate.stores.base import Arrival, Change, DeadLetter, Outcome, TurnCommit

log = logging.getLogger("chatstate.turns")


class Running(msgspec.Struct):
    """A turn that runs: its events, its handler, the attempt it is at, and when it must end.

    `release` gives back the locks it holds.
    """

    arrivals: list[Arrival]
    handler: Handler | None = None
    attempt: Attempt | None = None
    deadline: float = 0.0
    fenced: bool = False
    release: Callable[[], None] | None = None


class Turns:
    """Runs turns for one bot, at most `limit` handlers at once. `lanes` is set once they exist."""

    lanes: Lanes

    def __init__(
        self,
        context: Context,
        committer: Committer,
        sender: Sender,
        receipts: dict[int, EventReceipt],
        limit: int,
    ) -> None:
        self._context = context
        self._bot = context.bot
        self._committer = committer
        self._sender = sender
        self._receipts = receipts
        self._locks = KeyLocks()
        self._slots = asyncio.Semaphore(limit)
        self._running: dict[int, Running] = {}

    async def run(self, arrival: Arrival) -> None:
        """Run the turn of `arrival` until its commit is queued, or it is fenced."""
        conversation = arrival.place.conversation
        self._running[conversation] = running = Running([arrival])
        try:
            await self._run(running)
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

    def _refused(self, running: Running, error: UserError) -> None:
        try:
            self._queue(running, [Reply(self._text(error))])
        except Exception as unspeakable:  # noqa: BLE001 - its text may be anything
            self._raised(running, unspeakable)

    def _raised(self, running: Running, error: BaseException) -> None:
        event = running.arrivals[-1].event
        log.error("the turn of event %s failed", event.id, exc_info=error)
        detail = "".join(traceback.format_exception(error))
        self._fail(running, describe(error), detail)

    def arrived(self, arrival: Arrival) -> None:
        """Fence the turn that runs in the same conversation, if this event interrupts it."""
        running = self._running.get(arrival.place.conversation)
        if running and running.handler and not running.fenced:
            handler = self._handler(arrival)
            if handler and handler.overlap == "interrupt" and _reaches(handler, arrival, running):
                self._fence(running, [])

    def expire(self) -> None:
        """Fence turns that have run too long."""
        now = self._context.clock.time()
        for running in list(self._running.values()):
            if running.deadline and running.deadline <= now and not running.fenced:
                seconds = running.handler.timeout if running.handler else 0
                event = running.arrivals[-1].event.id
                log.error("the turn of event %s took more than %s s", event, seconds)
                answer = [Reply(say(self._bot.sentences, "failed"))]
                dead = DeadLetter("event", f"TimeoutError: it took more than {seconds} s")
                self._fence(running, answer, dead)

    def set_aside(self, arrival: Arrival) -> None:
        """Give up an event that has crashed the process each time it ran alone."""
        log.error("event %s is set aside: it crashed the process", arrival.event.id)
        error = f"the process crashed {arrival.crashes} times while only this event ran"
        self._fail(Running([arrival]), error, "")

    async def _run(self, running: Running) -> None:
        (arrival,) = running.arrivals
        routed = self._bot.route(arrival.event.message)
        if routed is None:
            self._queue(running, [])
            return
        handler, text = routed
        running.handler = handler
        if handler.overlap == "interrupt" and self._is_superseded(running):
            self._queue(running, [])
            return
        if handler.overlap == "merge":
            self._merge(running)
            if len(running.arrivals) > 1:
                text = "\n".join(one.event.message.text for one in running.arrivals)
        running.attempt = Attempt(self._context, handler, running.arrivals, text)
        shared = running.attempt.shared_keys
        if not shared or not self._locks.wanted(shared):
            if await self._try(running):
                return
            shared = running.attempt.shared_keys
            self._locks.fought_for(shared)
        running.deadline = 0.0  # waiting for others is not the handler's time
        running.release = await self._locks.take(shared)
        try:
            while not running.fenced:
                notes = running.attempt.notes
                running.attempt = Attempt(self._context, handler, running.arrivals, text, notes)
                if await self._try(running):
                    return
        finally:
            running.release()

    async def _try(self, running: Running) -> bool:
        """Run an attempt; tell whether the turn is over."""
        attempt = running.attempt
        if attempt is None:
            return True
        async with self._slots:
            running.deadline = self._context.clock.time() + attempt.handler.timeout
            answer = await attempt.run()
        if running.fenced:
            return True
        if attempt.applied_keys and not running.release:
            await self._wait_for(attempt.applied_keys)
        changes = attempt.finish(answer)
        if changes is None:
            return False
        self._queue(running, answer, changes)
        return True

    async def _wait_for(self, keys: list[Key]) -> None:
        """Let turns that hold the locks of `keys` go first, so that they do not starve."""
        if self._locks.wanted(keys):
            release = await self._locks.take(keys)
            release()

    def _is_superseded(self, running: Running) -> bool:
        return any(
            self._handler(later) is running.handler
            and later.place.person == running.arrivals[0].place.person
            for later in self.lanes.waiting(running.arrivals[0].place.conversation)
        )

    def _merge(self, running: Running) -> None:
        """Take what waits for the same handler, from the same person, into this turn."""
        waiting = self.lanes.waiting(running.arrivals[0].place.conversation)
        while (
            waiting
            and waiting[0].place == running.arrivals[0].place
            and self._handler(waiting[0]) is running.handler
        ):
            running.arrivals.append(waiting.pop(0))

    def _handler(self, arrival: Arrival) -> Handler | None:
        try:
            routed = self._bot.route(arrival.event.message)
        except UserError:
            return None
        return routed[0] if routed else None

    def _fence(self, running: Running, answer: list[Reply], dead: DeadLetter | None = None) -> None:
        self._queue(running, answer, dead=dead)
        running.fenced = True
        if running.attempt:
            running.attempt.fenced = True
        if running.release:
            running.release()
        self.lanes.leave_behind(running.arrivals[-1].place.conversation)

    def _fail(self, running: Running, error: str, detail: str) -> None:
        dead = DeadLetter("event", error, detail)
        try:
            self._queue(running, [Reply(say(self._bot.sentences, "failed"))], dead=dead)
        except Exception:  # what `render` raises: the event must end all the same
            log.exception("the adapter cannot even show that")
            self._queue(running, [], dead=dead)

    def _queue(
        self,
        running: Running,
        answer: list[Reply],
        changes: list[Change] | None = None,
        dead: DeadLetter | None = None,
    ) -> None:
        if running.fenced:
            return
        arrival = running.arrivals[-1]
        outbound = self._render(arrival, answer) if answer else []
        commit = TurnCommit(
            arrival.seq,
            arrival.place,
            next(self._context.versions),
            changes or (),
            self._sender.owed(outbound) if outbound else (),
            dead,
            [one.seq for one in running.arrivals[:-1]] if len(running.arrivals) > 1 else (),
            running.attempt is not None and running.attempt.notes is not None,
            running.attempt.read_from() if running.attempt and not dead else (),
        )
        if changes:
            self._context.values.queue(changes, arrival.seq)
        self._committer.submit(
            commit, lambda outcome: self._finish(running, commit, outbound, outcome)
        )

    def _render(self, arrival: Arrival, answer: list[Reply]) -> list[Outbound]:
        place, event = arrival.place, arrival.event
        render = self._context.adapters[place.account].render
        parts = [part for reply in answer for part in render(reply)]
        return [
            new_outbound(place, arrival.seq, number, event.message, part, event.origin)
            for number, part in enumerate(parts)
        ]

    def _finish(
        self, running: Running, commit: TurnCommit, outbound: list[Outbound], outcome: Outcome
    ) -> None:
        if outcome == "applied":
            self._context.values.applied(commit.changes)
        else:
            self._context.values.failed(commit.changes)
            if outcome == "conflict":
                self.lanes.read_again(commit.place.conversation)
                return
            outbound = []
        receipts = [self._receipts.pop(one.seq, None) for one in running.arrivals]
        for receipt in receipts:
            if receipt:
                receipt.owes(len(outbound))
        for reply in outbound:
            reply.receipts = receipts
            self._sender.add(reply)

    def _text(self, error: UserError) -> str:
        if isinstance(error, Sentence):
            values: dict[str, Any] = error.values
            if isinstance(error.__cause__, Sentence):
                values = {**values, "problem": self._text(error.__cause__)}
            return say(self._bot.sentences, error.name, **values)
        return str(error).encode(errors="replace").decode()  # half a surrogate pair is no text


def describe(error: BaseException) -> str:
    """Return an error in one line, whatever it is."""
    try:
        return f"{type(error).__name__}: {error}"
    except Exception:  # noqa: BLE001 - an author's __str__ may raise anything
        return type(error).__name__


def _reaches(handler: Handler, arrival: Arrival, running: Running) -> bool:
    """Tell whether an interrupting event ends a running turn: a command any, a message its own."""
    if handler.command is not None:
        return True
    return handler is running.handler and arrival.place.person == running.arrivals[-1].place.person
