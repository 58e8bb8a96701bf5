"""How a store on SQLite is, for `chatstate doctor`.

1. Nothing is changed, and a bot may run on it: it is read by connections that can do nothing else.
2. Whether a bot that runs can write is tried by a transaction that is begun and given up. Where
   none runs it is not: whoever is the last to close such a connection empties the log.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Generator, Iterator, Mapping, Sequence
from pathlib import Path

from sqlite_utils import Database

from chatstate.adapter import Finding, fine
from chatstate.errors import StorageError
from chatstate.stores.base import StoredState
from chatstate.stores.examining import TIMERS, of_schema
from chatstate.stores.sqlite.connection import MEMORY, moved_from
from chatstate.stores.sqlite.errors import storage_error
from chatstate.stores.sqlite.locking import is_held
from chatstate.stores.sqlite.schema import missing, refuse_newer
from chatstate.stores.sqlite.shelves import is_store
from chatstate.stores.sqlite.states import STORED

_LARGE = 1 << 30
_PATIENCE = 2.0  # seconds: no transaction of ours takes as long
_WHAT = "database"


def findings(path: str) -> Iterator[Finding]:
    """Yield how the store at a path is: there, whole, of this version, and not moved away."""
    if path == MEMORY:
        told = "is kept in memory alone, and gone when the bot stops"
        yield Finding("warning", _WHAT, told, "name a file: --store sqlite:///bot.db")
    elif not Path(path).exists():
        yield _new(Path(path))
    elif not is_store(Path(path)):
        remedy = "name another file by --store, or restore a backup"
        yield Finding("failed", _WHAT, f"{path} holds no store that can be read", remedy)
    else:
        try:
            with _reading(path) as connection:
                yield _version(connection, path)
                yield _whole(connection, path)
            if is_held(path):
                yield from _locked(path)
        except sqlite3.Error as error:
            yield Finding("failed", _WHAT, f"{path} cannot be read: {error}", "restore a backup")


def stored_states(path: str) -> Sequence[StoredState]:
    """Return the states that have values in the store at a path; none if there is no store."""
    if path == MEMORY or not is_store(Path(path)):
        return ()
    with _reading(path) as connection:
        return [StoredState(*row) for row in connection.execute(STORED)]


def stored_timers(path: str) -> Mapping[tuple[str, str], int]:
    """Return how many timers are set, by bot and handler, in the store at a path."""
    if path == MEMORY or not is_store(Path(path)):
        return {}
    with _reading(path) as connection:
        return {(bot, handler): count for bot, handler, count in connection.execute(TIMERS)}


def _new(path: Path) -> Finding:
    if not path.parent.is_dir():
        told = f"cannot be made: there is no folder {path.parent}"
        return Finding("failed", _WHAT, told, f"make it: mkdir -p {path.parent}")
    return fine(_WHAT, f"{path} is made at the first start")


def _version(connection: sqlite3.Connection, path: str) -> Finding:
    try:
        refuse_newer(Database(connection), path)
    except StorageError as error:
        return Finding("failed", "schema", str(error), "pip install --upgrade chatstate")
    for way, place in moved_from(connection):
        told = f"{path} was copied {way} {place}, and does not run any more"
        return Finding("failed", "schema", told, f"run the bot with --store {place}")
    return of_schema(missing(Database(connection)))


def _whole(connection: sqlite3.Connection, path: str) -> Finding:
    size = Path(path).stat().st_size
    if size > _LARGE:
        return fine(_WHAT, f"{path} is there; it is too large to be looked through here")
    (told,) = connection.execute("PRAGMA quick_check(1)").fetchone()
    if told != "ok":
        return Finding("failed", _WHAT, f"{path} is damaged: {told}", "restore a backup")
    return fine(_WHAT, f"{path} is whole")


def _locked(path: str) -> Iterator[Finding]:
    """Yield what keeps the bot that runs from writing, if anything does."""
    with contextlib.closing(sqlite3.connect(path, timeout=_PATIENCE)) as connection:
        try:
            connection.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError as error:
            remedy = f"see who has it open (fuser -v {path}), and end what that does there"
            yield Finding("failed", _WHAT, str(storage_error(error, path)), remedy)


@contextlib.contextmanager
def _reading(path: str) -> Generator[sqlite3.Connection]:
    uri = f"{Path(path).resolve().as_uri()}?mode=ro"
    with contextlib.closing(sqlite3.connect(uri, uri=True, timeout=10)) as connection:
        yield connection
