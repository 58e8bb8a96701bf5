"""What each key holds as of the last commit that was queued, done or not.

1. A turn's changes are visible to the next turn as soon as its commit is queued, under the
   versions the commit will give them.
2. If such a commit fails, its values are forgotten, and every turn that read them fails with it:
   what was built on them expects a version that does not exist, and a turn names those whose
   values it read.
3. Values not on their way are remembered up to a bound; the process that holds the store is the
   only one to change them.
4. Values are kept as text. Turns never share decoded objects.
5. A value that has expired is removed before anybody is shown it, unless a turn is using it.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol

import msgspec
from msgspec.structs import replace

from chatstate.clock import Clock
from chatstate.scope import Key, Place
from chatstate.stores.base import Change, Outcome, TurnCommit, Use, Value

_REMEMBERED = 20_000


class Keeper(Protocol):
    """What keeps values: a store, or memory in front of it. See `Store`."""

    async def load(self, keys: Sequence[Key]) -> Sequence[Value | None]: ...

    async def commit(self, turns: Sequence[TurnCommit]) -> Sequence[Outcome]: ...


class Entry(msgspec.Struct, frozen=True):
    """A value, None if there is none.

    `trusted`: this process wrote it. `turn`: the number of the turn whose commit it waits for, 0
    if it is committed.
    """

    value: Value | None
    trusted: bool
    turn: int = 0

    @property
    def version(self) -> int:
        """The value's version, 0 if there is none."""
        return self.value.version if self.value else 0


class Values:
    """The values in use and on their way.

    `expire`, once set, removes values that have expired, for a turn at some place; those it
    leaves are shown.
    """

    expire: Callable[[Sequence[Key], Place], Awaitable[None]] | None = None

    def __init__(self, keeper: Keeper, clock: Clock) -> None:
        self._keeper = keeper
        self._clock = clock
        self._queued: dict[Key, Entry] = {}
        self._remembered: OrderedDict[Key, Entry] = OrderedDict()

    def peek(self, keys: Sequence[Key]) -> list[Entry] | None:
        """Return what `keys` hold if all of them are remembered, and none has expired."""
        found: list[Entry] = []
        for key in keys:
            entry = self._find(key)
            if entry is None or (entry.value and self._is_over(entry)):
                return None
            found.append(entry)
        return found

    async def load(self, keys: Sequence[Key], place: Place) -> list[Entry]:
        """Return what `keys` hold, for a turn at `place`."""
        await self._read(keys)
        over = [key for key in keys if self._is_over(self.now(key))]
        if over and self.expire:
            await self.expire(over, place)
            await self._read(keys)
        return [self.now(key) for key in keys]

    def now(self, key: Key) -> Entry:
        """Return what `key` holds at this moment, if it is remembered; else nothing."""
        return self._find(key) or Entry(None, trusted=False)

    def is_queued(self, key: Key) -> bool:
        """Tell whether a change of `key` is on its way."""
        return key in self._queued

    def version(self, key: Key) -> int | None:
        """Return the version `key` holds now, None if it is not remembered."""
        entry = self._find(key)
        return entry.version if entry else None

    def queue(self, changes: Sequence[Change], turn: int) -> None:
        """Show values whose commit is on its way."""
        for change in changes:
            self._queued[change.key] = Entry(change.value, trusted=True, turn=turn)
            self._remembered.pop(change.key, None)

    def applied(self, changes: Sequence[Change]) -> None:
        """Note that values are committed."""
        for change in changes:
            entry = self._queued.get(change.key)
            if entry and entry.version == change.value.version:
                del self._queued[change.key]
                self._remember(change.key, Entry(entry.value, trusted=True))

    def failed(self, changes: Sequence[Change]) -> None:
        """Forget values that were not committed."""
        for change in changes:
            entry = self._queued.get(change.key)
            if entry and entry.version == change.value.version:
                del self._queued[change.key]
            self._remembered.pop(change.key, None)

    def use(self, uses: Sequence[Use]) -> None:
        """Show that values expire later, as a commit on its way says."""
        for use in uses:
            for entries in (self._queued, self._remembered):
                entry = entries.get(use.key)
                if entry and entry.value and use.expires_at > (entry.value.expires_at or 0):
                    value = replace(entry.value, expires_at=use.expires_at)
                    entries[use.key] = replace(entry, value=value)

    def read_again(self, keys: Sequence[Key]) -> None:
        """Forget what `keys` hold, unless it is on its way."""
        for key in keys:
            self._remembered.pop(key, None)

    def forget(self) -> None:
        """Read all values again that are not on their way: their keys may mean others now."""
        self._remembered.clear()

    async def _read(self, keys: Sequence[Key]) -> None:
        missing = [key for key in keys if self._find(key) is None]
        if missing:
            for key, value in zip(missing, await self._keeper.load(missing), strict=True):
                if self._find(key) is None:
                    self._remember(key, Entry(value, trusted=False))

    def _is_over(self, entry: Entry) -> bool:
        value = entry.value
        if value is None or value.expires_at is None:
            return False
        return value.expires_at <= self._clock.time()

    def _find(self, key: Key) -> Entry | None:
        entry = self._queued.get(key)
        if entry is None:
            entry = self._remembered.get(key)
            if entry is not None:
                self._remembered.move_to_end(key)
        return entry

    def _remember(self, key: Key, entry: Entry) -> None:
        if key in self._queued:
            return
        self._remembered[key] = entry
        if len(self._remembered) > _REMEMBERED:
            self._remembered.popitem(last=False)
