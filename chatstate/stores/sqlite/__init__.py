"""The default store: one SQLite file, one process at a time."""

from chatstate.stores.sqlite.hold import MEMORY
from chatstate.stores.sqlite.store import SQLiteStore

__all__ = ["MEMORY", "SQLiteStore"]
