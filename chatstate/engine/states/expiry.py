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
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import msgspec

from chatstate.bot.handlers import Handler
from chatstate.bot.interface import Interface
from chatstate.bot.route import Route
from chatstate.bot.turn import Turn
from chatstate.engine.accounts import Accounts
from chatstate.engine.inbox.lanes import Lanes
from chatstate.engine.inbox.receipts import EventReceipt, Receipts
from chatstate.engine.states.cache import Entry, StateCache
from chatstate.engine.states.volatile import VolatileStates
from chatstate.engine.turns.own_events import OwnEvent
from chatstate.engine.turns.plan import Plan, Plans
from chatstate.errors import OtherVersionError, ReplyError, UserError
from chatstate.scope import Key, Place, Scope
from chatstate.state.bound import BoundState, States
from chatstate.stores.base import Arrival, Due, Expired, Expiry, Store, Value

_SLICE = 64  # values in one transaction; more would stop the event loop for too long
_SLICES = 8
_TOLD_AT_ONCE, _TOLD_IN_A_LANE = 1000, 32
_OF_A_CONVERSATION: tuple[Scope, ...] = ("member", "thread")
_UNHEARD: tuple[Scope, ...] = ("user", "global")


class Expiries:
    """Lets the values of one bot expire.

    `own` are states of the framework's, whose turns it finds itself; `moved` those whose values may
    have become another person's, and are over where they were; `in_use` tells the keys that waiting
    turns hold.
    """

    def __init__(
        self,
        bot: Interface,
        *,
        accounts: Accounts,
        store: Store,
        memory: VolatileStates | None,
        cache: StateCache,
        lanes: Lanes,
        receipts: Receipts,
        plans: Plans,
        own: Sequence[BoundState],
        moved: Sequence[BoundState],
        in_use: Callable[[], Iterable[Key]],
    ) -> None:
        states = list(bot.states)
        told = [state for state in states if state.ttl is not None and state.lifecycle.on_expire]
        self._states = {(state.scope, state.name): state for state in (*states, *own)}
        self._expiring = [state for state in self._states.values() if state.ttl is not None]
        self._expiring += [state for state in moved if state.ttl is None]
        self._plans = {
            (state.scope, state.name): plans.of(self._route(bot, state)) for state in told
        }
        self._accounts = accounts
        self._store = store
        self._memory = memory
        self._cache = cache
        self._lanes = lanes
        self._receipts = receipts
        self._in_use = in_use
        self._looking = asyncio.Lock()
        self._told: dict[int, EventReceipt] = {}
        self._in_lane: Counter[int] = Counter()
        self._unstored: dict[int, Value] = {}
        if self._expiring:
            cache.expire = self.expire

    @property
    def are_possible(self) -> bool:
        """Whether any value can expire."""
        return bool(self._expiring)

    # Finding and removing

    async def look(self) -> bool:
        """Remove what has expired; tell whether there may be more at once."""
        if not self._expiring:
            return False
        async with self._looking:
            more = [await self._sweep(state) for state in self._expiring]
        return any(more)

    async def expire(self, over: Mapping[Key, Entry], place: Place) -> None:
        """Remove values that have expired and are not in use, for a turn at `place`."""
        used = set(self._in_use())
        for key, entry in over.items():
            state, value = self._states.get((key.scope, key.name)), entry.value
            if state is None or state.ttl is None or value is None or key in used:
                continue
            if value.schema <= state.version:  # newer ones are refused when read
                await self._remove(state, [Due(key, place.conversation)])

    async def come_before(self, arrival: Arrival, plan: Plan) -> bool:
        """Let what has expired go first, if a turn would use it; then the event waits again."""
        place = arrival.place
        await self._cache.load(plan.keys(place), place)
        waiting = self._lanes.waiting(place.conversation)
        if self._lanes.paused or not (waiting and waiting[0].ahead):
            return False
        self._lanes.put_first(place.conversation, [arrival])
        return True

    async def settle(self, seconds: float) -> None:
        """Return when all that is due has expired and been told, or after so many seconds."""
        while await self.look():
            pass
        told = [asyncio.ensure_future(receipt.over()) for receipt in self._told.values()]
        if told:
            await asyncio.wait(told, timeout=seconds)
            for waiting in told:
                waiting.cancel()

    async def _sweep(self, state: BoundState) -> bool:
        durable = state.lifecycle.durable
        more = [
            await self._sweep_account(state, account)
            for account in (self._accounts.connected if durable else [0])
        ]
        return any(more)

    async def _sweep_account(self, state: BoundState, account: int) -> bool:
        skipped = 0
        for _ in range(_SLICES):
            if self._lanes.stopping or self._lanes.paused:
                return False
            due = await self._due(state, account, skipped)
            ready = self._ready(state, due)
            await self._remove(state, ready)
            skipped += len(due) - len(ready)
            if len(due) < _SLICE:
                return False
        return skipped < _SLICE * _SLICES

    async def _due(self, state: BoundState, account: int, skip: int) -> Sequence[Due]:
        bound = (state.scope, state.name, state.version)
        if self._memory and not state.lifecycle.durable:
            return self._memory.due(bound, skip, _SLICE)
        return await self._store.due(bound, account, skip, _SLICE)

    def _ready(self, state: BoundState, due: Sequence[Due]) -> list[Due]:
        """Return those that nobody uses, and, if they are told of, as many as there is room for."""
        used = set(self._in_use()) if due else set[Key]()
        is_queued = self._cache.is_queued
        free = [value for value in due if value.key not in used and not is_queued(value.key)]
        if not state.lifecycle.on_expire:
            return free
        room = _TOLD_AT_ONCE - len(self._told)
        lanes = Counter(self._in_lane)
        ready: list[Due] = []
        for value in free:
            lanes[value.conversation] += 1
            if len(ready) < room and lanes[value.conversation] <= _TOLD_IN_A_LANE:
                ready.append(value)
        return ready

    async def _remove(self, state: BoundState, due: Sequence[Due]) -> None:
        told = state.lifecycle.on_expire is not None
        expiries = [Expiry(value.key, _lane(value), told) for value in due]
        if self._memory and due and self._memory.keeps(due[0].key):
            arrivals = await self._forget(self._memory, expiries)
        else:
            arrivals = await self._store.expire(expiries) if expiries else ()
        self._cache.read_again([value.key for value in due])
        for arrival in arrivals:
            if arrival:
                self._tell(arrival)

    async def _forget(
        self, memory: VolatileStates, expiries: Sequence[Expiry]
    ) -> Sequence[Arrival | None]:
        """Do the same to values in memory: what they were stays there, until it is told."""
        untold: list[Expiry] = []
        for expiry in expiries:
            value = memory.expire(expiry.key)
            if value and expiry.told:
                self._unstored[value.version] = value
                untold.append(msgspec.structs.replace(expiry, version=value.version))
        return await self._store.expire(untold) if untold else ()

    def _tell(self, arrival: Arrival) -> None:
        conversation = arrival.place.conversation
        self._in_lane[conversation] += 1
        receipt = self._receipts.stored(arrival.seq, told=lambda: self._is_told(arrival))
        self._told[arrival.seq] = receipt
        self._lanes.put_first(conversation, [arrival])

    def _is_told(self, arrival: Arrival) -> None:
        self._told.pop(arrival.seq, None)
        self._in_lane[arrival.place.conversation] -= 1
        self._in_lane += Counter()  # drops what is zero
        self._unstored.pop(_expired(arrival).version, None)

    # Telling

    def own_event(self) -> OwnEvent:
        """Return what sets the turns of expired values apart."""
        return OwnEvent(find=self._find, check=_refuse_replies)

    def _find(self, arrival: Arrival) -> tuple[Plan, str] | None:
        """Return what handles an expired value; None if nothing need be done.

        Raises `OtherVersionError` if the bot has no such state any more, or not yet.
        """
        expired = _expired(arrival)
        bound = (expired.scope, expired.name)
        if bound not in self._states:
            raise OtherVersionError(
                f"{expired.scope} state {expired.name!r} has expired, and the bot has no such "
                "state any more; its value is in this dead letter"
            )
        if arrival.place.user not in (0, arrival.place.person) and expired.scope == "user":
            return None  # it is another's by now: see `turns.linking`
        if expired.text is None and expired.version not in self._unstored:
            return None  # it was in the memory of a process that is gone
        plan = self._plans.get(bound)
        return (plan, expired.name) if plan else None

    def _route(self, bot: Interface, state: BoundState) -> Route:
        """Return the route to `on_expire`, in the bot that declares the state."""
        parts = reversed(bot.parts)
        home = next(part for part in parts if any(own is state for own in part.states))
        return Route(f"on_expire of {state.name}", self._handler(state), (bot, home))

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

        fn = call if state.lifecycle.is_async else call_sync
        return Handler(fn, States(), author_fn=on_expire)

    def _value(self, state: BoundState, turn: Turn) -> Any:
        expired = msgspec.convert(turn.message.raw, Expired)
        if expired.text is None:
            value = self._unstored[expired.version]
        else:
            value = Value(expired.text, expired.version, expired.schema)
        return state.read(value)[0]


def _refuse_replies(arrival: Arrival, answer: Sequence[object]) -> None:
    """Raise `ReplyError` if `answer` has replies, and an expired value no conversation."""
    if answer and (expired := _expired(arrival)).scope in _UNHEARD:
        raise ReplyError(
            f"on_expire of {expired.scope} state {expired.name!r} replied, and a value of this "
            "scope belongs to no conversation: return None"
        )


def _expired(arrival: Arrival) -> Expired:
    return msgspec.convert(arrival.event.message.raw, Expired)


def _lane(due: Due) -> int:
    """Return the conversation a value belongs to, else that in which it was used."""
    return due.key.place if due.key.scope in _OF_A_CONVERSATION else due.conversation


def _nobody_to_tell(error: UserError) -> RuntimeError:
    return RuntimeError(f"on_expire raised UserError, and nobody has said anything: {error}")
