"""The second migration: values are keyed by integers, where they repeated three names each.

1. All of it is one transaction. A process that is killed in it leaves the file as it was.
2. The values are written anew, and so is the log that they pass through. Whether the disk has
   room for that is looked at first.
3. Whoever waits for many values is told how far it is.
"""

from __future__ import annotations

import logging
import shutil
import sqlite3
from pathlib import Path

from chatstate.errors import StorageError

log = logging.getLogger("chatstate.store")

_MANY = 10_000
_TOLD_EVERY = 100_000
_BYTES_A_ROW = 100  # what a row takes besides its value, with its place in the indices
_MEGABYTE = 1_000_000

_BEFORE = (
    # What values are of; `state_values` has their numbers.
    """CREATE TABLE state_names (
        id INTEGER PRIMARY KEY,
        bot TEXT NOT NULL, scope TEXT NOT NULL, name TEXT NOT NULL,
        UNIQUE (bot, scope, name)
    )""",
    # The state. `schema` is the version of the state's declaration that wrote the value. If it
    # expires, the account and the conversation are those of the turn that used it last.
    """CREATE TABLE state_values (
        state INTEGER NOT NULL, place INTEGER NOT NULL, person INTEGER NOT NULL,
        value TEXT NOT NULL, version INTEGER NOT NULL, schema INTEGER NOT NULL,
        changed_at REAL NOT NULL,
        expires_at REAL, account INTEGER, conversation INTEGER,
        PRIMARY KEY (state, place, person)
    )""",
    "INSERT INTO state_names (bot, scope, name) SELECT DISTINCT bot, scope, name FROM states",
)
_COPY = """INSERT INTO state_values
    SELECT n.id, s.place, s.person, s.value, s.version, s.schema, s.changed_at,
        s.expires_at, s.account, s.conversation
    FROM states AS s JOIN state_names AS n
        ON n.bot = s.bot AND n.scope = s.scope AND n.name = s.name
    WHERE s.rowid BETWEEN ? AND ?"""
_AFTER = (
    "DROP TABLE states",
    """CREATE INDEX state_values_expiring ON state_values (state, account, expires_at)
        WHERE expires_at IS NOT NULL""",
    # The table there was: whoever reads it goes on to do so, and so does the view `sessions`.
    """CREATE VIEW states AS
        SELECT n.bot, n.scope, n.name, v.place, v.person, v.value, v.version, v.schema,
            v.changed_at, v.expires_at, v.account, v.conversation
        FROM state_values AS v JOIN state_names AS n ON n.id = v.state
    """,
)


def rewrite(connection: sqlite3.Connection) -> None:
    """Key the values of the table `states` by integers, inside the open transaction.

    Raises `StorageError` if the disk has too little room; nothing is changed then.
    """
    path = _path(connection)
    count, size = connection.execute(
        "SELECT count(*), coalesce(sum(length(CAST(value AS BLOB))), 0) FROM states"
    ).fetchone()
    _look_for_room(path, size + count * _BYTES_A_ROW)
    for statement in _BEFORE:
        connection.execute(statement)
    _copy(connection, path, count)
    for statement in _AFTER:
        connection.execute(statement)


def _path(connection: sqlite3.Connection) -> Path | None:
    """Return the path of the database, None if it is in memory."""
    _, _, path = connection.execute("PRAGMA database_list").fetchone()
    return Path(path) if path else None


def _look_for_room(path: Path | None, size: int) -> None:
    if path is None or size < _MEGABYTE:
        return
    needed = 4 * size  # in the file and in its log, and what is not full in each of their pages
    free = shutil.disk_usage(path.parent).free
    if free < needed:
        raise StorageError(
            f"{path} has to be rewritten once for this version of chatstate, which takes "
            f"{needed // _MEGABYTE} MB of free disk, and there are {free // _MEGABYTE} MB: make "
            "room, or use the version before; the file is as it was"
        )


def _copy(connection: sqlite3.Connection, path: Path | None, count: int) -> None:
    (last,) = connection.execute("SELECT coalesce(max(rowid), 0) FROM states").fetchone()
    copied = told = 0
    for first in range(1, last + 1, _MANY):
        if count > _MANY and copied >= told:
            log.warning(
                "%s is being rewritten once for this version: %d of %d values", path, copied, count
            )
            told += _TOLD_EVERY
        copied += connection.execute(_COPY, (first, first + _MANY - 1)).rowcount
    if count > _MANY:
        log.warning("%s is rewritten: %d values", path, copied)
