"""A process's hold on a file: the lock beside it, two connections, and a row in `runs`.

1. The lock is taken before anything is read; it goes with the process, however that ends. What the
   files must be like beside that, `files` says.
2. A text that is no Unicode (the disk has spoilt it, say) is no error of SQLite: it is found out by
   whoever reads the text.
3. One connection writes, the other reads. Neither waits within SQLite: that would stop the event
   loop.
4. A run that has not ended, while nobody holds the lock, was a crash. Numbers of events that it
   may have given away before they were durable are given to no others.
"""

from __future__ import annotations

import contextlib
import functools
import os
import secrets
import socket
import sqlite3
from pathlib import Path

from filelock import Timeout
from sqlite_utils import Database

from chatstate.errors import StorageError, StoreLockedError
from chatstate.stores.base import Run
from chatstate.stores.control import engine_version
from chatstate.stores.sqlite.files import prepare, refuse_remains, use_wal
from chatstate.stores.sqlite.locking import lock_of
from chatstate.stores.sqlite.schema import blank, migrate

MEMORY = ":memory:"

_CRASHES = """SELECT count(*) FROM runs WHERE bot = ? AND ended_at IS NULL AND id >
    coalesce((SELECT max(id) FROM runs WHERE bot = ? AND ended_at IS NOT NULL), 0)"""
_HAS_CRASHED = "SELECT ended_at IS NULL FROM runs ORDER BY id DESC LIMIT 1"
_NUMBERS = """INSERT INTO sqlite_sequence (name, seq) SELECT 'inbox', 0
    WHERE NOT EXISTS (SELECT 1 FROM sqlite_sequence WHERE name = 'inbox')"""
_LOSE_NUMBERS = "UPDATE sqlite_sequence SET seq = seq + 1000 WHERE name = 'inbox'"
_END_RUN = "UPDATE runs SET ended_at = ? WHERE id = ?"
_HAS_MOVED = "SELECT 1 FROM sqlite_master WHERE name = 'moved'"
_CLEAR_SUSPECTS = """UPDATE inbox SET crashes = 0 WHERE done_at IS NULL AND crashes > 0
    AND account IN (SELECT id FROM accounts WHERE bot = ?)"""


def connect(path: str, held: contextlib.ExitStack) -> tuple[sqlite3.Connection, sqlite3.Connection]:
    """Return a connection to write and one to read, the schema being current.

    Raises `StorageError`, and SQLite's errors. What is to be closed is put on `held`.
    """
    if path == MEMORY:
        writer = reader = held.enter_context(_open(MEMORY))
    else:
        try:
            prepare(path, blank)
        except OSError as error:
            raise StorageError(f"{path} cannot be opened: {error.strerror}") from error
        writer = held.enter_context(_open(path))
        use_wal(writer, path)
        reader = held.enter_context(_open(path))
    migrate(Database(writer), path)
    return writer, reader


def begin_run(writer: sqlite3.Connection, bot: str, now: float) -> tuple[Run, int]:
    """Note that this process runs a bot from now on; tell how many before it did not stop.

    All of it is noted, or nothing.
    """
    writer.execute("BEGIN IMMEDIATE")
    (crashes,) = writer.execute(_CRASHES, (bot, bot)).fetchone()
    if any(writer.execute(_HAS_CRASHED).fetchone() or ()):
        writer.execute(_NUMBERS)
        writer.execute(_LOSE_NUMBERS)
    number = writer.execute(
        "INSERT INTO runs (bot, host, pid, started_at, engine) VALUES (?, ?, ?, ?, ?)",
        (bot, socket.gethostname(), os.getpid(), now, engine_version()),
    ).lastrowid
    secret = _secret(writer, bot)
    writer.execute("COMMIT")
    return Run(number or 0, secret), crashes


def end_run(writer: sqlite3.Connection, bot: str, run: int, now: float) -> None:
    """Note that a run has ended as it should, so that nothing need be suspected."""
    writer.execute(_END_RUN, (now, run))
    writer.execute(_CLEAR_SUSPECTS, (bot,))


def moved_from(connection: sqlite3.Connection) -> list[tuple[str, str]]:
    """Return where a store has moved to, or whose copy it is that is not complete."""
    if connection.execute(_HAS_MOVED).fetchone() is None:
        return []
    return list(connection.execute("SELECT way, place FROM moved"))


def take_lock(path: str, held: contextlib.ExitStack) -> None:
    """Lock the file at `path` for this process. What lets go of it is put on `held`.

    Raises `StoreLockedError` if another process holds it, and `StorageError` if it can be no store.
    """
    folder = Path(path).parent
    if not folder.is_dir():  # the lock would make it, and the path may be misspelt
        raise StorageError(f"{path} cannot be opened: there is no folder {folder}")
    lock = lock_of(path)
    try:
        refuse_remains(path)
        lock.acquire(blocking=False)
    except Timeout:
        raise StoreLockedError(
            f"{path} is in use by {_holder(path)}; stop that, or use another store"
        ) from None
    except OSError as error:
        raise StorageError(f"{path} cannot be opened: {error.strerror}") from error
    held.callback(lock.release)


def _holder(path: str) -> str:
    try:
        uri = f"{Path(path).as_uri()}?mode=ro"
        with contextlib.closing(sqlite3.connect(uri, uri=True)) as reader:
            row = reader.execute("SELECT bot, pid, host FROM runs ORDER BY id DESC LIMIT 1")
            found = row.fetchone()
    except sqlite3.Error:
        found = None
    return f"bot {found[0]!r}, process {found[1]} on {found[2]}" if found else "another process"


def _secret(writer: sqlite3.Connection, bot: str) -> bytes:
    writer.execute(
        "INSERT INTO secrets (bot, secret) VALUES (?, ?) ON CONFLICT DO NOTHING",
        (bot, secrets.token_bytes(32)),
    )
    row = writer.execute("SELECT secret FROM secrets WHERE bot = ?", (bot,))
    return bytes(row.fetchone()[0])


def _open(path: str) -> contextlib.closing[sqlite3.Connection]:
    connection = sqlite3.connect(
        path, isolation_level=None, check_same_thread=False, timeout=0, cached_statements=128
    )
    connection.text_factory = functools.partial(str, encoding="utf-8", errors="surrogateescape")
    connection.execute("PRAGMA synchronous = FULL")
    return contextlib.closing(connection)
