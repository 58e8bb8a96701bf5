"""The verbs of everybody who looks: they need no run, whoever else runs the bot meanwhile."""

from __future__ import annotations

import asyncio
import functools
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

from chatstate.errors import LoadError
from chatstate.stores.base import (
    Backup,
    Entry,
    Figures,
    Filter,
    KnownAccount,
    KnownWorker,
    Request,
    Shelf,
    owed_folder,
)
from chatstate.stores.sqlite.connection import MEMORY
from chatstate.stores.sqlite.shelves import Shelves

_ALL = Filter()
_BACKED_UP = "INSERT OR REPLACE INTO backups VALUES (?, ?)"
T = TypeVar("T")


class Looking:
    """What there is at `path`; a store in memory can be seen by its own process alone."""

    path: str

    @property
    def folder(self) -> Path:
        raise NotImplementedError

    _clock: Callable[[], float]
    _bot: str
    _writer: sqlite3.Connection

    async def list(self, shelf: Shelf, chosen: Filter = _ALL) -> Sequence[Entry]:
        return await self._look(functools.partial(Shelves.list, shelf=shelf, chosen=chosen))

    async def show(self, shelf: Shelf, number: int) -> Entry | None:
        return await self._look(functools.partial(Shelves.show, shelf=shelf, number=number))

    async def accounts(self) -> Sequence[KnownAccount]:
        return await self._look(Shelves.accounts)

    async def workers(self) -> Sequence[KnownWorker]:
        return await self._look(Shelves.workers)

    async def secrets(self) -> Mapping[str, bytes]:
        return await self._look(Shelves.secrets)

    async def owed_file(self, key: str) -> bytes | None:
        path = owed_folder(self.folder) / key
        return await asyncio.to_thread(path.read_bytes) if path.is_file() else None

    async def backups(self) -> Sequence[Backup]:
        return await self._look(Shelves.backups)

    async def backed_up(self, path: str) -> None:
        noted = (path, self._clock())
        await self._look(lambda shelves: shelves.within(lambda db: db.execute(_BACKED_UP, noted)))

    async def figures(self) -> Figures:
        return await self._look(Shelves.figures)

    async def ask(self, request: Request) -> bool:
        return await self._look(functools.partial(Shelves.ask, request=request))

    async def _durable(self) -> None:
        """Return once all that was told early can be read."""
        raise NotImplementedError

    async def _look(self, see: Callable[[Shelves], T]) -> T:
        await self._durable()
        if self.path != MEMORY:
            return await asyncio.to_thread(see, Shelves(self.path, self._clock))
        if not self._bot:
            raise LoadError(":memory: keeps nothing that another process can see")
        return see(Shelves(self.path, self._clock, self._writer))
