"""What an error of SQLite means for whoever waits for the result."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from chatstate.errors import StorageError

_HOPELESS = {
    sqlite3.SQLITE_CORRUPT: (
        "is damaged; stop the bot, keep a copy, and restore a backup or try `sqlite3 FILE .recover`"
    ),
    sqlite3.SQLITE_NOTADB: "is no SQLite database; name another file",
}
_PASSING = {
    sqlite3.SQLITE_BUSY: "is locked by another program",
    sqlite3.SQLITE_LOCKED: "is locked by another program",
    sqlite3.SQLITE_FULL: "cannot grow: the disk is full; make room",
    sqlite3.SQLITE_IOERR: "cannot be read or written: the disk reports an error",
    sqlite3.SQLITE_READONLY: "is read-only; make it writable",
    sqlite3.SQLITE_CANTOPEN: "cannot be opened; see that its folder exists and is writable",
    sqlite3.SQLITE_PERM: "may not be opened; see its permissions",
}
_SOON_OVER = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_FULL)


class TryAgainError(Exception):
    """The transaction is to be rolled back and tried again: it will go about it differently."""


def _primary_code(error: sqlite3.Error) -> int:
    return getattr(error, "sqlite_errorcode", 0) & 0xFF


def is_passing(error: sqlite3.Error) -> bool:
    """Tell whether the same statement may succeed later."""
    return _primary_code(error) in _PASSING


def is_soon_over(error: sqlite3.Error) -> bool:
    """Tell whether it is worth while to wait with opening a file, too: nobody has misspelt it."""
    return _primary_code(error) in _SOON_OVER


def is_hopeless(error: sqlite3.Error) -> bool:
    """Tell whether the file itself is unusable."""
    return _primary_code(error) in _HOPELESS


def storage_error(error: sqlite3.Error, path: Path | str) -> StorageError:
    """Return the error that says what failed, where, and what to do."""
    code = _primary_code(error)
    remedy = _HOPELESS.get(code) or _PASSING.get(code) or _failed(error)
    return StorageError(f"{path} {remedy} ({error})")


def _failed(error: sqlite3.Error) -> str:
    if str(error).startswith("no such"):
        return "is of an older chatstate: let this one run the bot on it once"
    return "failed"
