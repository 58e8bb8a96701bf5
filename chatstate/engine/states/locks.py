"""Locks on shared values, for turns that run again after a conflict.

Turns are optimistic: they load, run, and find at their commit whether somebody was faster. One
that lost runs again holding the locks of its keys, and turns that come later wait for them. A
key that was fought for lately is locked from the start, until it has calmed down.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable

from chatstate.scope import Key

_HEAT = 8
_HOT_KEYS = 1_000


class KeyLocks:
    """Locks by key, kept only while somebody holds or awaits them."""

    def __init__(self) -> None:
        self._locks: dict[Key, asyncio.Lock] = {}
        self._users: dict[Key, int] = {}
        self._heat: dict[Key, int] = {}

    @property
    def are_wanted(self) -> bool:
        """Whether any key is held, or was fought for lately."""
        return bool(self._locks or self._heat)

    def wanted(self, keys: Iterable[Key]) -> bool:
        """Tell whether a turn that uses `keys` should hold their locks."""
        return any(key in self._locks or key in self._heat for key in keys)

    def fought_for(self, keys: Iterable[Key]) -> None:
        """Note a conflict."""
        if len(self._heat) > _HOT_KEYS:  # of keys that nobody uses any more
            self._heat.clear()
        for key in keys:
            self._heat[key] = _HEAT

    async def take(self, keys: Iterable[Key]) -> Callable[[], None]:
        """Wait for the locks of `keys`, in one order for everybody; return how to release them.

        Releasing twice does no harm.
        """
        held: list[Key] = []

        def release() -> None:
            while held:
                self._release(held.pop())

        try:
            for key in sorted(set(keys)):
                await self._take_one(key)
                held.append(key)
        except BaseException:  # also when cancelled: nobody else may wait for these for ever
            release()
            raise
        return release

    async def _take_one(self, key: Key) -> None:
        lock = self._locks.setdefault(key, asyncio.Lock())
        self._users[key] = self._users.get(key, 0) + 1
        try:
            await lock.acquire()
        except BaseException:  # cancelled while waiting
            self._leave(key)
            raise

    def _release(self, key: Key) -> None:
        self._locks[key].release()
        self._leave(key)

    def _leave(self, key: Key) -> None:
        self._users[key] -= 1
        if not self._users[key]:
            del self._users[key], self._locks[key]
            self._cool(key)

    def _cool(self, key: Key) -> None:
        heat = self._heat.get(key, 0)
        if heat > 1:
            self._heat[key] = heat - 1
        else:
            self._heat.pop(key, None)
