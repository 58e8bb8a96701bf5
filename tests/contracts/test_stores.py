"""Every store of ours passes the suite for stores."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from chatstate.stores.base import Letter
from chatstate.stores.sqlite import MEMORY, SQLiteStore
from chatstate.stores.sqlite.letters import LetterBox
from chatstate.testing import StoreContract


class TestSQLiteOnDisk(StoreContract):
    def make_store(self, folder: Path, **options: Any) -> SQLiteStore:
        return SQLiteStore(folder / "test.db", **options)

    def letters(self, folder: Path) -> Sequence[Letter]:
        return [letter for letter, _ in LetterBox(str(folder / "test.db")).list()]

    def request(self, folder: Path, verb: Any, letter: int) -> None:
        LetterBox(str(folder / "test.db")).request(verb, letter, 0.0)


class TestSQLiteInMemory(StoreContract):
    durable = False

    def make_store(self, folder: Path, **options: Any) -> SQLiteStore:  # noqa: ARG002 - no file
        return SQLiteStore(MEMORY, **options)
