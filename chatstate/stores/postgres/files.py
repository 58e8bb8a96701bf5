"""Files that replies owe, as rows of pieces: so workers need share no disk. Inside the transaction.

A file is at most `LIMIT` long, which is more than bots may send on most platforms. Whoever has
larger ones, or many, names a folder that all workers share as the store's `files`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

from chatstate.errors import StorageError
from chatstate.stores.base import owed_folder
from chatstate.stores.postgres.transactions import Transaction, Transactions

LIMIT = 200 * 2**20
PIECE = 2**20

KEEP = """INSERT INTO owed_files VALUES ($1, $2, $3)
    ON CONFLICT (key, part) DO UPDATE SET data = excluded.data"""
READ = "SELECT data FROM owed_files WHERE key = $1 AND part = $2"
_WHOLE = "SELECT data FROM owed_files WHERE key = $1 ORDER BY part"
_DISCARD = "DELETE FROM owed_files WHERE key = ANY($1::text[])"


class FileVerbs:
    """The verbs of files of a store that is open."""

    _transactions: Transactions
    _discards: set[asyncio.Task[None]]

    @property
    def folder(self) -> Path:
        raise NotImplementedError

    async def keep(self, key: str, path: Path) -> None:
        await self._transactions.write(lambda t: keep(t, key, path))

    async def fetch(self, key: str) -> Path | None:
        path = owed_folder(self.folder) / key
        pieces = 0
        if self._discards:
            await asyncio.wait(self._discards)
        while rows := await self._transactions.read(READ, key, pieces):
            await asyncio.to_thread(write, path, rows[0][0], is_first=not pieces)
            pieces += 1
        return path if pieces else None

    def discard(self, keys: Sequence[str]) -> None:
        for key in keys:
            (owed_folder(self.folder) / key).unlink(missing_ok=True)
        task = asyncio.get_running_loop().create_task(
            self._transactions.write(lambda t: discard(t, keys))
        )
        self._discards.add(task)
        task.add_done_callback(self._discards.discard)


async def keep(transaction: Transaction, key: str, path: Path) -> None:
    """Keep a file under a key. Raises `StorageError` if it is too long."""
    for number, piece in enumerate(await asyncio.to_thread(_pieces, path)):
        await transaction.execute(KEEP, key, number, piece)


async def read(transaction: Transaction, key: str) -> bytes | None:
    """Return what is in a file, None if there is none."""
    rows = await transaction.fetch(_WHOLE, key)
    return b"".join(row[0] for row in rows) if rows else None


def write(path: Path, piece: bytes, *, is_first: bool) -> None:
    """Write a piece of a file that was kept behind those before it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb" if is_first else "ab") as file:
        file.write(piece)


async def discard(transaction: Transaction, keys: Sequence[str]) -> None:
    """Let go of files."""
    await transaction.execute(_DISCARD, list(keys))


def _pieces(path: Path) -> list[bytes]:
    with path.open("rb") as file:
        pieces = [file.read(PIECE)]
        while len(pieces) * PIECE <= LIMIT and (piece := file.read(PIECE)):
            pieces.append(piece)
    if len(pieces) * PIECE > LIMIT:
        raise StorageError(f"{path.name} is longer than {LIMIT >> 20} MB, and cannot be kept")
    return pieces
