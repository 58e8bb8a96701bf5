"""One writer: whatever waits is written in one transaction.

1. Work of one kind is handed to its function together, kinds in a fixed order.
2. Statements run on the event loop, in slices that take milliseconds. (A thread that ran them
   would wait for the interpreter's lock at each.) Where `COMMIT` runs, `disk` decides.
3. If the shared transaction fails for a reason of its own, each piece of work is tried alone,
   so that one cannot spoil the others.
4. If the disk fails, nothing is acknowledged: the same work is tried again, with growing
   pauses, until it succeeds or proves hopeless.
5. When nothing was written for some seconds, the disk may put things in order.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import sqlite3
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from chatstate.clock import TOLD_AT, growing_pauses
from chatstate.errors import StorageError
from chatstate.stores.sqlite.disk import Disk
from chatstate.stores.sqlite.errors import (
    TryAgainError,
    is_hopeless,
    is_passing,
    storage_error,
)

log = logging.getLogger("chatstate.store")

Kind = Callable[[Sequence[Any]], Sequence[Any]]
"""Does pieces of work inside the open transaction and returns the result of each."""

_SLICE = 128
_LAZY_SECONDS = 0.05
_QUIET_SECONDS = 2.0


class _Work(msgspec.Struct, frozen=True, eq=False, gc=False):
    kind: Kind
    argument: Any
    weight: int
    future: asyncio.Future[Any]


class GroupCommit:
    """Runs work on `connection`. `kinds` are in the order they take in a transaction.

    `lazy` is the kind of `submit_lazy`, the first.
    `on_rollback` is called in the next transaction, to read again what was rolled back.
    """

    def __init__(
        self,
        connection: sqlite3.Connection,
        path: str,
        kinds: Sequence[Kind],
        lazy: Kind,
        on_rollback: Callable[[], None],
        disk: Disk,
    ) -> None:
        self._connection = connection
        self._path = path
        self._rank = {kind: rank for rank, kind in enumerate(kinds)}
        self._lazy_kind = lazy
        self._lazy: list[Any] = []
        self._on_rollback = on_rollback
        self._rolled_back = False
        self._disk = disk
        self._waiting: deque[_Work] = deque()
        self._task: asyncio.Task[None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._quiet: asyncio.TimerHandle | None = None
        self._written = False
        self._broken: StorageError | None = None
        self.trouble = ""
        self._closing = False
        self._alone: deque[tuple[Callable[[], None], asyncio.Future[None]]] = deque()

    def submit(self, kind: Kind, argument: Any, *, weight: int = 1) -> asyncio.Future[Any]:
        """Queue work; its future is done once the transaction it was in is durable."""
        future = asyncio.get_running_loop().create_future()
        if self._broken:
            future.set_exception(self._broken)
            return future
        self._waiting.append(_Work(kind, argument, weight, future))
        if self._task is None:
            self._start()
        return future

    def submit_lazy(self, argument: Any) -> None:
        """Queue work of the lazy kind: for the next transaction, or soon if there is none."""
        self._lazy.append(argument)
        if self._task is None and self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(_LAZY_SECONDS, self._start)

    async def alone(self, do: Callable[[], None]) -> None:
        """Do something on the connection that no transaction can be open for, in a thread.

        What it raises is raised here: another `StorageError` than those that end all writing.
        """
        self.check()
        done = asyncio.get_running_loop().create_future()
        self._alone.append((do, done))
        self._start()
        await done

    async def close(self) -> None:
        """Write what waits. Raises `StorageError` if that cannot be done now."""
        self._closing = True
        self._start()
        while self._task:
            await self._task
        self._release()
        self.check()

    def check(self) -> None:
        """Raise the error that has made an end of writing, if there is one."""
        if self._broken:
            raise self._broken

    def give_up(self, error: StorageError) -> None:
        """Write nothing any more: whatever waits, or comes, fails with `error`."""
        self._broken = self._broken or error
        self._fail(list(self._waiting), self._broken)
        self._waiting.clear()

    async def abandon(self) -> None:
        """Stop without writing what waits."""
        if self._task:
            self._task.cancel()
            await asyncio.wait([self._task])
        self._release()

    def _release(self) -> None:
        for timer in (self._timer, self._quiet):
            if timer:
                timer.cancel()
        self._disk.close()

    # When to write

    def _start(self) -> None:
        if self._timer:
            self._timer.cancel()
            self._timer = None
        if self._task is None and not self._broken:
            self._task = asyncio.get_running_loop().create_task(self._write_all())

    async def _write_all(self) -> None:
        try:
            while (self._waiting or self._lazy or self._alone) and not self._broken:
                await self._do_alone()
                await self._write(self._next_slice())
        except StorageError as error:
            self.give_up(error)
        finally:
            self._task = None
            self._written = True
            if self._quiet is None:
                self._watch_for_quiet()

    def _watch_for_quiet(self) -> None:
        self._written = False
        self._quiet = asyncio.get_running_loop().call_later(_QUIET_SECONDS, self._look_for_quiet)

    def _look_for_quiet(self) -> None:
        self._quiet = None
        if self._task or self._written:
            self._watch_for_quiet()
        else:
            self._task = asyncio.get_running_loop().create_task(self._rest())

    async def _rest(self) -> None:
        await self._disk.cut_log()
        if self._waiting or self._lazy or self._alone:
            await self._write_all()
        else:
            self._task = None

    async def _do_alone(self) -> None:
        while self._alone:
            do, done = self._alone.popleft()
            try:
                await self._disk.run(do)
            except (sqlite3.Error, StorageError) as error:
                told = (
                    error if isinstance(error, StorageError) else storage_error(error, self._path)
                )
                done.set_exception(told)
            else:
                done.set_result(None)

    def _next_slice(self) -> list[_Work]:
        works: list[_Work] = []
        weight = 0
        while self._waiting and (not works or weight + self._waiting[0].weight <= _SLICE):
            works.append(self._waiting.popleft())
            weight += works[-1].weight
        return works

    # Writing

    async def _write(self, works: list[_Work]) -> None:
        pauses = growing_pauses()
        while True:
            try:
                results = await self._transact(works)
            except TryAgainError:
                continue
            except sqlite3.Error as error:
                if is_hopeless(error) or is_passing(error):
                    await self._wait_for_disk(works, error, next(pauses))
                else:
                    await self._write_alone(works, error)
                    return
            except Exception as error:  # noqa: BLE001 - one piece of work must not stop the writer
                await self._write_alone(works, error)
                return
            else:
                self.trouble = ""
                for work, result in results:
                    if not work.future.done():
                        work.future.set_result(result)
                return

    async def _wait_for_disk(self, works: list[_Work], error: sqlite3.Error, pause: float) -> None:
        """Wait before the next try. Raises `StorageError` if there is to be none."""
        told = storage_error(error, self._path)
        self.trouble = str(told)
        if is_hopeless(error) or (self._closing and pause >= TOLD_AT):
            self._fail(works, told)
            raise told from error
        if pause >= TOLD_AT:
            log.warning("%s; trying again", told)
        await asyncio.sleep(pause)

    async def _write_alone(self, works: list[_Work], error: Exception) -> None:
        if len(works) == 1:
            self._fail(works, error)
        elif works:
            for work in works:
                await self._write([work])
        else:
            self._drop_lazy(error)

    def _drop_lazy(self, error: Exception) -> None:
        """Give up lazy work that no transaction can take, so that it does not stand in the way."""
        log.error("cannot note what became of %s", self._lazy, exc_info=error)
        self._lazy.clear()

    async def _transact(self, works: list[_Work]) -> Sequence[tuple[_Work, Any]]:
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            if self._rolled_back:
                self._on_rollback()
                self._rolled_back = False
            lazy = len(self._lazy)
            if lazy:
                self._lazy_kind(self._lazy[:lazy])
            results = self._apply(works)
            await self._disk.commit(lazy + sum(work.weight for work in works))
            del self._lazy[:lazy]
        except BaseException:  # also when cancelled: no transaction may stay open
            self._rolled_back = True
            with contextlib.suppress(sqlite3.Error):  # the failure that led here is the one to tell
                self._connection.rollback()
            raise
        return results

    def _apply(self, works: list[_Work]) -> Sequence[tuple[_Work, Any]]:
        if len(works) == 1:
            (work,) = works
            return ((work, *work.kind((work.argument,))),)
        kinds: dict[Kind, list[_Work]] = {}
        for work in works:
            kinds.setdefault(work.kind, []).append(work)
        results: list[tuple[_Work, Any]] = []
        for kind in sorted(kinds, key=self._rank.__getitem__):
            group = kinds[kind]
            results += zip(group, kind([work.argument for work in group]), strict=True)
        return results

    def _fail(self, works: list[_Work], error: Exception) -> None:
        for work in works:
            if not work.future.done():
                work.future.set_exception(error)
