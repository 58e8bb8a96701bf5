"""How a store on PostgreSQL is, for `chatstate doctor`; nothing is changed, and bots may run."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Any

from chatstate.adapter import Finding, fine, of_clocks
from chatstate.errors import LoadError, StorageError
from chatstate.stores.base import StoredState
from chatstate.stores.postgres.address import parsed
from chatstate.stores.postgres.connection import Connections
from chatstate.stores.postgres.errors import TROUBLE, storage_error
from chatstate.stores.postgres.schema import applied_migrations
from chatstate.stores.postgres.states import STORED

_LOOK = """SELECT current_setting('server_version'), extract(epoch FROM clock_timestamp())::float,
    current_setting('fsync'), has_database_privilege(current_database(), 'CREATE')"""


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


async def _looked_at(connection: Any, shown: str, schema: str) -> AsyncIterator[Finding]:
    version, now, fsync, may_create = await connection.fetchrow(_LOOK)
    yield of_clocks(now, "the database")
    if fsync == "on":
        yield fine("database", f"{shown} is PostgreSQL {version}")
    else:
        told = f"{shown} runs with fsync=off: a power cut may lose what was stored"
        yield Finding("warning", "database", told, "set fsync = on in postgresql.conf")
    if await applied_migrations(connection, shown):
        yield fine("schema", f"{schema} is of this version, or of an older one")
    elif may_create:
        yield fine("schema", f"{schema} is made at the first start")
    else:
        remedy = "GRANT CREATE ON DATABASE to the bot's role, or make the schema for it"
        yield Finding("failed", "schema", f"{schema} is not there, and may not be made", remedy)
