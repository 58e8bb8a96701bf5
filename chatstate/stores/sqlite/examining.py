"""How a store on SQLite is, for `chatstate doctor`; nothing is changed, and a bot may run on it."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Generator, Iterator, Sequence
from pathlib import Path

from sqlite_utils import Database

from chatstate.adapter import Finding, fine
from chatstate.errors import StorageError
from chatstate.stores.base import StoredState
from chatstate.stores.sqlite.connection import MEMORY, moved_from
from chatstate.stores.sqlite.schema import refuse_newer
from chatstate.stores.sqlite.shelves import is_store
from chatstate.stores.sqlite.states import STORED

_LARGE = 1 << 30
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
        except sqlite3.Error as error:
            yield Finding("failed", _WHAT, f"{path} cannot be read: {error}", "restore a backup")


def stored_states(path: str) -> Sequence[StoredState]:
    """Return the states that have values in the store at a path; none if there is no store."""
    if path == MEMORY or not is_store(Path(path)):
        return ()
    with _reading(path) as connection:
        return [StoredState(*row) for row in connection.execute(STORED)]


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
    return fine("schema", "is of this version, or of an older one, which is brought up to date")


def _whole(connection: sqlite3.Connection, path: str) -> Finding:
    size = Path(path).stat().st_size
    if size > _LARGE:
        return fine(_WHAT, f"{path} is there; it is too large to be looked through here")
    (told,) = connection.execute("PRAGMA quick_check(1)").fetchone()
    if told != "ok":
        return Finding("failed", _WHAT, f"{path} is damaged: {told}", "restore a backup")
    return fine(_WHAT, f"{path} is whole")


@contextlib.contextmanager
def _reading(path: str) -> Generator[sqlite3.Connection]:
    uri = f"{Path(path).resolve().as_uri()}?mode=ro"
    with contextlib.closing(sqlite3.connect(uri, uri=True, timeout=10)) as connection:
        yield connection
