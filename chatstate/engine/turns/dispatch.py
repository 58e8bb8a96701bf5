"""Which handler an event goes to, and what an event does to others of its conversation."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from chatstate.bot.handlers import Handler
from chatstate.engine.context import Context
from chatstate.engine.inbox.lanes import Lanes
from chatstate.engine.turns.turn import Running, told
from chatstate.errors import UserError
from chatstate.language.sentences import Sentence
from chatstate.messages import Message
from chatstate.stores.base import Arrival

log = logging.getLogger("chatstate.turns")


class Routing:
    """Routes the events of one bot. `lanes` is set once they exist.

    `checks` are the tasks that find out whether an event may end a running turn.
    """

    lanes: Lanes

    def __init__(self, context: Context) -> None:
        self._bot = context.bot
        self._routes = context.bot.routes
        self._presses = context.presses
        self._entrance = context.entrance
        self._expiries = context.expiries
        self.checks: set[asyncio.Task[None]] = set()

    async def route(self, running: Running) -> tuple[Handler, str] | None:
        """Return the handler and its text; a press says from now on what its button sends."""
        (arrival,) = running.arrivals
        if running.is_expiry:
            return self._expiries.route(arrival)
        if arrival.event.message.kind != "press":
            return self._routes.find(arrival.event.message)
        press = await self._presses.read(arrival)
        if press is None:
            raise Sentence("dead_button")
        running.arrivals = [press.arrival]
        return self._routes.find(press.message, pressed_command=press.command)

    def refusal(self, message: Message) -> str | None:
        """Return what is said to a message that no handler can take; None if one can."""
        try:
            routed = self._routes.find(message)
            if routed and routed[0].command is not None:
                routed[0].arguments(message, routed[1])
        except UserError as error:
            return told(self._bot.sentences, message, error)
        return None

    def interrupt(self, running: Running, arrival: Arrival, end: Callable[[], None]) -> None:
        """Call `end` if an event ends the turn that runs in the same conversation.

        One that is not let in ends nothing; what lets it in may take its time.
        """
        if arrival.event.message.kind == "press" and self._presses.is_kept(arrival):
            self._check(running, arrival, end)
            return
        handler = self._handler_now(arrival)
        if not _interrupts(handler, arrival, running):
            return
        if handler and self._entrance.conditions(handler) is not None:
            self._check(running, arrival, end)
        else:
            end()

    def _check(self, running: Running, arrival: Arrival, end: Callable[[], None]) -> None:
        check = asyncio.create_task(self._interrupt_if_let_in(running, arrival, end))
        self.checks.add(check)
        check.add_done_callback(self.checks.discard)

    async def _interrupt_if_let_in(
        self, running: Running, arrival: Arrival, end: Callable[[], None]
    ) -> None:
        try:
            handler, meant = await self._handler(arrival)
            if handler is None or not _interrupts(handler, meant, running):
                return
            async with asyncio.timeout(handler.timeout):
                let_in = await self._would_enter(handler, meant)
            if let_in:
                end()
        except Exception as error:  # noqa: BLE001 - its own turn tells, when it comes to it
            log.info("event %s interrupts nothing: %r", arrival.event.id, error)

    async def is_superseded(self, running: Running) -> bool:
        """Tell whether a later event of the same person, for the same handler, takes its place."""
        person = running.arrivals[0].place.person
        for later in list(self.lanes.waiting(running.arrivals[0].place.conversation)):
            handler, meant = await self._handler(later)
            if (
                handler is running.handler
                and later.place.person == person
                and await self._would_enter(handler, meant)
            ):
                return True
        return False

    async def merge(self, running: Running) -> None:
        """Take what waits for the same handler, from the same person, into this turn."""
        conversation = running.arrivals[0].place.conversation
        while waiting := self.lanes.waiting(conversation):
            later = waiting[0]
            handler, meant = await self._handler(later)
            if handler is not running.handler or later.place != running.arrivals[0].place:
                return
            if not await self._may(handler, meant):
                return
            waiting = self.lanes.waiting(conversation)
            if waiting[:1] != [later]:
                return
            waiting.pop(0)
            running.arrivals.append(meant)

    async def _handler(self, arrival: Arrival) -> tuple[Handler | None, Arrival]:
        """Return which handler an event goes to, and the event as it is meant if it is a press."""
        if arrival.event.message.kind != "press":
            return self._routed(arrival.event.message), arrival
        press = await self._presses.read(arrival)
        if press is None:
            return None, arrival
        return self._routed(press.message, command=press.command), press.arrival

    def _handler_now(self, arrival: Arrival) -> Handler | None:
        """Return the same for what need not be looked up in the store."""
        if arrival.event.message.kind != "press":
            return self._routed(arrival.event.message)
        press = self._presses.read_now(arrival)
        return self._routed(press.message, command=press.command) if press else None

    def _routed(self, message: Message, *, command: bool = False) -> Handler | None:
        try:
            routed = self._routes.find(message, pressed_command=command)
        except UserError:
            return None
        return routed[0] if routed else None

    async def _would_enter(self, handler: Handler | None, arrival: Arrival) -> bool:
        conditions = self._entrance.conditions(handler) if handler else None
        return conditions is None or await self._entrance.would_enter(conditions, arrival)

    async def _may(self, handler: Handler | None, arrival: Arrival) -> bool:
        conditions = self._entrance.conditions(handler) if handler else None
        if handler is None or conditions is None or not conditions.guards:
            return True
        return await self._entrance.allows(handler, arrival)


def _interrupts(handler: Handler | None, arrival: Arrival, running: Running) -> bool:
    """Tell whether an event ends a running turn: an interrupting command any, a message its own."""
    if handler is None or handler.overlap != "interrupt":
        return False
    if handler.command is not None:
        return True
    return handler is running.handler and arrival.place.person == running.arrivals[-1].place.person
