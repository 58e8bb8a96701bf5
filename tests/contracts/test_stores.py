"""Every store of ours passes the suite for stores."""

from pathlib import Path
from typing import Any

from chatstate.stores.sqlite import MEMORY, SQLiteStore
from chatstate.testing import MemoryData, MemoryStore, StoreContract


class TestSQLiteOnDisk(StoreContract):
    def make_store(self, folder: Path, **options: Any) -> SQLiteStore:
        return SQLiteStore(folder / "test.db", **options)


class TestSQLiteInMemory(StoreContract):
    durable = False

    def make_store(self, folder: Path, **options: Any) -> SQLiteStore:  # noqa: ARG002 - no file
        return SQLiteStore(MEMORY, **options)


class TestMemory(StoreContract):
    def make_store(self, folder: Path, **options: Any) -> MemoryStore:
        return MemoryStore(self._data(folder), **options)

    def _data(self, folder: Path) -> MemoryData:
        """Return the same data for the same folder, as long as a test runs."""
        known: dict[Path, MemoryData] = self.__dict__.setdefault("known", {})
        return known.setdefault(folder, MemoryData())


class TestMemoryAmongThreeRuns(TestMemory):
    runs = 3
