"""One writer: whatever waits is written in one transaction.

1. Work that waits together is done together; see `transactions`.
2. Statements run on the event loop, in slices that take milliseconds. (A thread that ran them
   would wait for the interpreter's lock at each.) Where `COMMIT` runs, `disk` decides.
3. If the shared transaction fails for a reason of its own, each piece of work is tried alone,
   so that one cannot spoil the others.
4. If the disk fails, nothing is acknowledged: the same work is tried again, with growing
   pauses, until it succeeds or proves hopeless.
5. When nothing was written for some seconds, the disk may put things in order.
6. If a transaction fails of whose work somebody was told early, that is done again, and without
   what was taken along if need be. If it cannot be, nothing is written any more.
"""

from __future__ import annotations

import asyncio
import logging
import sqlite3
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any

from chatstate.clock import TOLD_AT, growing_pauses
from chatstate.errors import StorageError
from chatstate.stores.sqlite.disk import Disk
from chatstate.stores.sqlite.errors import (
    TryAgainError,
    is_hopeless,
    is_passing,
    storage_error,
)
from chatstate.stores.sqlite.transactions import Batch, Kind, Transactions, Work

log = logging.getLogger("chatstate.store")

_SLICE = 128
_EARLY = 64  # of a slice: so many are handled while the commit before theirs is under way
_ROUNDS = 5  # of the loop: from the end of a commit until those who waited for it say more
_LAZY_SECONDS = 0.05
_QUIET_SECONDS = 2.0


class GroupCommit:
    """Runs work on `connection`. `kinds` are in the order they take in a transaction.

    `lazy` is the kind of `submit_lazy`, the first.
    `on_rollback` is called in the next transaction, to read again what was rolled back.
    `tells_early`: whether anybody is told before a transaction is durable.
    """

    def __init__(
        self,
        connection: sqlite3.Connection,
        path: str,
        kinds: Sequence[Kind],
        lazy: Kind,
        on_rollback: Callable[[], None],
        disk: Disk,
        *,
        tells_early: bool = True,
    ) -> None:
        self._path = path
        self._transactions = Transactions(
            connection, kinds, lazy, on_rollback, disk, tells_early=tells_early
        )
        self._lazy = self._transactions.lazy
        self.durable = self._transactions.durable
        self.secure = self._transactions.secure
        self._disk = disk
        self._waiting: deque[Work] = deque()
        self._task: asyncio.Task[None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._quiet: asyncio.TimerHandle | None = None
        self._written = False
        self._broken: StorageError | None = None
        self.trouble = ""
        self._closing = False
        self._alone: deque[tuple[Callable[[], None], asyncio.Future[None]]] = deque()

    def submit(
        self,
        kind: Kind,
        argument: Any,
        *,
        weight: int = 1,
        early: Callable[[Any], None] | None = None,
    ) -> asyncio.Future[Any]:
        """Queue work; its future is done once the transaction it was in is durable.

        `early` may be called before, once, with what its result will be, if there is to be one.
        """
        future = asyncio.get_running_loop().create_future()
        if self._broken:
            future.set_exception(self._broken)
            return future
        self._waiting.append(Work(kind, argument, weight, future, early))
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
                works = self._next_slice()
                batch = Batch(works, any(work.early for work in self._waiting))
                await self._write(batch)
                for _ in range(_ROUNDS if batch.was_beside else 0):
                    await asyncio.sleep(0)
        except StorageError as error:
            self.give_up(error)
        finally:
            self._transactions.end()
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

    def _next_slice(self) -> list[Work]:
        works: list[Work] = []
        weight = early = 0
        while self._waiting:
            work = self._waiting[0]
            weight += work.weight
            early += work.weight if work.early else 0
            if works and (weight > _SLICE or (work.early and early > _EARLY)):
                break
            works.append(self._waiting.popleft())
        return works

    def _taken_along(self) -> list[Work]:
        """Take all but what is to be told early, which it is in order, each in its transaction."""
        works = [work for work in self._waiting if not work.early]
        self._waiting = deque(work for work in self._waiting if work.early)
        return works

    # Writing

    async def _write(self, batch: Batch) -> None:
        pauses = growing_pauses()
        while True:
            try:
                results = await self._transactions.run(batch, self._taken_along)
            except TryAgainError:
                continue
            except sqlite3.Error as error:
                if is_hopeless(error) or is_passing(error):
                    await self._wait_for_disk(batch, error, next(pauses))
                else:
                    await self._write_apart(batch, error)
                    return
            except Exception as error:  # noqa: BLE001 - one piece of work must not stop the writer
                await self._write_apart(batch, error)
                return
            else:
                self._transactions.end()
                self.trouble = ""
                if self._broken:  # meanwhile: the file may be another by now
                    self._fail([work for work, _ in results], self._broken)
                    return
                for work, result in results:
                    if not work.future.done():
                        work.future.set_result(result)
                return

    async def _wait_for_disk(self, batch: Batch, error: sqlite3.Error, pause: float) -> None:
        """Wait before the next try. Raises `StorageError` if there is to be none."""
        told = storage_error(error, self._path)
        self.trouble = str(told)
        if is_hopeless(error) or (self._closing and pause >= TOLD_AT):
            self._fail([*batch.works, *batch.along], told)
            raise told from error
        if pause >= TOLD_AT:
            log.warning("%s; trying again", told)
        await asyncio.sleep(pause)

    async def _write_apart(self, batch: Batch, error: Exception) -> None:
        """Write work one by one. Raises `StorageError` if what was told does not come true."""
        works = batch.works
        if batch.told is not None:
            if not batch.along:
                told = StorageError(f"{self._path} does not keep what it had taken: {error}")
                self._fail(works, told)
                raise told from error
            await self._write_again(batch, batch.told)
            works = batch.along
        elif len(works) == 1:
            self._fail(works, error)
            return
        elif not works:
            self._drop_lazy(error)
        for work in works:
            await self._write(Batch([work]))

    async def _write_again(self, batch: Batch, told: Sequence[Any]) -> None:
        """Write what was told of, without what was taken along."""
        try:
            await self._write(Batch(batch.works, told=told))
        except StorageError as error:
            self._fail(batch.along, error)
            raise

    def _drop_lazy(self, error: Exception) -> None:
        """Give up lazy work that no transaction can take, so that it does not stand in the way."""
        log.error("cannot note what became of %s", self._lazy, exc_info=error)
        self._lazy.clear()

    def _fail(self, works: Sequence[Work], error: Exception) -> None:
        for work in works:
            if not work.future.done():
                work.future.set_exception(error)
