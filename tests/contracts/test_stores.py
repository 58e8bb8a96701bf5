"""Every store of ours passes the suite for stores."""

from pathlib import Path
from typing import Any

from chatstate.stores.sqlite import MEMORY, SQLiteStore
from chatstate.testing import StoreContract


class TestSQLiteOnDisk(StoreContract):
    def make_store(self, folder: Path, **options: Any) -> SQLiteStore:
        return SQLiteStore(folder / "test.db", **options)


class TestSQLiteInMemory(StoreContract):
    durable = False

    def make_store(self, folder: Path, **options: Any) -> SQLiteStore:  # noqa: ARG002 - no file
        return SQLiteStore(MEMORY, **options)
