"""What stands before a handler: guards, quotas, a place among its turns.

1. Guards come first, then quotas, then a place: nothing runs, and nothing waits, for those who
   may not.
2. A turn takes its place before any lock, and waits for none while it holds one, so turns cannot
   wait for each other in a circle.
3. A refusal is said to a command, to a press and in private. Other messages in a group go by in
   silence: they may not be meant for the bot. Who is over a limit is told once, until it is over.
"""

from __future__ import annotations

import asyncio
import functools
import inspect
import logging
from collections.abc import Callable, Mapping
from typing import Protocol

from chatstate.adapter import Adapter
from chatstate.bot.access import Guard, Who, duration
from chatstate.bot.calls import Call, Scene
from chatstate.bot.handlers import Handler
from chatstate.bot.interface import Interface
from chatstate.bot.resources import Resources
from chatstate.bot.terms import Terms
from chatstate.clock import Clock
from chatstate.engine.threads import HandlerThreads
from chatstate.engine.turns.limits import Counters, Ticket
from chatstate.errors import StorageError, UserError
from chatstate.language.sentences import Sentence
from chatstate.messages import Message
from chatstate.signature import label
from chatstate.stores.base import Arrival

log = logging.getLogger("chatstate.turns")


class Comer(Protocol):
    """A turn that wants to come in; see `chatstate.engine.turns.turn`."""

    arrivals: list[Arrival]
    deadline: float
    ticket: Ticket | None
    leave: Callable[[], None] | None


class Entrance:
    """Lets the turns of one bot come to their handlers, or not."""

    def __init__(
        self,
        bot: Interface,
        adapters: Mapping[int, Adapter],
        threads: HandlerThreads,
        clock: Clock,
        counters: Counters,
        resources: Resources,
    ) -> None:
        self._bot = bot
        self._adapters = adapters
        self._threads = threads
        self._clock = clock
        self._counters = counters
        self._resources = resources
        self._conditions: dict[Handler, Terms | None] = {}
        self._places: dict[tuple[int, int], asyncio.Semaphore] = {}

    def conditions(self, handler: Handler) -> Terms | None:
        """Return what a turn must fulfil to come to a handler; None if there is nothing."""
        try:
            return self._conditions[handler]
        except KeyError:
            terms = self._bot.routes.terms(handler)
            bare = not (terms.guards or terms.all_limits or terms.concurrency_limit)
            self._conditions[handler] = None if bare else terms
            return self._conditions[handler]

    async def enter(self, running: Comer, handler: Handler, terms: Terms) -> bool:
        """Let a turn in, and tell so; False if it is to end in silence.

        Raises `Sentence` for what the person is to be told instead.
        """
        arrival = running.arrivals[-1]
        refusing = await self._refusing(terms, arrival)
        if refusing:
            return _say(refusing.sentence, handler, arrival)
        if terms.all_limits:
            ticket = await self._counters.ask(terms.name, terms.all_limits, arrival.place)
            if ticket.wait and ticket.knows:
                return False
            running.ticket = ticket
            if ticket.wait:
                raise Sentence("too_often", wait=duration(ticket.wait))
            self._counters.begin(ticket)
        running.deadline = 0.0  # waiting for others is not the handler's time
        if terms.concurrency_limit:
            place = self._place(handler, terms.concurrency_limit)
            await place.acquire()
            running.leave = _once(place.release)
        self.begin(running, handler)
        return True

    def begin(self, running: Comer, handler: Handler) -> None:
        """Count the time from now on: what decides about a turn is the author's code too."""
        running.deadline = self._clock.time() + handler.timeout

    async def allows(self, handler: Handler, arrival: Arrival) -> bool:
        """Tell whether the sender of a message may use a handler; not if its guard fails."""
        try:
            return await self._refusing(self._bot.routes.terms(handler), arrival) is None
        except UserError:
            return False
        except Exception:
            log.exception("a guard of %s failed", label(handler.fn))
            return False

    async def would_enter(self, terms: Terms, arrival: Arrival) -> bool:
        """Tell whether the turn of an event would be let in now."""
        if await self._refusing(terms, arrival):
            return False
        limits = terms.all_limits
        return not limits or not (await self._counters.ask(terms.name, limits, arrival.place)).wait

    def _place(self, handler: Handler, limit: int) -> asyncio.Semaphore:
        """Return where turns of a handler get a place: with others of the same function."""
        return self._places.setdefault((id(handler.fn), limit), asyncio.Semaphore(limit))

    async def _refusing(self, terms: Terms, arrival: Arrival) -> Guard | None:
        """Return the first guard that does not let the sender pass."""
        for guard in terms.guards:
            for rule in guard.rules:
                if await self._holds(rule, arrival):
                    break
            else:
                return guard
        return None

    async def _holds(self, rule: Who | Call, arrival: Arrival) -> bool:
        message, adapter = arrival.event.message, self._adapters[arrival.place.account]
        if rule == "owners":
            return (adapter.name, message.sender.id) in self._bot.owners
        if rule == "admins":
            private = message.chat.kind == "private"
            return private or await adapter.is_admin(message.chat.id, message.sender.id)
        return await self._call(rule, message)

    async def _call(self, predicate: Call, message: Message) -> bool:
        call = functools.partial(
            predicate.fn, **predicate.arguments(Scene(message, self._resources))
        )
        try:
            told = call() if predicate.is_async else await self._threads.run(call)
            return bool(await told if inspect.isawaitable(told) else told)
        except StorageError as error:  # of a store of its own; ours is not its business
            raise RuntimeError(f"{label(predicate.fn)} raised StorageError: {error}") from error


def _say(sentence: str, handler: Handler, arrival: Arrival) -> bool:
    message = arrival.event.message
    if handler.command or message.kind == "press" or message.chat.kind == "private":
        raise Sentence(sentence)
    return False


def _once(release: Callable[[], None]) -> Callable[[], None]:
    """Return a function that calls `release` at its first call alone."""
    left = [release]

    def leave() -> None:
        while left:
            left.pop()()

    return leave
