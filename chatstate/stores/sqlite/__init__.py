"""The default store: one SQLite file, one process at a time."""

from chatstate.stores.sqlite.connection import MEMORY
from chatstate.stores.sqlite.store import SQLiteStore

__all__ = ["MEMORY", "SQLiteStore"]
