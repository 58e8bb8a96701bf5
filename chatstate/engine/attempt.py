"""One attempt at a turn: load the state, run the handler, gather what it did.

An attempt that is `fenced` (its handler took too long, or was interrupted) commits nothing any
more, whatever the handler still does.
"""

from __future__ import annotations

import asyncio
import functools
import inspect
from collections.abc import Callable
from typing import Any

import msgspec

from chatstate.binding import Handler, Slot
from chatstate.codec import Codec
from chatstate.engine.context import Context
from chatstate.engine.values import Entry
from chatstate.errors import StateError, StorageError
from chatstate.messages import Reply, User
from chatstate.replies import replies
from chatstate.scope import SHARED, Key, key
from chatstate.state import BoundState, Ref, is_immutable
from chatstate.stores.base import Arrival, Change, Value
from chatstate.turn import Turn

_any = Codec(Any)


class _Held(msgspec.Struct, frozen=True):
    """A value a turn holds: as loaded (`text`: None if it must be stored in any case)."""

    slot: Slot
    key: Key
    entry: Entry
    text: str | None


class _Application(msgspec.Struct, frozen=True):
    bound: BoundState
    key: Key
    fn: Callable[[Any], Any]
    reply: Callable[[Any], Any] | None


class Attempt(msgspec.Struct):
    """Runs `handler` once, for events that are handled together, on the values of this moment.

    `text` is what the handler gets. `notes` are the results of steps, by name: those of earlier
    attempts, None if not loaded. `keys` are those of the values it holds.
    """

    context: Context
    handler: Handler
    arrivals: list[Arrival]
    text: str
    notes: dict[str, str] | None = None
    fenced: bool = False
    keys: list[Key] = []
    _held: list[_Held] = []
    _objects: list[Any] = []
    _applications: list[_Application] = []
    _sent: list[Reply] = []
    _steps: dict[str, int] = {}

    def __post_init__(self) -> None:
        bot, place = self.context.bot.id, self.arrivals[-1].place
        self.keys = [key(bot, one.state.scope, one.state.name, place) for one in self.handler.slots]

    @property
    def arrival(self) -> Arrival:
        """The last of the events."""
        return self.arrivals[-1]

    @property
    def shared_keys(self) -> list[Key]:
        """The keys that other conversations can change."""
        return [one for one in (*self.keys, *self.applied_keys) if one.scope in SHARED]

    @property
    def applied_keys(self) -> list[Key]:
        """The keys that functions are applied to."""
        return [one.key for one in self._applications]

    async def run(self) -> list[Reply]:
        """Load, call the handler, and return its replies."""
        values = self.context.values
        if self.keys:
            entries = values.peek(self.keys) or await values.load(self.keys)
            for slot, one, entry in zip(self.handler.slots, self.keys, entries, strict=True):
                self._hold(slot, one, entry)
        adapter = self.context.adapters[self.arrival.place.account]
        messages = tuple([one.event.message for one in self.arrivals])
        turn = Turn(messages, self.text, adapter.name, self)
        positional, named = self.handler.bind(turn, self._objects)
        try:
            returned = await self._call(positional, named)
        except StorageError as error:  # of a store of the handler's; ours shows at the commit too
            raise RuntimeError(f"the handler raised StorageError: {error}") from error
        for index, held in enumerate(self._held):
            if held.slot.by_ref:
                self._objects[index] = self._objects[index].value
        answer = self.handler.result(returned, self._objects)
        if self._applications:
            await values.load(self.applied_keys)
        return [*self._sent, *answer] if self._sent else answer

    def finish(self, answer: list[Reply]) -> list[Change] | None:
        """Return what was changed, None if somebody changed it meanwhile; add applied replies.

        Nothing may be awaited between this and the commit being queued. Raises `StateError` for
        what cannot be kept.
        """
        changes: dict[Key, Change] = {}
        if self._applications:
            self._apply_to_own(answer)
        for held, value in zip(self._held, self._objects, strict=True):
            text = held.slot.state.encode(value)
            if text != held.text:
                if self.context.values.version(held.key) not in (held.entry.version, None):
                    return None
                new = Value(text, next(self.context.versions))
                changes[held.key] = Change(held.key, held.entry.version, new)
        if self._applications:
            self._apply_to_others(answer, changes)
        return list(changes.values())

    def read_from(self) -> list[int]:
        """Return the numbers of the turns whose values were read before they were committed."""
        return [held.entry.turn for held in self._held if held.entry.turn]

    # What a Turn can do

    async def state(self, wanted: Any, of: User | None) -> Any:
        """See `Turn.state`."""
        bound = self.context.bot.states.find(wanted)
        one = await self._key(bound, of)
        if one not in self.keys:
            (entry,) = await self.context.values.load([one])
            if one not in self.keys:
                self.keys.append(one)
                self._hold(Slot(bound, is_immutable(bound.type)), one, entry)
        return self._objects[self.keys.index(one)]

    def apply(
        self, wanted: Any, fn: Callable[[Any], Any], reply: Callable[[Any], Any] | None
    ) -> None:
        """See `Turn.apply`."""
        bound = self.context.bot.states.find(wanted)
        one = key(self.context.bot.id, bound.scope, bound.name, self.arrival.place)
        self._applications.append(_Application(bound, one, fn, reply))

    async def step(self, name: str, fn: Callable[[], Any]) -> Any:
        """See `Turn.step`."""
        self._steps[name] = times = self._steps.get(name, 0) + 1
        note, turn = (
            f"{times} {name}",
            self.arrivals[0].seq,
        )  # which stays the first, if others join
        if self.notes is None:
            self.notes = dict(await self.context.store.notes(turn))
        if self.fenced:
            raise asyncio.CancelledError
        if note in self.notes:
            return _any.decode(self.notes[note])
        result = await self._outcome(fn)
        try:
            text = _any.encode(result)
        except StateError as error:
            raise StateError(f"the result of step {name!r}: {error}") from error
        if not await self.context.store.note(turn, note, text):
            raise asyncio.CancelledError
        self.notes[note] = text
        return result

    async def send(self, reply: Any) -> None:
        """See `Turn.send`."""
        self._sent += replies(reply)

    async def _key(self, bound: BoundState, of: User | None) -> Key:
        place = self.arrival.place
        if of is not None and of.id != self.arrival.event.message.sender.id:
            person = await self.context.store.person(place.account, of)
            place = place._replace(person=person)
        return key(self.context.bot.id, bound.scope, bound.name, place)

    async def _outcome(self, fn: Callable[[], Any]) -> Any:
        if inspect.iscoroutinefunction(fn):
            return await fn()
        result = await self.context.threads.run(fn)
        return await result if inspect.isawaitable(result) else result

    def _hold(self, slot: Slot, one: Key, entry: Entry) -> None:
        if entry.value is None:
            value, text = slot.state.fresh()
        else:
            text = entry.value.text
            value = slot.state.decode(text, trusted=entry.trusted)
        self._held.append(_Held(slot, one, entry, text))
        self._objects.append(Ref(value) if slot.by_ref else value)

    def _apply_to_own(self, answer: list[Reply]) -> None:
        """Apply functions to values that this turn holds as objects."""
        left: list[_Application] = []
        for one in self._applications:
            if one.key in self.keys:
                index = self.keys.index(one.key)
                self._objects[index] = value = _applied(one, self._objects[index])
                _show(one, value, answer)
            else:
                left.append(one)
        self._applications = left

    def _apply_to_others(self, answer: list[Reply], changes: dict[Key, Change]) -> None:
        for one in self._applications:
            before = changes.get(one.key)
            entry = Entry(before.value, trusted=True) if before else self._now(one.key)
            if entry.value is None:
                value, _ = one.bound.fresh()
            else:
                value = one.bound.decode(entry.value.text, trusted=entry.trusted)
            value = _applied(one, value)
            new = Value(one.bound.encode(value), next(self.context.versions))
            expected = before.expected if before else entry.version
            changes[one.key] = Change(one.key, expected, new)
            _show(one, value, answer)

    def _now(self, one: Key) -> Entry:
        (entry,) = self.context.values.peek([one]) or [Entry(None, trusted=False)]
        return entry

    async def _call(self, positional: list[Any], named: dict[str, Any]) -> Any:
        fn = self.handler.fn
        match self.handler.mode:
            case "async":
                return await fn(*positional, **named)
            case "sync":
                call = functools.partial(fn, *positional, **named)
                returned = await self.context.threads.run(call)
                return await returned if inspect.isawaitable(returned) else returned
            case "generator":
                last = functools.partial(_last, fn, positional, named)
                return await self.context.threads.run(last)
            case "async_generator":
                last_one = None
                async for yielded in fn(*positional, **named):
                    last_one = yielded
                return last_one


def _applied(application: _Application, value: Any) -> Any:
    result = application.fn(value)
    if result is None and value is not None:
        raise StateError(
            f"the function given to turn.apply for state {application.bound.name!r} returned None; "
            "return the new value"
        )
    return result


def _show(application: _Application, value: Any, answer: list[Reply]) -> None:
    if application.reply:
        answer += replies(application.reply(value))


def _last(fn: Any, positional: list[Any], named: dict[str, Any]) -> Any:
    last = None
    for yielded in fn(*positional, **named):
        last = yielded
    return last
