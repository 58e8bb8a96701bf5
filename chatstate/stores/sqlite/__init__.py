"""The default store: one SQLite file, one process at a time.

`store` has the verbs; `group_commit` writes what waits in one transaction, `disk` decides where
that waits for the disk, `many` makes a statement one for many rows. The other files are the
statements, by table; `schema` says what is there.
"""

from chatstate.stores.sqlite.connection import MEMORY
from chatstate.stores.sqlite.store import SQLiteStore

__all__ = ["MEMORY", "SQLiteStore"]
