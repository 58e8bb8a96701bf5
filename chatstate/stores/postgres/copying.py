"""A store on PostgreSQL as a side of a copy.

1. It is held by a lock on its table of runs, in a transaction that lasts as long: no run begins
   meanwhile, and none may live. What is read is as it was when that began.
2. What is written has connections of its own.
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence

import asyncpg

from chatstate.errors import LoadError, StoreLockedError
from chatstate.stores.copying import NUMBERED, PAGE, Row, Table, Type, refuse_moved, refuse_target
from chatstate.stores.postgres.address import Address, parsed
from chatstate.stores.postgres.columns import columns
from chatstate.stores.postgres.connection import Connections
from chatstate.stores.postgres.errors import TROUBLE, storage_error
from chatstate.stores.postgres.files import KEEP, PIECE
from chatstate.stores.postgres.holds import WORK
from chatstate.stores.postgres.schema import is_there, migrate
from chatstate.stores.renaming import KNOWN, refuse_renaming, renaming

_TYPES: dict[Type, str] = {
    "int": "bigint",
    "text": "text",
    "float": "float8",
    "bytes": "bytea",
    "bool": "boolean",
    "json": "text",
}
_HOLD = "LOCK TABLE runs IN SHARE ROW EXCLUSIVE MODE"
_ALIVE = "SELECT id FROM runs WHERE ended_at IS NULL AND lease_until > extract(epoch FROM now())"
MOVED = "SELECT way, place FROM moved"
# Requests about letters hold all that is of them in columns; those of a bot name it.
_REQUESTS = """SELECT id, verb, letter, asked_at, CASE WHEN letter = 0 THEN body END,
    nullif(account, 0) FROM requests ORDER BY id"""
_PUT_REQUESTS = """INSERT INTO requests (id, verb, letter, asked_at, body, account, bot)
    OVERRIDING SYSTEM VALUE SELECT id, verb, letter, asked_at,
        coalesce(body, json_build_object('verb', verb, 'number', letter)::text),
        coalesce(account, 0), coalesce(body::json -> 'key' ->> 0,
            (SELECT bot FROM accounts WHERE id = g.account), '')
    FROM unnest($1::bigint[], $2::text[], $3::bigint[], $4::float8[], $5::text[], $6::bigint[])
        AS g(id, verb, letter, asked_at, body, account)"""
_ALSO = {"conversations": (", account", ", 0"), "inbox": (", stored_by", ", 0")}
"""Columns that are only here, and what they are at first."""
_PLACES = """UPDATE conversations AS k SET account = c.account FROM chats AS c
    WHERE c.id = k.chat"""
_READY = f"UPDATE conversations AS k SET ready = {WORK}"  # noqa: S608 - ours
_FILES = "SELECT DISTINCT key FROM owed_files ORDER BY key"
_PIECES = "SELECT data FROM owed_files WHERE key = $1 ORDER BY part"
_LAST = "SELECT pg_sequence_last_value(pg_get_serial_sequence($1, $2)::regclass)"
_GO_ON = "SELECT setval(pg_get_serial_sequence($1, $2), $3)"
_GO_ON_WITH_STATES = """SELECT setval(pg_get_serial_sequence('states', 'number'), max(number))
    FROM states"""

_NAMED_INSIDE = (
    """UPDATE broadcasts SET audience = jsonb_set(audience::jsonb, '{bot}', to_jsonb($2::text))
        WHERE bot = $2""",
    """UPDATE requests SET bot = $2, body = CASE WHEN body::jsonb ? 'key' THEN
        jsonb_set(body::jsonb, '{key,0}', to_jsonb($2::text))::text ELSE body END WHERE bot = $1""",
)


class PostgresSide:
    """A store's schema that is held."""

    def __init__(self, address: Address, connection: asyncpg.Connection) -> None:
        self.location = address.shown
        self._connection = connection

    async def rows(self, table: Table, skip: int) -> AsyncIterator[Sequence[Row]]:
        """Yield the rows of a table by pages."""
        async with self._connection.transaction():
            cursor = await self._connection.cursor(f"{_selecting(table)} OFFSET {skip}")
            while rows := await cursor.fetch(PAGE):
                yield [tuple(row) for row in rows]

    async def count(self, table: str) -> int:
        """Return how many rows there are."""
        return int(await self._connection.fetchval(f"SELECT count(*) FROM {table}"))  # noqa: S608 - ours

    async def put(self, table: Table, rows: Sequence[Row]) -> None:
        """Add a page of rows."""
        await self._connection.execute(_putting(table), *columns(rows, len(table.columns)))

    async def files(self) -> Sequence[str]:
        """Return the keys of the files that are owed."""
        return [row[0] for row in await self._connection.fetch(_FILES)]

    async def file(self, key: str) -> bytes:
        """Return what is in one."""
        return b"".join([row[0] for row in await self._connection.fetch(_PIECES, key)])

    async def put_file(self, key: str, data: bytes) -> None:
        """Add one."""
        async with self._connection.transaction():
            for part, start in enumerate(range(0, len(data) or 1, PIECE)):
                await self._connection.execute(KEEP, key, part, data[start : start + PIECE])

    async def numbers(self) -> Mapping[str, int]:
        """Return the last number given away in each table."""
        found: dict[str, int] = {}
        for table in NUMBERED:
            found[table] = int(await self._connection.fetchval(_LAST, table, _number(table)) or 0)
        return found

    async def begin(self, source: str) -> None:
        """Note that a source is copied into this."""
        moved = await _moved(self._connection)
        refuse_target(self.location, source, moved, await self.count("accounts"))
        if not moved:
            await self._connection.execute("INSERT INTO moved VALUES ('from', $1)", source)

    async def complete(self, numbers: Mapping[str, int]) -> None:
        """Go on with the numbers of the source."""
        async with self._connection.transaction():
            for table, number in numbers.items():
                if number:
                    await self._connection.execute(_GO_ON, table, _number(table), number)
            await self._connection.execute(_GO_ON_WITH_STATES)
            await self._connection.execute(_PLACES)
            await self._connection.execute(_READY)
            await self._connection.execute("DELETE FROM moved")

    async def stamp(self, target: str) -> None:
        """Note that it has moved."""
        await self._connection.execute("INSERT INTO moved VALUES ('to', $1)", target)

    async def rename(self, old: str, new: str) -> None:
        """Let all that is of one bot be of another."""
        async with self._connection.transaction():
            known = {row[0] for row in await self._connection.fetch(KNOWN)}
            refuse_renaming(known, self.location, old, new)
            for statement in (*renaming("states"), *_NAMED_INSIDE):
                both = f"WITH given AS (SELECT $1::text, $2::text) {statement}"  # each takes two
                await self._connection.execute(both, old, new)


@contextlib.asynccontextmanager
async def held(url: str, *, makes: bool) -> AsyncGenerator[PostgresSide]:
    """Hold a schema. Raises `LoadError` if there is no store, unless this `makes` one."""
    address = parsed(url)
    connections = Connections(address)
    try:
        async with connections.single() as holder, connections.single() as connection:
            if connections.is_pooled:
                raise LoadError(
                    f"{address.shown} is behind PgBouncer: copy by the URL of the server itself"
                )
            if makes:
                await migrate(connection, address.schema, address.shown)
            elif not await is_there(connection):
                raise LoadError(f"there is no store in {address.shown}")
            await holder.execute(f"SET idle_in_transaction_session_timeout = 0; BEGIN; {_HOLD}")
            alive = await connection.fetch(_ALIVE)
            if alive:
                raise StoreLockedError(
                    f"{address.shown} is in use by {len(alive)} workers (see `chatstate workers`); "
                    "stop them"
                )
            if not makes:
                refuse_moved(address.shown, await _moved(connection))
            yield PostgresSide(address, connection)
    except TROUBLE as error:
        raise storage_error(error, address.shown) from error


async def _moved(connection: asyncpg.Connection) -> list[tuple[str, str]]:
    return [(row[0], row[1]) for row in await connection.fetch(MOVED)]


def _number(table: str) -> str:
    return {"inbox": "seq", "outbox": "row"}.get(table, "id")


def _selecting(table: Table) -> str:
    if table.name == "requests":
        return _REQUESTS
    told = [
        f'"{column}"::text' if type_ == "json" else f'"{column}"'
        for column, type_ in table.columns.items()
    ]
    key = ", ".join(f'"{column}"' for column in table.key)
    return f"SELECT {', '.join(told)} FROM {table.name} ORDER BY {key}"  # noqa: S608 - ours


def _putting(table: Table) -> str:
    if table.name == "requests":
        return _PUT_REQUESTS
    names = ", ".join(f'"{column}"' for column in table.columns)
    types = table.columns.values()
    given = ", ".join(f"${n}::{_TYPES[type_]}[]" for n, type_ in enumerate(types, 1))
    read = ", ".join(
        f'"{column}"::json' if type_ == "json" else f'"{column}"'
        for column, type_ in table.columns.items()
    )
    also, value = _ALSO.get(table.name, ("", ""))
    return (
        f"INSERT INTO {table.name} ({names}{also}) OVERRIDING SYSTEM VALUE "  # noqa: S608 - ours
        f"SELECT {read}{value} FROM unnest({given}) AS g({names})"
    )
