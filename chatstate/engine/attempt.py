"""One attempt at a turn: load the state, run the handler, gather what it did."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from typing import Any

from chatstate.binding import Handler
from chatstate.engine.threads import HandlerThreads
from chatstate.engine.values import Entry, Values
from chatstate.interface import Interface
from chatstate.messages import Reply
from chatstate.scope import SHARED, Key, Place, key
from chatstate.state import Ref
from chatstate.stores.base import Change, Value
from chatstate.turn import Turn


class Attempt:
    """Runs `handler` once on the values its states hold now."""

    def __init__(self, bot: Interface, handler: Handler, turn: Turn, place: Place) -> None:
        self._handler = handler
        self._turn = turn
        self.keys: list[Key] = [
            key(bot.id, slot.state.scope, slot.state.name, place) for slot in handler.slots
        ]
        self._entries: list[Entry] = []
        self._texts: list[str | None] = []
        self._objects: list[Any] = []

    @property
    def shared_keys(self) -> list[Key]:
        """The keys that other conversations can change."""
        return [one for one in self.keys if one.scope in SHARED]

    async def run(self, values: Values, threads: HandlerThreads) -> list[Reply]:
        """Load, call the handler, and return its replies."""
        if self.keys:
            self._entries = await values.load(self.keys)
        self._decode()
        positional, named = self._handler.bind(self._turn, self._objects)
        returned = await self._call(threads, positional, named)
        self._unwrap()
        return self._handler.result(returned, self._objects)

    def changes(self, versions: Iterator[int]) -> list[Change]:
        """Return what the handler changed. Raises `StateError` for what cannot be kept."""
        changed: list[Change] = []
        for slot, one, entry, before, value in zip(
            self._handler.slots,
            self.keys,
            self._entries,
            self._texts,
            self._objects,
            strict=True,
        ):
            text = slot.state.encode(value)
            if text != before:
                changed.append(Change(one, entry.version, Value(text, next(versions))))
        return changed

    def _decode(self) -> None:
        for slot, entry in zip(self._handler.slots, self._entries, strict=True):
            if entry.value is None:
                value, text = slot.state.fresh()
            else:
                text = entry.value.text
                value = slot.state.decode(text, trusted=entry.trusted)
            self._texts.append(text)
            self._objects.append(Ref(value) if slot.by_ref else value)

    def _unwrap(self) -> None:
        for index, slot in enumerate(self._handler.slots):
            if slot.by_ref:
                self._objects[index] = self._objects[index].value

    async def _call(
        self, threads: HandlerThreads, positional: list[Any], named: dict[str, Any]
    ) -> Any:
        fn = self._handler.fn
        match self._handler.mode:
            case "async":
                return await fn(*positional, **named)
            case "sync":
                return await threads.run(functools.partial(fn, *positional, **named))
            case "generator":
                return await threads.run(functools.partial(_last, fn, positional, named))
            case "async_generator":
                last = None
                async for yielded in fn(*positional, **named):
                    last = yielded
                return last


def _last(fn: Any, positional: list[Any], named: dict[str, Any]) -> Any:
    last = None
    for yielded in fn(*positional, **named):
        last = yielded
    return last
