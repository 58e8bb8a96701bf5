"""Connections to the server: opened when they are needed, and each of them looked at first.

1. A server that is read-only or recovering is refused: it may be a replica, or about to be one.
2. Which server it is, and on which timeline, is asked on each new connection. If that has changed
   (a failover), a run is over: what it has seen committed may not be there.
3. Behind PgBouncer, where each transaction may be on another connection of the server, statements
   are not prepared, and the schema is named in each transaction. There is no `LISTEN` then.
4. A connection on which a transaction has not come to its end is closed.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncGenerator
from typing import Any, NamedTuple

import asyncpg

from chatstate.errors import LeaseLostError, StorageError
from chatstate.stores.postgres import text
from chatstate.stores.postgres.address import Address
from chatstate.stores.postgres.errors import TROUBLE
from chatstate.stores.postgres.schema import migrate

log = logging.getLogger("chatstate.store")

_OLDEST = 14
_TIMES_TRANSACTIONS = 17  # the version that can
_LEASES, _LEAST = 2, 5.0  # no transaction takes so long, unless its worker stands still
_CLOSE_SECONDS = 1.0
_SERVER = """SELECT (SELECT system_identifier::text FROM pg_control_system()),
    left(pg_walfile_name(pg_current_wal_lsn()), 8)"""


class Server(NamedTuple):
    """Which server it is, and how often it has been promoted before."""

    system_id: str
    timeline: str


Lent = Any
"""A connection that is lent: it has what one of asyncpg's has."""


class Connections:
    """Lends connections to the server of an address."""

    def __init__(self, address: Address) -> None:
        self._address = address
        self._pool: asyncpg.Pool | None = None
        self._first: asyncpg.Connection | None = None
        self._named = f"SET LOCAL search_path TO {address.schema}"
        self.is_pooled = False
        self.server: Server | None = None

    async def open(self, location: str) -> Server:
        """Connect for the first time, make the schema current, and tell which server it is."""
        await self.close()  # what an attempt before has left
        connection = self._first = await self._looked_at()
        async with connection.transaction():
            await self.name(connection)
            await migrate(connection, self._address.schema, location)
        self._pool = asyncpg.create_pool(
            self._address.dsn,
            min_size=0,
            max_size=self._address.pool,
            timeout=self._address.timeout,
            statement_cache_size=0 if self.is_pooled else 200,
            max_cached_statement_lifetime=0,
            init=self._begin_life,
            reset=_leave_as_it_is,
        )
        await self._pool
        assert self.server, "looked at"  # noqa: S101 - for type checkers
        return self.server

    @contextlib.asynccontextmanager
    async def single(self) -> AsyncGenerator[asyncpg.Connection]:
        """Lend a connection that is none of the others, and is closed afterwards."""
        connection = await self._looked_at()
        try:
            yield connection
        finally:
            with contextlib.suppress(*TROUBLE):
                await connection.close(timeout=_CLOSE_SECONDS)

    async def close(self) -> None:
        """Close them."""
        if self._first:
            self._first.terminate()
        if self._pool:
            self._pool.terminate()
        await asyncio.sleep(0)  # in which that is done

    @contextlib.asynccontextmanager
    async def lent(self) -> AsyncGenerator[Lent]:
        """Lend a connection; it is closed if an error leaves open what was done on it."""
        assert self._pool, "opened before"  # noqa: S101 - for type checkers
        async with self._pool.acquire() as connection:
            try:
                yield connection
            except BaseException as error:
                if _is_unfit(connection, error):
                    with contextlib.suppress(asyncpg.InterfaceError):  # it is gone already
                        connection.terminate()
                raise

    async def listening(self) -> asyncpg.Connection | None:
        """Return a connection of its own for notices; None where there are none."""
        first, self._first = self._first, None
        if first and not (self.is_pooled or self._address.listen or first.is_closed()):
            return first
        if first:
            first.terminate()
        dsn = self._address.listen or (None if self.is_pooled else self._address.dsn)
        return await self._connect(dsn) if dsn else None

    async def name(self, connection: asyncpg.Connection) -> None:
        """Name the schema in an open transaction, where the connection does not."""
        if self.is_pooled:
            await connection.execute(self._named)

    @property
    def begin(self) -> str:
        """What begins a transaction."""
        return f"BEGIN; {self._named}" if self.is_pooled else "BEGIN"

    async def _connect(self, dsn: str) -> asyncpg.Connection:
        return await asyncpg.connect(dsn, timeout=self._address.timeout, statement_cache_size=0)

    async def _looked_at(self) -> asyncpg.Connection:
        connection = await self._connect(self._address.dsn)
        try:
            async with connection.transaction():
                backend = await connection.fetchval("SELECT pg_backend_pid()")
            self.is_pooled = backend != connection.get_server_pid()
            await self._look(connection)
        except BaseException:
            connection.terminate()
            raise
        return connection

    async def _begin_life(self, connection: Any) -> None:
        """See to a new connection of the pool: what is done on these takes no time."""
        await self._look(connection)
        if not self.is_pooled and connection.get_server_version().major >= _TIMES_TRANSACTIONS:
            # Who is frozen between two messages of a statement is not idle, and had locks for ever.
            longest = int(max(self._address.lease * _LEASES, _LEAST) * 1000)
            await connection.execute(f"SET transaction_timeout = {longest}")

    async def _look(self, connection: Any) -> None:
        """See whether a new connection leads to where it should."""
        if connection.get_server_version().major < _OLDEST:
            raise StorageError(
                f"{self._address.shown} is older than PostgreSQL {_OLDEST}; update it"
            )
        async with connection.transaction():
            await text.set_up(connection)
            system_id, timeline = await connection.fetchrow(_SERVER)
        server = Server(system_id, timeline)
        if self.server is None:
            self.server = server
        elif self.server != server:
            raise LeaseLostError(
                f"{self._address.shown} is another server than before (there was a failover): what "
                "this run has seen may not be there; start it again"
            )
        if not self.is_pooled:
            # When its lease is over, a worker that stands still has nothing locked, either.
            idle = int(self._address.lease * 1000)
            await connection.execute(
                f"SET search_path TO {self._address.schema}; "
                f"SET idle_in_transaction_session_timeout = {idle}"
            )


def _is_unfit(connection: Lent, error: BaseException) -> bool:
    if isinstance(error, asyncpg.InternalClientError) or not isinstance(error, Exception):
        return True
    try:
        return bool(connection.is_closed() or connection.is_in_transaction())
    except asyncpg.InterfaceError:  # the pool has noticed before
        return True


async def _leave_as_it_is(_: Any) -> None:
    """Do nothing when a connection is given back: nobody changes what is set on it."""
