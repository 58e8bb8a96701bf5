"""The verbs of a store that only read.

1. They have a connection of their own, and do not wait behind writes; those that are about what
   comes in wait only for what was told of that before it was durable.
2. What passes is waited for; a file that cannot be read any more is not written any more either.
"""

from __future__ import annotations

import asyncio
import logging
import sqlite3
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

import msgspec

from chatstate.clock import growing_pauses
from chatstate.errors import StorageError
from chatstate.scope import Key, Scope
from chatstate.stores.base import Address, Arrival, Asked, Due, FoundButton, StoredState, Value
from chatstate.stores.sqlite import buttons, sends
from chatstate.stores.sqlite.errors import is_passing, storage_error
from chatstate.stores.sqlite.inbox import AHEAD, WAITING, arrivals
from chatstate.stores.sqlite.states import DUE, LOAD, STORED

log = logging.getLogger("chatstate.store")

_encode = msgspec.json.Encoder().encode

_ADDRESS = """SELECT c.account, c.platform_id, k.thread FROM conversations AS k
    JOIN chats AS c ON c.id = k.chat WHERE k.id = ?"""
_OWING = """SELECT value FROM json_each(?) WHERE value IN (SELECT turn FROM outbox)
    OR value IN (SELECT turn FROM dead_letters WHERE kind <> 'event')"""
_PENDING = """SELECT value FROM json_each(?) WHERE value IN (SELECT turn FROM outbox)
    OR value IN (SELECT seq FROM inbox WHERE done_at IS NULL)"""
_RECALL = "SELECT value FROM remembered WHERE account = ? AND name = ?"
_RECALL_ALL = """SELECT name, value FROM remembered
    WHERE account = ?1 AND substr(name, 1, length(?2)) = ?2 ORDER BY name LIMIT ?3"""


class Reading:
    """The verbs of a store that only read. `_bot` and `_reader` are there once it is open."""

    _bot: str
    _reader: sqlite3.Connection

    def __init__(self, path: str, clock: Callable[[], float]) -> None:
        self.path = path
        self._clock = clock

    async def _durable(self) -> None:
        """Return once all that was told early can be read."""
        raise NotImplementedError

    def _broken(self, error: StorageError) -> None:
        """Write nothing any more, either."""
        raise NotImplementedError

    async def load(self, keys: Sequence[Key]) -> Sequence[Value | None]:
        rows = [await self._read(LOAD, key) for key in keys]
        return [Value(*row[0]) if row else None for row in rows]

    async def stored_states(self) -> Sequence[StoredState]:
        return [StoredState(*row) for row in await self._read(STORED, ())]

    async def notes(self, turn: int) -> Mapping[str, str]:
        await self._durable()
        return dict(await self._read("SELECT name, value FROM notes WHERE turn = ?", (turn,)))

    async def button(self, ref: str) -> FoundButton | None:
        await self._durable()  # on which message it hangs may be noted in the same transaction
        return buttons.found(await self._read(buttons.FIND, (ref, self._clock())))

    async def owing(self, turns: Sequence[int]) -> Sequence[int]:
        return [row[0] for row in await self._read(_OWING, (_encode(turns).decode(),))]

    async def pending(self, turns: Sequence[int]) -> Sequence[int]:
        await self._durable()
        return [row[0] for row in await self._read(_PENDING, (_encode(turns).decode(),))]

    async def events(self, conversation: int, after: int, limit: int) -> Sequence[Arrival]:
        await self._durable()
        ahead = [] if after else await self._read(AHEAD, (conversation,))
        return arrivals([*ahead, *await self._read(WAITING, (conversation, after, limit))])

    async def due(
        self, bound: tuple[Scope, str, int], account: int, skip: int, limit: int
    ) -> Sequence[Due]:
        scope, name, _ = bound
        values = (self._bot, *bound, account, self._clock(), limit, skip)
        return [
            Due(Key(self._bot, scope, name, place, person), conversation)
            for place, person, conversation in await self._read(DUE, values)
        ]

    async def address(self, conversation: int) -> Address:
        await self._durable()
        ((account, chat, thread),) = await self._read(_ADDRESS, (conversation,))
        return Address(account, chat, thread or None)

    async def asked(
        self, accounts: Collection[int], before: float, after: int, limit: int
    ) -> Sequence[Asked]:
        wanted = _encode(sorted(accounts)).decode()
        found = await self._read(sends.ASKED, (after, wanted, before, self._bot, limit))
        return sends.asked(found)

    async def recall(self, account: int, name: str) -> str | None:
        rows = await self._read(_RECALL, (account, name))
        return rows[0][0] if rows else None

    async def recall_all(self, account: int, prefix: str, limit: int) -> Mapping[str, str]:
        return dict(await self._read(_RECALL_ALL, (account, prefix, limit)))

    async def _read(self, statement: str, values: Sequence[object]) -> list[Any]:
        pauses = growing_pauses()
        while True:
            try:
                return self._reader.execute(statement, values).fetchall()
            except sqlite3.Error as error:
                told = storage_error(error, self.path)
                if not is_passing(error):
                    self._broken(told)
                    raise told from error
                log.warning("%s; trying again", told)
            await asyncio.sleep(next(pauses))
