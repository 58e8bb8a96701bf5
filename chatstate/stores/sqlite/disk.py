"""What waits for the disk: COMMIT, and writing the write-ahead log back into the database.

1. The event loop does not wait for the disk: that is done in a thread. What it does meanwhile
   takes no statement: the connection is the thread's.
2. To hand a commit over costs more than a quick disk does. So a transaction of few turns (at most
   8) is committed in the loop, while the last 20 of these each took under 1 ms. A single one that
   takes longer sends them to the thread for a minute. (A large one tells nothing about them.)
3. SQLite writes a long log (4,000 pages) back within a commit. Only those in the thread may do
   so: large ones, and each 100th of the small. The log's file is used again from its start then,
   and what is longer than 16 MB is cut off.
4. In a quiet moment a log of more than 1 MB is written back too, and its file is cut to nothing.
"""

from __future__ import annotations

import asyncio
import logging
import sqlite3
import time
from collections.abc import Callable
from pathlib import Path

from chatstate.stores.sqlite.errors import storage_error
from chatstate.stores.sqlite.thread import WaitingThread

log = logging.getLogger("chatstate.store")

_FEW = 8
_QUICK_SECONDS = 0.001
_QUICK_COMMITS = 20
_BARRED_SECONDS = 60.0
_LONG_PAGES = 4000
_LONG_BYTES = 16 << 20
_SMALL_IN_A_ROW = 100
_SHORT_BYTES = 1 << 20


class Disk:
    """Where `connection` writes: the database at `path`, or memory if it has none."""

    def __init__(self, connection: sqlite3.Connection, path: str | None) -> None:
        self._connection = connection
        self._path = path
        self._thread = WaitingThread("chatstate-commit") if path else None
        self._placement = Placement()
        self._small = 0
        self._writes_back = True
        self._let_write_back(allowed=False)
        connection.execute(f"PRAGMA journal_size_limit = {_LONG_BYTES}")

    async def commit(self, weight: int) -> None:
        """Commit the open transaction, of so many turns."""
        if self._thread is None:
            self._connection.commit()
            return
        self._small += 1
        if self.takes_long(weight) or self._small == _SMALL_IN_A_ROW:
            self._make_long()
            await self._thread.run(self._connection.commit)
            return
        self._let_write_back(allowed=False)
        if self._placement.in_loop:
            self._placement.took(self._commit())
        else:
            self._placement.took(await self._thread.run(self._commit))

    def takes_long(self, weight: int) -> bool:
        """Tell whether a commit of so many turns goes to the thread, however quick the disk is."""
        return self._thread is not None and weight > _FEW

    def begin(self) -> asyncio.Future[None]:
        """Commit the open transaction, which takes long; `let_begin` follows soon."""
        if self._thread is None:
            raise RuntimeError("no commit in memory takes long")
        self._make_long()
        return self._thread.run(self._connection.commit)

    def let_begin(self) -> None:
        """See `WaitingThread.let_begin`."""
        if self._thread:
            self._thread.let_begin()

    async def cut_log(self) -> None:
        """Write the log back and cut its file, if it is not short. For quiet moments."""
        if self._thread and self._path and _size(f"{self._path}-wal") > _SHORT_BYTES:
            try:
                await self._thread.run(self._cut)
            except sqlite3.Error as error:  # nothing is lost: the log stays as it is
                log.warning("%s; its log stays long", storage_error(error, self._path))

    async def run(self, do: Callable[[], None]) -> None:
        """Do something else on the connection, in the thread if there is one."""
        if self._thread:
            await self._thread.run(do)
        else:
            do()

    def close(self) -> None:
        """End the thread."""
        if self._thread:
            self._thread.stop()

    def _commit(self) -> float:
        begun = time.perf_counter()
        self._connection.commit()
        return time.perf_counter() - begun

    def _cut(self) -> None:
        self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def _make_long(self) -> None:
        self._small = 0
        self._let_write_back(allowed=True)

    def _let_write_back(self, *, allowed: bool) -> None:
        if allowed is not self._writes_back:
            self._writes_back = allowed
            pages = _LONG_PAGES if allowed else 0
            self._connection.execute(f"PRAGMA wal_autocheckpoint = {pages}")


class Placement:
    """Tells whether small commits may run in the event loop; see rule 2."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._quick = 0
        self._barred_until = float("-inf")

    @property
    def in_loop(self) -> bool:
        """Whether the next small commit may run there."""
        return self._quick >= _QUICK_COMMITS and self._clock() >= self._barred_until

    def took(self, seconds: float) -> None:
        """Learn how long a small commit took."""
        if seconds < _QUICK_SECONDS:
            self._quick += 1
        else:
            self._quick = 0
            self._barred_until = self._clock() + _BARRED_SECONDS


def _size(path: str) -> int:
    try:
        return Path(path).stat().st_size
    except FileNotFoundError:
        return 0
