"""The verbs of everybody who looks, on a connection of its own for each look.

1. They need no run, whoever else runs the bot meanwhile.
2. Nothing is changed but what is asked for, and that is a request.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence

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
)
from chatstate.stores.forgetting import Forgotten
from chatstate.stores.postgres import erasing, files, requests, shelves
from chatstate.stores.postgres.address import Address
from chatstate.stores.postgres.connection import Connections
from chatstate.stores.postgres.errors import TROUBLE, storage_error
from chatstate.stores.postgres.schema import is_there
from chatstate.stores.postgres.transactions import Transaction
from chatstate.stores.rows import FIGURES

_ALL = Filter()
# Whoever was taken for dead had a lease that was over; who ends has one.
_FIGURES = FIGURES.format(crashed_at="SELECT max(ended_at) FROM runs WHERE ended_at >= lease_until")
_BACKUPS = "SELECT path, made_at FROM backups ORDER BY made_at"
_BACKED_UP = """INSERT INTO backups VALUES ($1, $2)
    ON CONFLICT (path) DO UPDATE SET made_at = excluded.made_at"""


class Looking:
    """What there is at an address, on a connection of its own for each look."""

    def __init__(self, address: Address, clock: Callable[[], float] | None) -> None:
        self._address = address
        self._clock = clock or time.time
        self._lease_clock = clock

    @property
    def location(self) -> str:
        return self._address.shown

    async def list(self, shelf: Shelf, chosen: Filter = _ALL) -> Sequence[Entry]:
        async with self._looking() as transaction:
            return await shelves.entries(transaction, shelf, chosen)

    async def show(self, shelf: Shelf, number: int) -> Entry | None:
        async with self._looking() as transaction:
            return await shelves.entry(transaction, shelf, number)

    async def accounts(self) -> Sequence[KnownAccount]:
        async with self._looking() as transaction:
            return await shelves.accounts(transaction)

    async def workers(self) -> Sequence[KnownWorker]:
        async with self._looking() as transaction:
            return await shelves.workers(transaction, self._lease_time())

    async def secrets(self) -> Mapping[str, bytes]:
        async with self._looking() as transaction:
            return await shelves.secrets(transaction)

    async def forgotten(self, *, is_open: bool = False) -> Sequence[Forgotten]:
        async with self._looking() as transaction:
            return await erasing.rows(transaction, is_open=is_open)

    async def owed_file(self, key: str) -> bytes | None:
        async with self._looking() as transaction:
            return await files.read(transaction, key)

    async def backups(self) -> Sequence[Backup]:
        async with self._looking() as transaction:
            return [Backup(*row) for row in await transaction.fetch(_BACKUPS)]

    async def backed_up(self, path: str) -> None:
        async with self._looking() as transaction:
            await transaction.execute(_BACKED_UP, path, self._clock())

    async def figures(self) -> Figures:
        async with self._looking() as transaction:
            return Figures(*await transaction.fetchrow(_FIGURES) or ())

    async def ask(self, request: Request) -> bool:
        async with self._looking() as transaction:
            await transaction.refuse_moved(self.location)
            return await requests.ask(transaction, request)

    def _lease_time(self) -> float | None:
        return self._lease_clock() if self._lease_clock else None

    @contextlib.asynccontextmanager
    async def _looking(self) -> AsyncGenerator[Transaction]:
        connections = Connections(self._address)
        try:
            async with connections.single() as connection, connection.transaction():
                await connections.name(connection)
                if not await is_there(connection):
                    raise LoadError(f"there is no store in {self.location}; name it with --store")
                yield Transaction(connection, 0, "", self._clock())
        except TROUBLE as error:
            raise storage_error(error, self.location) from error
