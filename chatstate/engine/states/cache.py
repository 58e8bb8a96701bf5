"""What each key holds as of the last commit that was queued, done or not.

1. A turn's changes are visible to the next turn as soon as its commit is queued, under the
   versions the commit will give them.
2. If such a commit fails, its values are forgotten, and every turn that read them fails with it:
   what was built on them expects a version that does not exist, and a turn names those whose
   values it read.
3. Values not on their way are remembered up to a bound, as long as nobody else can change them:
   those of a conversation that is this run's, and all if this run is the only one. Others are read
   anew by each turn.
4. Turns never share decoded objects. A value that was decoded to prove that it comes back equal is
   handed over to the next turn that uses it, and to that one alone.
5. A value that has expired is removed before anybody is shown it, unless a turn is using it.
"""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from typing import Any, Protocol

import msgspec
from msgspec.structs import replace

from chatstate.clock import Clock
from chatstate.scope import SHARED, Key, Place
from chatstate.stores.base import Change, Outcome, TurnCommit, Use, Value

_REMEMBERED = 20_000
_OBJECTS = 2_048

IsForeign = Callable[[Key], bool]
"""Tells whether other runs may change a value."""


class Keeper(Protocol):
    """What keeps values: a store, or memory in front of it. See `Store`."""

    async def load(self, keys: Sequence[Key]) -> Sequence[Value | None]: ...

    async def commit(self, turns: Sequence[TurnCommit]) -> Sequence[Outcome]: ...


class Entry(msgspec.Struct, eq=False, gc=False):
    """A value of one version, None if there is none.

    `trusted`: this process wrote it. `turn`: the number of the turn whose commit it waits for, 0
    once it is committed. `ready`: the same value decoded, for whoever takes it first.
    """

    value: Value | None
    trusted: bool
    turn: int = 0
    version: int = 0
    ready: Any = None


def entry_of(value: Value | None) -> Entry:
    """Return a value as it was read from the store."""
    return Entry(value, trusted=False, version=value.version if value else 0)


class StateCache:
    """The values in use and on their way.

    `expire`, once set, removes values that have expired, for a turn at some place; those it
    leaves are shown. `is_foreign` tells whether others may change a value, if there are any.
    """

    expire: Callable[[Mapping[Key, Entry], Place], Awaitable[None]] | None = None

    def __init__(self, keeper: Keeper, clock: Clock, is_foreign: IsForeign | None = None) -> None:
        self._keeper = keeper
        self._clock = clock
        self._is_foreign = is_foreign
        self._entries: dict[Key, Entry] = {}  # those unchanged longest come first
        self._ready: deque[Entry] = deque()
        self.find = self._entries.get

    def peek(self, keys: Sequence[Key]) -> list[Entry] | None:
        """Return what `keys` hold if all of them are remembered, and none has expired."""
        found: list[Entry] = []
        for key in keys:
            entry = self.find(key)
            if entry is None or self.is_over(entry):
                return None
            found.append(entry)
        return found

    async def load(self, keys: Sequence[Key], place: Place) -> list[Entry]:
        """Return what `keys` hold, for a turn at `place`."""
        found = await self._read(keys)
        over = {key: entry for key, entry in zip(keys, found, strict=True) if self.is_over(entry)}
        if over and self.expire:
            await self.expire(over, place)
            found = await self._read(keys)
        return found

    def now(self, key: Key) -> Entry:
        """Return what `key` holds at this moment, if it is remembered; else nothing."""
        return self.find(key) or Entry(None, trusted=False)

    def is_queued(self, key: Key) -> bool:
        """Tell whether a change of `key` is on its way."""
        entry = self.find(key)
        return entry is not None and entry.turn != 0

    def queue(self, change: Change, turn: int, ready: Any = None) -> None:
        """Show a value whose commit is on its way; `ready` is the same value, decoded."""
        key, value = change.key, change.value
        self._entries.pop(key, None)
        self._entries[key] = entry = Entry(value, True, turn, value.version)
        if ready is not None:
            self.leave(entry, ready)
        if len(self._entries) > _REMEMBERED:
            self._make_room()

    def leave(self, entry: Entry, ready: Any) -> None:
        """Leave a decoded value to the next turn that uses it."""
        entry.ready = ready
        self._ready.append(entry)
        if len(self._ready) > _OBJECTS:
            self._ready.popleft().ready = None

    def applied(self, changes: Sequence[Change]) -> None:
        """Note that values are committed."""
        for change in changes:
            entry = self.find(change.key)
            if entry and entry.version == change.value.version:
                entry.turn = 0
                if self._is_foreign and self._is_foreign(change.key):
                    del self._entries[change.key]

    def failed(self, changes: Sequence[Change]) -> None:
        """Forget values that were not committed."""
        for change in changes:
            entry = self.find(change.key)
            if entry and (entry.version == change.value.version or not entry.turn):
                del self._entries[change.key]

    def use(self, uses: Sequence[Use]) -> None:
        """Show that values expire later, as a commit on its way says."""
        for use in uses:
            entry = self.find(use.key)
            if entry and entry.value and use.expires_at > (entry.value.expires_at or 0):
                entry.value = replace(entry.value, expires_at=use.expires_at)

    def read_again(self, keys: Sequence[Key]) -> None:
        """Forget what `keys` hold, unless it is on its way."""
        for key in keys:
            entry = self.find(key)
            if entry and not entry.turn:
                del self._entries[key]

    def forget_conversations(self, conversations: Collection[int]) -> None:
        """Forget what conversations hold that are others' from now on."""
        if conversations:
            self.read_again([key for key in self._entries if _is_of(key, conversations)])

    def forget(self) -> None:
        """Read all values again that are not on their way: their keys may mean others now."""
        self.read_again(list(self._entries))

    async def _read(self, keys: Sequence[Key]) -> list[Entry]:
        found = {key: self.find(key) for key in keys}
        missing = [key for key, entry in found.items() if entry is None]
        if missing:
            for key, value in zip(missing, await self._keeper.load(missing), strict=True):
                found[key] = entry = entry_of(value)
                if not (self._is_foreign and self._is_foreign(key)):
                    self._entries.setdefault(key, entry)
            if len(self._entries) > _REMEMBERED:
                self._make_room(keys)
        # What is on its way by now goes before what was read; what was, may be committed by now.
        return [self.find(key) or found[key] or entry_of(None) for key in keys]

    def is_over(self, entry: Entry) -> bool:
        """Tell whether a value has expired."""
        ends = entry.value.expires_at if entry.value else None
        return ends is not None and ends <= self._clock.time()

    def _make_room(self, wanted: Sequence[Key] = ()) -> None:
        """Forget a tenth of what is remembered, but nothing that is on its way, or `wanted`."""
        oldest = itertools.islice(self._entries.items(), _REMEMBERED // 10)
        for key, entry in list(oldest):
            if not entry.turn and key not in wanted:
                del self._entries[key]


def _is_of(key: Key, conversations: Collection[int]) -> bool:
    return key.scope not in SHARED and key.place in conversations
