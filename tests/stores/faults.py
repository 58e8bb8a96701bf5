"""What goes wrong with a store on SQLite, for as long as a block lasts."""

import contextlib
import sqlite3
from collections.abc import Iterator

from chatstate.stores.sqlite import SQLiteStore


@contextlib.contextmanager
def locked(store: SQLiteStore) -> Iterator[None]:
    """Let another program hold the write lock."""
    with contextlib.closing(sqlite3.connect(store.path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        try:
            yield
        finally:
            other.execute("ROLLBACK")


@contextlib.contextmanager
def full(store: SQLiteStore) -> Iterator[None]:
    """Let the disk have no room for one more page."""
    store._writer.execute("VACUUM")  # nor a page that is free in the file
    (pages,) = store._writer.execute("PRAGMA page_count").fetchone()
    store._writer.execute(f"PRAGMA max_page_count = {pages}")
    try:
        yield
    finally:
        with contextlib.suppress(sqlite3.ProgrammingError):  # it was closed
            store._writer.execute("PRAGMA max_page_count = 1000000")


@contextlib.contextmanager
def read_only(store: SQLiteStore) -> Iterator[None]:
    """Let the disk be mounted read-only."""
    store._writer.execute("PRAGMA query_only = ON")
    try:
        yield
    finally:
        with contextlib.suppress(sqlite3.ProgrammingError):  # it was closed
            store._writer.execute("PRAGMA query_only = OFF")
