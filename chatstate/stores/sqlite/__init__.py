"""The default store: one SQLite file, one process at a time."""

from chatstate.stores.sqlite.store import MEMORY, SQLiteStore

__all__ = ["MEMORY", "SQLiteStore"]
