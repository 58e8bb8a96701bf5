"""What each key holds as of the last commit that was queued, done or not.

1. A turn's changes are visible to the next turn as soon as its commit is queued, under the
   versions the commit will give them.
2. If such a commit fails, its values are forgotten, and every turn that read them fails with it:
   what was built on them expects a version that does not exist, and a turn names those whose
   values it read.
3. Values not on their way are remembered up to a bound; the process that holds the store is the
   only one to change them.
4. Values are kept as text. Turns never share decoded objects.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence

import msgspec

from chatstate.scope import Key
from chatstate.stores.base import Change, Store, Value

_REMEMBERED = 20_000


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
    """The values in use and on their way."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._queued: dict[Key, Entry] = {}
        self._remembered: OrderedDict[Key, Entry] = OrderedDict()

    def peek(self, keys: Sequence[Key]) -> list[Entry] | None:
        """Return what `keys` hold if all of them are remembered."""
        found: list[Entry] = []
        for key in keys:
            entry = self._find(key)
            if entry is None:
                return None
            found.append(entry)
        return found

    async def load(self, keys: Sequence[Key]) -> list[Entry]:
        """Return what `keys` hold."""
        missing = [key for key in keys if self._find(key) is None]
        if missing:
            for key, value in zip(missing, await self._store.load(missing), strict=True):
                if self._find(key) is None:
                    self._remember(key, Entry(value, trusted=False))
        return [self._find(key) or Entry(None, trusted=False) for key in keys]

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

    def forget(self) -> None:
        """Read all values again that are not on their way: their keys may mean others now."""
        self._remembered.clear()

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
