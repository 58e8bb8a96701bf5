"""What stands before a handler: guards, limits, a place among its turns.

1. Guards come first, then limits, then a place: nothing runs, and nothing waits, for those who
   may not.
2. A turn takes its place before any lock, and waits for none while it holds one, so turns cannot
   wait for each other in a circle.
3. A refusal is said to a command, to a press and in private. Other messages in a group go by in
   silence: they may not be meant for the bot. So does what a platform tells of nobody, who has no
   limit either. Who is over a limit is told once, until it is over.
"""

from __future__ import annotations

import asyncio
import functools
import inspect
import logging
from collections.abc import Callable, Mapping
from typing import NamedTuple

from chatstate.adapter import Adapter
from chatstate.bot.access import Guard, Who, duration
from chatstate.bot.functions import BoundFunction
from chatstate.bot.resources import Resources
from chatstate.clock import Clock
from chatstate.engine.asking import asked_until_told
from chatstate.engine.threads import HandlerThreads
from chatstate.engine.turns.limits import Counters
from chatstate.engine.turns.plan import Plan
from chatstate.engine.turns.turn import RunningTurn
from chatstate.errors import UserError
from chatstate.language.sentences import Sentence
from chatstate.messages import Message
from chatstate.signature import where
from chatstate.stores.base import Arrival

log = logging.getLogger("chatstate.turns")


class _Asked(NamedTuple):
    """What a predicate may get: there is no turn yet."""

    message: Message
    resources: Resources


class Admission:
    """Lets the turns of one bot come to their handlers, or not."""

    def __init__(
        self,
        *,
        owners: frozenset[tuple[str, str]],
        adapters: Mapping[int, Adapter],
        threads: HandlerThreads,
        counters: Counters,
        resources: Resources,
        clock: Clock,
    ) -> None:
        self._owners = owners
        self._adapters = adapters
        self._threads = threads
        self._counters = counters
        self._resources = resources
        self._clock = clock
        self._places: dict[tuple[int, int], asyncio.Semaphore] = {}

    async def enter(self, turn: RunningTurn, plan: Plan) -> bool:
        """Let a turn in, and tell so; False if it is to end in silence.

        Raises `Sentence` for what the person is to be told instead.
        """
        with turn.timed(plan.timeout):  # what decides about a turn is the author's code too
            refusing = await self._refusing(plan, turn.arrival)
        if refusing:
            return _say(refusing.sentence, plan, turn.arrival)
        return not (plan.limits and turn.place.person) or await self._take(turn, plan)

    async def place(self, turn: RunningTurn, plan: Plan) -> None:
        """Wait for a place among the turns of a handler, if they are limited."""
        if plan.route.concurrency_limit:
            place = self._place(plan)
            await place.acquire()
            turn.leave = _once(place.release)

    async def _take(self, turn: RunningTurn, plan: Plan) -> bool:
        """Take one of what the person is allowed; False if there is none, and the person knows."""
        ask = self._counters.follow if turn.dialogue else self._counters.ask
        taking = await ask(plan.route.name, plan.limits, turn.place)
        if taking.wait and taking.knows:
            return False
        turn.taking = taking
        if taking.wait:
            raise Sentence("too_often", wait=duration(taking.wait))
        self._counters.begin(taking)
        return True

    async def allows(self, plan: Plan, arrival: Arrival) -> bool:
        """Tell whether the sender of a message may use a handler; not if its guard fails."""
        try:
            return await self._refusing(plan, arrival) is None
        except UserError:
            return False
        except asyncio.CancelledError:  # maybe not the guard's doing
            raise
        except BaseException:  # a guard that fails in any way lets nobody pass
            log.exception("a guard of %s failed, so nobody passes", where(plan.fn))
            return False

    async def would_enter(self, plan: Plan, arrival: Arrival) -> bool:
        """Tell whether the turn of an event would be let in now."""
        if not await self.allows(plan, arrival):
            return False
        if not plan.limits:
            return True
        return not (await self._counters.ask(plan.route.name, plan.limits, arrival.place)).wait

    def _place(self, plan: Plan) -> asyncio.Semaphore:
        """Return where turns of a handler get a place: with others of the same function."""
        limit = plan.route.concurrency_limit
        return self._places.setdefault((id(plan.fn), limit), asyncio.Semaphore(limit))

    async def _refusing(self, plan: Plan, arrival: Arrival) -> Guard | None:
        """Return the first guard that does not let the sender pass."""
        for guard in plan.guards:
            for rule in guard.rules:
                if await self._holds(rule, arrival):
                    break
            else:
                return guard
        return None

    async def _holds(self, rule: Who | BoundFunction, arrival: Arrival) -> bool:
        message, adapter = arrival.event.message, self._adapters[arrival.place.account]
        if rule == "owners":
            return (adapter.name, message.sender.id) in self._owners
        if rule == "admins":
            return message.chat.kind == "private" or await self._is_admin(adapter, message)
        return await self._call(rule, message)

    async def is_admin(self, arrival: Arrival) -> bool:
        """Tell whether the sender of a message is an admin of its chat."""
        return await self._is_admin(self._adapters[arrival.place.account], arrival.event.message)

    async def _is_admin(self, adapter: Adapter, message: Message) -> bool:
        chat, person = message.chat.id, message.sender.id
        what = f"whether {person} is an admin of {chat}"
        return await asked_until_told(self._clock, what, lambda: adapter.is_admin(chat, person))

    async def _call(self, predicate: BoundFunction, message: Message) -> bool:
        arguments = predicate.arguments(_Asked(message, self._resources))
        call = functools.partial(predicate.fn, **arguments)
        told = call() if predicate.is_async else await self._threads.run(call)
        return bool(await told if inspect.isawaitable(told) else told)


def _say(sentence: str, plan: Plan, arrival: Arrival) -> bool:
    message = arrival.event.message
    if not message.sender.id:
        return False
    if plan.handler.command or message.kind == "press" or message.chat.kind == "private":
        raise Sentence(sentence)
    return False


def _once(release: Callable[[], None]) -> Callable[[], None]:
    """Return a function that calls `release` at its first call alone."""
    left = [release]

    def leave() -> None:
        while left:
            left.pop()()

    return leave
