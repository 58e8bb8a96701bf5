"""Values that nobody used for their `ttl`: found, removed, and told of.

1. A value that a turn is using, or that is on its way to the store, has not expired, whatever the
   store says: whoever uses it puts its end off with the commit.
2. Removing a value makes it an event of its conversation, in one transaction. From then on it is
   in no turn's sight, and `on_expire` gets it as often as any handler gets an event: until its
   turn is committed, once.
3. Such an event goes before all that waits in its conversation. A turn that finds a value expired
   gives way to it and begins anew.
4. What is due is looked for in slices, with an index, and only so many events are made as are soon
   handled: memory does not grow with what has expired while the bot was away.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import msgspec

from chatstate.bot.handlers import Handler
from chatstate.bot.interface import Interface
from chatstate.bot.terms import Terms
from chatstate.bot.turn import Turn
from chatstate.engine.inbox.lanes import Lanes
from chatstate.engine.inbox.receipts import EventReceipt
from chatstate.engine.states.cache import Values
from chatstate.engine.states.volatile import Memory
from chatstate.errors import ReplyError, StateError, UserError
from chatstate.scope import Key, Place, Scope, key
from chatstate.state.bound import BoundState, States
from chatstate.stores.base import Arrival, Due, Expired, Expiry, Store, Value

_SLICE = 64  # values in one transaction; more would stop the event loop for too long
_SLICES = 8
_TOLD_AT_ONCE, _TOLD_IN_A_LANE = 1000, 32
_OF_A_CONVERSATION: tuple[Scope, ...] = ("member", "thread")
_UNHEARD: tuple[Scope, ...] = ("user", "global")


class Expiries:
    """Lets the values of one bot expire. `lanes` and `in_use` are set once they exist.

    `in_use` tells the keys that running turns hold.
    """

    lanes: Lanes
    in_use: Callable[[], Iterable[Key]]

    def __init__(
        self,
        bot: Interface,
        accounts: Sequence[int],
        store: Store,
        memory: Memory | None,
        values: Values,
        receipts: dict[int, EventReceipt],
    ) -> None:
        self._bot = bot
        self._states = {(one.scope, one.name): one for one in bot.states}
        self._expiring = [one for one in bot.states if one.ttl is not None]
        told = [one for one in self._expiring if one.lifecycle.on_expire]
        self._handlers = {(one.scope, one.name): self._handler(one) for one in told}
        bot.routes.aside = {self._handlers[one.scope, one.name]: _terms(bot, one) for one in told}
        self._accounts = accounts
        self._store = store
        self._memory = memory
        self._values = values
        self._receipts = receipts
        self._looking = asyncio.Lock()
        self._told: dict[int, _Told] = {}
        self._in_lane: Counter[int] = Counter()
        self._unstored: dict[int, Value] = {}
        if self._expiring:
            values.expire = self.expire

    # Finding and removing

    async def look(self) -> bool:
        """Remove what has expired; tell whether there may be more at once."""
        if not self._expiring:
            return False
        async with self._looking:
            more = [await self._sweep(state) for state in self._expiring]
        return any(more)

    async def expire(self, keys: Sequence[Key], place: Place) -> None:
        """Remove those of `keys` that have expired and are not in use, for a turn at `place`."""
        used = set(self.in_use())
        for one in keys:
            state, value = self._states.get((one.scope, one.name)), self._values.now(one).value
            if state is None or state.ttl is None or value is None or one in used:
                continue
            if value.schema <= state.lifecycle.version:  # newer ones are refused when read
                await self._remove(state, [Due(one, place.conversation)])

    def concern(self, handler: Handler) -> bool:
        """Tell whether a handler has states that expire."""
        return bool(self._expiring) and any(slot.state.ttl for slot in handler.slots)

    async def come_before(self, arrival: Arrival, handler: Handler) -> bool:
        """Let what has expired go first, if a handler would use it; then the event waits again."""
        states = [slot.state for slot in handler.slots if slot.state.ttl is not None]
        place = arrival.place
        keys = [key(self._bot.id, one.scope, one.name, place) for one in states]
        await self._values.load(keys, place)
        waiting = self.lanes.waiting(place.conversation)
        if self.lanes.paused or not (waiting and waiting[0].ahead):
            return False
        self.lanes.put_first(place.conversation, [arrival])
        return True

    async def settle(self, seconds: float) -> None:
        """Return when all that is due has expired and been told, or after so many seconds."""
        while await self.look():
            pass
        told = [asyncio.ensure_future(one.settled()) for one in self._told.values()]
        if told:
            await asyncio.wait(told, timeout=seconds)
            for one in told:
                one.cancel()

    async def _sweep(self, state: BoundState) -> bool:
        durable = state.lifecycle.durable
        more = [
            await self._sweep_account(state, account)
            for account in (self._accounts if durable else [0])
        ]
        return any(more)

    async def _sweep_account(self, state: BoundState, account: int) -> bool:
        skipped = 0
        for _ in range(_SLICES):
            if self.lanes.stopping or self.lanes.paused:
                return False
            due = await self._due(state, account, skipped)
            ready = self._ready(state, due)
            await self._remove(state, ready)
            skipped += len(due) - len(ready)
            if len(due) < _SLICE:
                return False
        return skipped < _SLICE * _SLICES

    async def _due(self, state: BoundState, account: int, skip: int) -> Sequence[Due]:
        bound = (state.scope, state.name, state.lifecycle.version)
        if self._memory and not state.lifecycle.durable:
            return self._memory.due(bound, skip, _SLICE)
        return await self._store.due(bound, account, skip, _SLICE)

    def _ready(self, state: BoundState, due: Sequence[Due]) -> list[Due]:
        """Return those that nobody uses, and, if they are told of, as many as there is room for."""
        used = set(self.in_use()) if due else set[Key]()
        free = [one for one in due if one.key not in used and not self._values.is_queued(one.key)]
        if not state.lifecycle.on_expire:
            return free
        room = _TOLD_AT_ONCE - len(self._told)
        lanes = Counter(self._in_lane)
        ready: list[Due] = []
        for one in free:
            lanes[one.conversation] += 1
            if len(ready) < room and lanes[one.conversation] <= _TOLD_IN_A_LANE:
                ready.append(one)
        return ready

    async def _remove(self, state: BoundState, due: Sequence[Due]) -> None:
        told = state.lifecycle.on_expire is not None
        expiries = [Expiry(one.key, _lane(one), told) for one in due]
        if self._memory and not state.lifecycle.durable:
            arrivals = await self._forget(self._memory, expiries)
        else:
            arrivals = await self._store.expire(expiries) if expiries else ()
        self._values.read_again([one.key for one in due])
        for arrival in arrivals:
            if arrival:
                self._tell(arrival)

    async def _forget(self, memory: Memory, expiries: Sequence[Expiry]) -> Sequence[Arrival | None]:
        """Do the same to values in memory: what they were stays there, until it is told."""
        untold: list[Expiry] = []
        for one in expiries:
            value = memory.expire(one.key)
            if value and one.told:
                self._unstored[value.version] = value
                untold.append(msgspec.structs.replace(one, version=value.version))
        return await self._store.expire(untold) if untold else ()

    def _tell(self, arrival: Arrival) -> None:
        conversation = arrival.place.conversation
        self._in_lane[conversation] += 1
        told = _Told(lambda: self._is_told(arrival))
        self._told[arrival.seq] = self._receipts[arrival.seq] = told
        self.lanes.put_first(conversation, [arrival])

    def _is_told(self, arrival: Arrival) -> None:
        self._told.pop(arrival.seq, None)
        self._in_lane[arrival.place.conversation] -= 1
        self._in_lane += Counter()  # drops what is zero
        self._unstored.pop(_expired(arrival).version, None)

    # Telling

    def route(self, arrival: Arrival) -> tuple[Handler, str] | None:
        """Return what handles an expired value; None if nothing need be done.

        Raises `StateError` if the bot has no such state any more.
        """
        expired = _expired(arrival)
        bound = (expired.scope, expired.name)
        if bound not in self._states:
            raise StateError(
                f"{expired.scope} state {expired.name!r} has expired, and the bot has no such "
                "state any more; its value is in this dead letter"
            )
        if expired.text is None and expired.version not in self._unstored:
            return None  # it was in the memory of a process that is gone
        handler = self._handlers.get(bound)
        return (handler, expired.name) if handler else None

    def _handler(self, state: BoundState) -> Handler:
        on_expire: Any = state.lifecycle.on_expire

        def arguments(turn: Turn) -> Sequence[Any]:
            value = self._value(state, turn)
            return (value, turn) if state.lifecycle.wants_turn else (value,)

        async def call(turn: Turn) -> Any:
            try:
                return await on_expire(*arguments(turn))
            except UserError as error:
                raise _nobody_to_tell(error) from error

        def call_sync(turn: Turn) -> Any:
            try:
                return on_expire(*arguments(turn))
            except UserError as error:
                raise _nobody_to_tell(error) from error

        is_async = state.lifecycle.is_async
        return Handler(call if is_async else call_sync, States())

    def _value(self, state: BoundState, turn: Turn) -> Any:
        expired = msgspec.convert(turn.message.raw, Expired)
        if expired.text is None:
            value = self._unstored[expired.version]
        else:
            value = Value(expired.text, expired.version, expired.schema)
        return state.read(value)[0]


class _Told(EventReceipt):
    """The receipt of a value that has expired; `done` is called when its turn is committed."""

    __slots__ = ("_is_told",)

    def __init__(self, is_told: Callable[[], None]) -> None:
        super().__init__("stored")
        self._is_told = is_told

    def owes(self, replies: int) -> None:
        super().owes(replies)
        self._is_told()


def is_expiry(arrival: Arrival) -> bool:
    """Tell whether an event is a value that has expired."""
    return arrival.event.message.kind == "expiry"


def refuse_replies(arrival: Arrival, answer: Sequence[object]) -> None:
    """Raise `ReplyError` if `answer` has replies, and an expired value no conversation."""
    if answer and is_expiry(arrival) and (expired := _expired(arrival)).scope in _UNHEARD:
        raise ReplyError(
            f"on_expire of {expired.scope} state {expired.name!r} replied, and a value of this "
            "scope belongs to no conversation: return None"
        )


def _expired(arrival: Arrival) -> Expired:
    return msgspec.convert(arrival.event.message.raw, Expired)


def _terms(bot: Interface, state: BoundState) -> Terms:
    """Return the terms of what is told of a state: those of the bot that declares it."""
    home = next(part for part in reversed(bot.parts) if any(one is state for one in part.states))
    return Terms(f"on_expire of {state.name}", (bot, home))


def _lane(due: Due) -> int:
    """Return the conversation a value belongs to, else that in which it was used."""
    return due.key.place if due.key.scope in _OF_A_CONVERSATION else due.conversation


def _nobody_to_tell(error: UserError) -> RuntimeError:
    return RuntimeError(f"on_expire raised UserError, and nobody has said anything: {error}")
