"""A backup of a store's file, while a bot runs on it.

1. It is one state of the store, as a reader sees it: nobody waits for it, and nothing is in it that
   was erased before.
2. Files that are owed go with it: those that are there before the state is taken, and those that
   have come until then.
3. It is read through before it gets its name. What is half done is under no name of its own.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import sqlite3
import tempfile
from pathlib import Path

from chatstate.errors import LoadError, StorageError
from chatstate.stores.base import owed_folder
from chatstate.stores.copying import TABLES
from chatstate.stores.sqlite.errors import storage_error

_OWING = "SELECT turn FROM outbox UNION SELECT turn FROM dead_letters"
_OF_TABLES = [table.name for table in TABLES if table.name != "states"] + ["state_values"]


def back_up(path: str, file: Path) -> int:
    """Write a backup of the store at `path`; return how many rows are in it.

    Raises `LoadError` if there is no store, and `StorageError` if the backup cannot be written, or
    proves broken.
    """
    if not Path(path).is_file():
        raise LoadError(f"there is no store {path}")
    try:
        with tempfile.TemporaryDirectory(prefix=f"{file.name}-", dir=file.parent) as made:
            return _made(path, Path(made) / "backup", file)
    except sqlite3.Error as error:
        raise storage_error(error, path) from error
    except OSError as error:
        raise StorageError(f"{file} cannot be written: {error.strerror}") from error


def _made(path: str, made: Path, file: Path) -> int:
    kept, source = owed_folder(_folder(made)), owed_folder(Path(f"{path}-files"))
    _copy_new(source, kept)
    uri = f"{Path(path).as_uri()}?mode=rw"
    with contextlib.closing(sqlite3.connect(uri, uri=True, timeout=10)) as connection:
        connection.execute("VACUUM INTO ?", (str(made),))
    made.chmod(0o600)
    rows, owing = _read_through(made)
    _copy_new(source, kept)
    for copied in kept.glob("*"):
        if copied.name.partition("-")[0] not in owing:
            copied.unlink()
    if _folder(made).exists():
        _folder(made).rename(_folder(file))
    os.link(made, file)  # unlike a rename, it takes nobody's name
    return rows


def _read_through(made: Path) -> tuple[int, set[str]]:
    """Return how many rows there are, and which turns owe files. Raises `StorageError`."""
    with contextlib.closing(sqlite3.connect(f"{made.as_uri()}?mode=ro", uri=True)) as connection:
        (told,) = connection.execute("PRAGMA integrity_check").fetchone()
        if told != "ok":
            raise StorageError(f"the backup is broken, and so may the store be: {told}")
        counts = [connection.execute(f"SELECT count(*) FROM {name}") for name in _OF_TABLES]  # noqa: S608 - ours
        rows = sum(count.fetchone()[0] for count in counts)
        return rows, {str(turn) for (turn,) in connection.execute(_OWING)}


def _copy_new(source: Path, target: Path) -> None:
    """Copy files that are not there yet; one that is gone meanwhile was sent."""
    target.mkdir(mode=0o700, parents=True, exist_ok=True)
    for path in source.glob("*"):
        if not (target / path.name).exists():
            with contextlib.suppress(FileNotFoundError):
                shutil.copy2(path, target / path.name)


def _folder(file: Path) -> Path:
    return file.with_name(f"{file.name}-files")
