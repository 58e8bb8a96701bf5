"""A store on SQLite as a side of a copy.

1. It is held by its lock, as by a run. A source is read in one transaction that also locks it
   against requests, and stamped in that.
2. What was moved is noted in a table of its own, which is there only then.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from pathlib import Path

from chatstate.errors import LoadError
from chatstate.stores.base import owed_folder
from chatstate.stores.copying import NUMBERED, PAGE, Row, Table, refuse_moved, refuse_target
from chatstate.stores.renaming import KNOWN, refuse_renaming, renaming
from chatstate.stores.sqlite.connection import connect, moved_from, take_lock
from chatstate.stores.sqlite.names import StateNames

_MOVED = "CREATE TABLE IF NOT EXISTS moved (way TEXT NOT NULL, place TEXT NOT NULL)"
_STATES = "state_values AS s JOIN state_names AS n ON n.id = s.state"
_SET_STATE = """INSERT INTO state_values (rowid, state, place, person, value, version, schema,
    changed_at, expires_at, account, conversation) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"""
_SEQUENCE = "SELECT seq FROM sqlite_sequence WHERE name = ?"

_NAMED_INSIDE = (
    "UPDATE broadcasts SET audience = json_set(audience, '$.bot', $2) WHERE bot = $2",
    """UPDATE requests SET body = json_set(body, '$.key[0]', $2)
        WHERE json_extract(body, '$.key[0]') = $1""",
)


class SQLiteSide:
    """A store's file that is held."""

    def __init__(self, path: str, connection: sqlite3.Connection) -> None:
        self.location = path
        self._connection = connection
        self._names = StateNames(connection)
        self._folder = owed_folder(Path(f"{path}-files"))

    async def rows(self, table: Table, skip: int) -> AsyncIterator[Sequence[Row]]:
        """Yield the rows of a table by pages."""
        cursor = self._connection.execute(f"{_selecting(table)} LIMIT -1 OFFSET ?", (skip,))
        flags = [n for n, type_ in enumerate(table.columns.values()) if type_ == "bool"]
        while rows := cursor.fetchmany(PAGE):
            yield [_with_flags(row, flags) for row in rows]

    async def count(self, table: str) -> int:
        """Return how many rows there are."""
        (count,) = self._connection.execute(f"SELECT count(*) FROM {table}").fetchone()  # noqa: S608 - ours
        return int(count)

    async def put(self, table: Table, rows: Sequence[Row]) -> None:
        """Add a page of rows."""
        self._connection.execute("BEGIN IMMEDIATE")
        if table.name == "states":
            rows = [(row[0], self._names[row[1:4]], *row[4:]) for row in rows]
            statement = _SET_STATE
        else:
            places = ", ".join("?" * len(table.columns))
            statement = f"INSERT INTO {table.name} ({', '.join(table.columns)}) VALUES ({places})"  # noqa: S608 - ours
        self._connection.executemany(statement, rows)
        self._connection.execute("COMMIT")

    async def files(self) -> Sequence[str]:
        """Return the keys of the files that are owed."""
        return sorted(path.name for path in self._folder.glob("*")) if self._folder.exists() else []

    async def file(self, key: str) -> bytes:
        """Return what is in one."""
        return (self._folder / key).read_bytes()

    async def put_file(self, key: str, data: bytes) -> None:
        """Add one."""
        self._folder.mkdir(parents=True, exist_ok=True)
        (self._folder / key).write_bytes(data)

    async def numbers(self) -> Mapping[str, int]:
        """Return the last number given away in each table."""
        return {name: self._last(name) for name in NUMBERED}

    async def begin(self, source: str) -> None:
        """Note that a source is copied into this."""
        refuse_target(
            self.location, source, moved_from(self._connection), await self.count("accounts")
        )
        self._connection.execute(_MOVED)
        self._connection.execute("DELETE FROM moved")
        self._connection.execute("INSERT INTO moved VALUES ('from', ?)", (source,))

    async def complete(self, numbers: Mapping[str, int]) -> None:
        """Go on with the numbers of the source."""
        self._connection.execute("BEGIN IMMEDIATE")
        for name, number in numbers.items():
            self._connection.execute("DELETE FROM sqlite_sequence WHERE name = ?", (name,))
            self._connection.execute("INSERT INTO sqlite_sequence VALUES (?, ?)", (name, number))
        self._connection.execute("DROP TABLE moved")
        self._connection.execute("COMMIT")

    async def stamp(self, target: str) -> None:
        """Note that it has moved."""
        self._connection.execute(_MOVED)
        self._connection.execute("INSERT INTO moved VALUES ('to', ?)", (target,))

    async def rename(self, old: str, new: str) -> None:
        """Let all that is of one bot be of another, durably once it is held no more."""
        known = {bot for (bot,) in self._connection.execute(KNOWN)}
        refuse_renaming(known, self.location, old, new)
        for statement in (*renaming("state_names", "runs"), *_NAMED_INSIDE):
            self._connection.execute(
                statement.replace("$1", ":old").replace("$2", ":new"), {"old": old, "new": new}
            )

    def _last(self, name: str) -> int:
        given = self._connection.execute(_SEQUENCE, (name,)).fetchone() or (0,)
        highest = self._connection.execute(f"SELECT max(rowid) FROM {name}").fetchone()  # noqa: S608 - ours
        return max(int(given[0]), int(highest[0] or 0))


@contextlib.asynccontextmanager
async def held(path: str, *, makes: bool) -> AsyncGenerator[SQLiteSide]:
    """Hold a file. Raises `LoadError` if there is none, unless this `makes` one."""
    if not makes and not Path(path).is_file():  # noqa: ASYNC240 - nothing else goes on
        raise LoadError(f"there is no store {path}")
    with contextlib.ExitStack() as opened:
        take_lock(path, opened)
        writer, _ = connect(path, opened)
        if not makes:
            refuse_moved(path, moved_from(writer))
            writer.execute("BEGIN IMMEDIATE")  # nobody asks for anything meanwhile
        yield SQLiteSide(path, writer)
        if not makes:
            writer.execute("COMMIT")


def _selecting(table: Table) -> str:
    if table.name == "states":
        columns = [
            f"n.{name}" if name in ("bot", "scope", "name") else f"s.{name}"
            for name in table.columns
        ]
        columns[0] = "s.rowid"
        return f"SELECT {', '.join(columns)} FROM {_STATES} ORDER BY s.rowid"  # noqa: S608 - ours
    return f"SELECT {', '.join(table.columns)} FROM {table.name} ORDER BY {', '.join(table.key)}"  # noqa: S608 - ours


def _with_flags(row: Row, flags: Sequence[int]) -> Row:
    return tuple(bool(cell) if n in flags else cell for n, cell in enumerate(row))
