"""One transaction: pieces of work, those who are told of them early, and what comes of that.

1. Work of one kind is handed to its function together, kinds in a fixed order.
2. Who wants to is told early of what was done: before it is durable. What comes of that within a
   few rounds of the loop is taken along in the same transaction.
3. Where a commit takes long, and others wait until it is over, nothing is taken along: it begins
   at once, and who is told early goes on beside it.
4. When the transaction is done again, what was told is done first, and must have the same results.
5. If the loop does not come round, since an author's code blocks it, what was told is made durable
   by whoever notices that, in another thread; nothing is taken along then.
"""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
import threading
from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from chatstate.errors import StorageError
from chatstate.stores.sqlite.disk import Disk

Kind = Callable[[Sequence[Any]], Sequence[Any]]
"""Does pieces of work inside the open transaction and returns the result of each."""

_ROUNDS = 4  # of the loop: from an event to its turn's commit, where the handler awaits nothing


class Work(msgspec.Struct, frozen=True, eq=False, gc=False):
    """What is to be done, and who is told of its result: at the end, and early if they want to."""

    kind: Kind
    argument: Any
    weight: int
    future: asyncio.Future[Any]
    early: Callable[[Any], None] | None


class Batch(msgspec.Struct, eq=False, gc=False):
    """Work for one transaction.

    `is_awaited`: others wait until it is over. `told` is what some of it was told early; `along` is
    what was taken along then. `was_beside`: who was told went on beside its commit.
    """

    works: Sequence[Work]
    is_awaited: bool = False
    along: Sequence[Work] = ()
    told: Sequence[Any] | None = None
    was_beside: bool = False


class Transactions:
    """Does work on `connection`, a batch at a time. See `GroupCommit` for what it is given."""

    def __init__(
        self,
        connection: sqlite3.Connection,
        kinds: Sequence[Kind],
        lazy: Kind,
        on_rollback: Callable[[], None],
        disk: Disk,
        *,
        tells_early: bool,
    ) -> None:
        self._connection = connection
        self._rank = {kind: rank for rank, kind in enumerate(kinds)}
        self._lazy_kind = lazy
        self._on_rollback = on_rollback
        self._rolled_back = False
        self._disk = disk
        self._tells_early = tells_early
        self._is_early = False
        self._is_open = False
        self._lock = threading.Lock()
        self._until_durable: list[asyncio.Future[None]] = []
        self.lazy: list[Any] = []

    async def durable(self) -> None:
        """Return once all that anybody was told is durable, or never will be."""
        if self._is_early:
            waiting = asyncio.get_running_loop().create_future()
            self._until_durable.append(waiting)
            await waiting

    def secure(self) -> None:
        """Make durable what was told, while the loop stands still. For another thread."""
        with self._lock, contextlib.suppress(sqlite3.Error):  # then the loop does so, if it can
            if self._is_open:
                self._connection.commit()
                self._is_open = False

    def end(self) -> None:
        """Note that what was told is durable now, or never will be."""
        self._is_early = False
        waiting, self._until_durable = self._until_durable, []
        for future in waiting:
            if not future.done():
                future.set_result(None)

    async def run(
        self, batch: Batch, along: Callable[[], Sequence[Work]]
    ) -> Sequence[tuple[Work, Any]]:
        """Do a batch, durably, with what is lazy, and return the results.

        `along` returns what is to be taken along once somebody was told. Raises what work raises,
        and SQLite's errors; then nothing was done.
        """
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            if self._rolled_back:
                self._on_rollback()
                self._rolled_back = False
            lazy = self._apply_lazy(0)
            results = self._apply(batch.works)
            told = self._to_be_told(batch, results)
            weight = lazy + sum(work.weight for work, _ in results)
            is_awaited = batch.is_awaited or len(told) < len(results)
            if told and is_awaited and self._disk.takes_long(weight):
                await self._commit_beside(batch, told)
            elif not (told and await self._take_along(batch, told, along)):
                if batch.along:
                    lazy = self._apply_lazy(lazy)
                    results = [*results, *self._apply(batch.along)]
                await self._disk.commit(lazy + sum(work.weight for work, _ in results))
            del self.lazy[:lazy]
        except BaseException:  # also when cancelled: no transaction may stay open
            self._close()
            self._rolled_back = True
            with contextlib.suppress(sqlite3.Error):  # the failure that led here is the one to tell
                self._connection.rollback()
            raise
        return results

    def _to_be_told(
        self, batch: Batch, results: Sequence[tuple[Work, Any]]
    ) -> Sequence[tuple[Work, Any]]:
        """Return what is told early; if it was told before, see that it was the same."""
        if not self._tells_early:
            return ()
        wanted = [told for told in results if told[0].early]
        if batch.told is None:
            return wanted
        if [result for _, result in wanted] != batch.told:
            raise StorageError("it has become something else")
        return ()

    def _tell(self, batch: Batch, told: Sequence[tuple[Work, Any]]) -> None:
        batch.told = [result for _, result in told]
        self._is_early = True
        for work, result in told:
            if work.early:
                work.early(result)

    async def _commit_beside(self, batch: Batch, told: Sequence[tuple[Work, Any]]) -> None:
        """Commit, while those who are told go on."""
        batch.was_beside = True
        committed = self._disk.begin()
        self._tell(batch, told)
        self._disk.let_begin()
        await committed

    async def _take_along(
        self,
        batch: Batch,
        told: Sequence[tuple[Work, Any]],
        along: Callable[[], Sequence[Work]],
    ) -> bool:
        """Tell of what was done, and take along what comes of it; tell whether it is durable."""
        self._is_open = True
        self._tell(batch, told)
        for _ in range(_ROUNDS):
            await asyncio.sleep(0)
        is_durable = self._close()
        batch.along = () if is_durable else along()
        return is_durable

    def _close(self) -> bool:
        """Let nobody else use the connection any more; tell whether somebody has."""
        with self._lock:
            was_open, self._is_open = self._is_open, False
        return not was_open

    def _apply_lazy(self, done: int) -> int:
        """Do what is lazy, and not done yet: before any work that came later. Return how many."""
        lazy = self.lazy[done:]
        if lazy:
            self._lazy_kind(lazy)
        return done + len(lazy)

    def _apply(self, works: Sequence[Work]) -> Sequence[tuple[Work, Any]]:
        if len(works) == 1:
            (work,) = works
            return ((work, *work.kind((work.argument,))),)
        kinds: dict[Kind, list[Work]] = {}
        for work in works:
            kinds.setdefault(work.kind, []).append(work)
        results: list[tuple[Work, Any]] = []
        for kind in sorted(kinds, key=self._rank.__getitem__):
            group = kinds[kind]
            results += zip(group, kind([work.argument for work in group]), strict=True)
        return results
