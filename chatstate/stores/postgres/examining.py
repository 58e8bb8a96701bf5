"""How a store on PostgreSQL is, for `chatstate doctor`; nothing is changed, and bots may run."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

from chatstate.adapter import Finding, fine, of_clocks
from chatstate.errors import LoadError, StorageError
from chatstate.stores.base import StoredState
from chatstate.stores.examining import TIMERS, of_schema
from chatstate.stores.postgres.address import parsed
from chatstate.stores.postgres.connection import Connections
from chatstate.stores.postgres.errors import TROUBLE, storage_error
from chatstate.stores.postgres.schema import MIGRATIONS, applied_migrations
from chatstate.stores.postgres.states import STORED

_LOOK = """SELECT current_setting('server_version'), extract(epoch FROM clock_timestamp())::float,
    current_setting('fsync'), has_database_privilege(current_database(), 'CREATE')"""
_PATIENCE = 2.0
_BLOCKING = """SELECT DISTINCT b.pid, coalesce(nullif(b.application_name, ''), b.usename, '?'),
        extract(epoch FROM clock_timestamp() - b.xact_start)::float
    FROM pg_stat_activity AS w CROSS JOIN LATERAL unnest(pg_blocking_pids(w.pid)) AS by(pid)
        JOIN pg_stat_activity AS b ON b.pid = by.pid
    WHERE w.datname = current_database() AND cardinality(pg_blocking_pids(b.pid)) = 0
        AND extract(epoch FROM clock_timestamp() - w.query_start) > $1"""


async def findings(url: str) -> AsyncIterator[Finding]:
    """Yield how the store at a URL is: reached, of this version, durable; and its clock."""
    address = parsed(url)
    try:
        async with Connections(address).single() as connection:
            async for found in _looked_at(connection, address.shown, address.schema):
                yield found
    except TROUBLE as error:
        told = str(storage_error(error, address.shown))
        yield Finding("failed", "database", told, "see whether the server runs, and the URL fits")
    except (LoadError, StorageError) as error:
        yield Finding("failed", "database", str(error), "mend that, or name another by --store")


async def stored_states(url: str) -> Sequence[StoredState]:
    """Return the states that have values in the store at a URL; none if there is no store."""
    async with Connections(parsed(url)).single() as connection:
        if not await applied_migrations(connection, url):
            return ()
        return [StoredState(*row) for row in await connection.fetch(STORED)]


async def stored_timers(url: str) -> Mapping[tuple[str, str], int]:
    """Return how many timers are set, by bot and handler, in the store at a URL."""
    async with Connections(parsed(url)).single() as connection:
        if not await applied_migrations(connection, url):
            return {}
        rows = await connection.fetch(TIMERS)
        return {(bot, handler): count for bot, handler, count in rows}


async def _blocked(connection: Any) -> AsyncIterator[Finding]:
    """Yield whose transaction keeps others waiting for longer than any of ours."""
    for pid, name, seconds in await connection.fetch(_BLOCKING, _PATIENCE):
        told = f"transaction of {seconds:.0f} s in session {pid} ({name}) keeps others from writing"
        remedy = f"end it: SELECT pg_terminate_backend({pid})"
        yield Finding("failed", "database", told, remedy)


async def _looked_at(connection: Any, shown: str, schema: str) -> AsyncIterator[Finding]:
    version, now, fsync, may_create = await connection.fetchrow(_LOOK)
    yield of_clocks(now, "the database")
    if fsync == "on":
        yield fine("database", f"{shown} is PostgreSQL {version}")
    else:
        told = f"{shown} runs with fsync=off: a power cut may lose what was stored"
        yield Finding("warning", "database", told, "set fsync = on in postgresql.conf")
    async for blocked in _blocked(connection):
        yield blocked
    if applied := await applied_migrations(connection, shown):
        yield of_schema([name for name in MIGRATIONS if name not in applied])
    elif may_create:
        yield fine("schema", f"{schema} is made at the first start")
    else:
        remedy = "GRANT CREATE ON DATABASE to the bot's role, or make the schema for it"
        yield Finding("failed", "schema", f"{schema} is not there, and may not be made", remedy)
