"""The files of a store: fit to be one, for their owner alone, and still there.

1. SQLite finds the log of a database by the database's name. So a store has one name: a second one
   (a hard link) would give it a second log and a second lock, and lose what is in the first.
2. Where a store was, an empty file is not a new one, though SQLite takes it for that; nor is
   there a new one where only a log is left. One that is made gets its name once it is not empty.
3. Whatever mode the files had, they are for their owner alone from now on.
4. If one of them is deleted or replaced while the store is open, what is written is lost, or ends
   up in a database that it does not belong to. That is looked for, again and again.
"""

from __future__ import annotations

import contextlib
import logging
import os
import sqlite3
import stat
import tempfile
from collections.abc import Callable
from pathlib import Path

from chatstate.errors import StorageError

log = logging.getLogger("chatstate.store")

_SQLITE = b"SQLite format 3\0"
_HELD = ("", "-wal", "-shm", "-lock")
_PRIVATE = ("", "-wal", "-shm", "-journal", "-lock", "-files")
_OTHERS = stat.S_IRWXG | stat.S_IRWXO


def refuse_remains(path: str) -> None:
    """Raise `StorageError` if there was a store at `path`, and only what lay beside it is left.

    To be called before anything is done there.
    """
    database, left, *others = _names(path, ("", "-wal", "-lock", "-files"))
    if not _size(database):
        fate = "empty" if database.exists() else "gone"
        if _size(left) or (fate == "empty" and any(other.exists() for other in (left, *others))):
            raise StorageError(
                f"{path} is {fate}, and a store was there, of which something is left beside it: "
                "restore a backup, or delete all of it to begin anew"
            )


def prepare(path: str, blank: Callable[[], bytes]) -> None:
    """Make the file at `path` if there is none, and for its owner alone if it is a database.

    A new one is made of what `blank` returns.
    Raises `StorageError` if it can be no store, and what SQLite and the disk raise.
    """
    if not Path(path).exists():
        _make(path, blank())
    with Path(path).open("r+b") as file:
        begins = file.read(len(_SQLITE))
        names = os.fstat(file.fileno()).st_nlink
    if names > 1:
        raise StorageError(
            f"{path} has {names} names (hard links), and SQLite would keep a log for each: delete "
            "the others, or copy the file"
        )
    if begins == _SQLITE:
        for name in _names(path, _PRIVATE):
            _make_private(name)


def use_wal(connection: sqlite3.Connection, path: str) -> None:
    """Let a database have a write-ahead log. Raises `StorageError` where that cannot be."""
    (mode,) = connection.execute("PRAGMA journal_mode = WAL").fetchone()
    if mode != "wal":
        raise StorageError(
            f"{path} is on a file system without shared memory (a network drive?); "
            "SQLite needs a local disk"
        )


def _make(path: str, content: bytes) -> None:
    """Make a database under another name, and give it its own then."""
    folder, name = os.path.split(path)
    descriptor, made = tempfile.mkstemp(prefix=f"{name}-", dir=folder)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
        with contextlib.closing(sqlite3.connect(made, isolation_level=None)) as connection:
            use_wal(connection, path)
        Path(made).rename(path)
    except BaseException:  # also when cancelled: half a file is none
        Path(made).unlink()
        raise


def _make_private(name: Path) -> None:
    with contextlib.suppress(FileNotFoundError):
        mode = stat.S_IMODE(name.stat().st_mode)
        try:
            if mode & _OTHERS:
                name.chmod(mode & ~_OTHERS)
        except PermissionError:
            log.warning(
                "%s is not for its owner alone (mode %o), and cannot be made so", name, mode
            )


class OpenFiles:
    """The files that a process has opened for the store at `path`."""

    def __init__(self, path: str) -> None:
        self._database, self._log, *_ = names = _names(path, _HELD)
        self._known = {name: _identity(name) for name in names}

    def lost(self) -> str | None:
        """Return what is to be said if one of them has been taken away; None if all are there."""
        for name, known in self._known.items():
            fate = _fate(name, known)
            if fate:
                if name == self._database and fate == "replaced":
                    self._set_log_aside()
                return (
                    f"{name} was {fate} while the bot ran on it, so the bot stops, as nothing that "
                    "it stores now might be kept: see that the right file is there, and start it "
                    "again"
                )
        return None

    def _set_log_aside(self) -> None:
        """Rename the log of the database that was there: it would be written into the new one."""
        if not _fate(self._log, self._known[self._log]):
            self._log.replace(f"{self._log}-of-the-replaced")


def _names(path: str, endings: tuple[str, ...]) -> list[Path]:
    return [Path(f"{path}{ending}") for ending in endings]


def _size(name: Path) -> int:
    return name.stat().st_size if name.exists() else 0


def _identity(name: Path) -> tuple[int, int]:
    found = name.stat()
    return found.st_dev, found.st_ino


def _fate(name: Path, known: tuple[int, int]) -> str:
    """Return what has happened to a file; '' if nothing has, or the disk does not tell now."""
    try:
        return "" if _identity(name) == known else "replaced"
    except (FileNotFoundError, NotADirectoryError):
        return "deleted"
    except OSError:
        return ""
