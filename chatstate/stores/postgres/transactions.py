"""Transactions of a run: each begins with its fence, and is tried until it is done.

1. A transaction first locks the row of its run, `FOR KEY SHARE`: a run that has ended is refused,
   and nobody ends one while a transaction of it is under way. Then it locks conversations, in the
   order of their ids, then its own rows, then shared values in the order of their keys.
2. What was settled is written with the next transaction, or soon.
3. What passes is waited for, and told (`trouble`). If the answer to a `COMMIT` is lost, it is found
   out: the run's row is locked for good, which waits until the old transaction is over, and the
   server knows what became of that. Only if it was not done is the same tried again.
4. Notices leave after the commit.
5. What only reads is one statement, which the end of the run makes return nothing.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Awaitable, Callable, Iterator
from typing import Any, TypeVar

import asyncpg

from chatstate.clock import growing_pauses
from chatstate.errors import LeaseLostError, StorageError
from chatstate.stores.base import Settled
from chatstate.stores.copying import refuse_moved
from chatstate.stores.postgres.connection import Connections, Lent
from chatstate.stores.postgres.errors import TROUBLE, is_passing, storage_error
from chatstate.stores.postgres.notices import Notices
from chatstate.stores.postgres.trouble import Trouble

log = logging.getLogger("chatstate.store")
T = TypeVar("T")

_LAZY_SECONDS = 0.05
_FENCE = """SELECT pg_current_xact_id()::text FROM runs
    WHERE id = $1 AND ended_at IS NULL FOR {strength}"""
_STATUS = "SELECT pg_xact_status($1::text::xid8)"
_READ = """SELECT q.* FROM runs AS r
    LEFT JOIN LATERAL (SELECT true AS found, s.* FROM ({statement}) AS s) AS q ON true
    WHERE r.id = {run} AND r.ended_at IS NULL"""


class Transaction:
    """An open transaction of a run, at a time `now`. `tell_run` and `tell_bot` are for later."""

    def __init__(self, connection: asyncpg.Connection, run: int, bot: str, now: float) -> None:
        self.fetch: Callable[..., Awaitable[list[Any]]] = connection.fetch
        self.fetchrow: Callable[..., Awaitable[Any]] = connection.fetchrow
        self.fetchval: Callable[..., Awaitable[Any]] = connection.fetchval
        self.execute: Callable[..., Awaitable[str]] = connection.execute
        self.run = run
        self.bot = bot
        self.now = now
        self.runs: set[int] = set()
        self.bots: set[str] = set()

    async def refuse_moved(self, location: str) -> None:
        """Raise `StorageError` if the store has moved. It waits for a copy that is being made."""
        await self.execute("LOCK TABLE runs IN ROW EXCLUSIVE MODE")
        moved = await self.fetch("SELECT way, place FROM moved")
        refuse_moved(location, [(row[0], row[1]) for row in moved])

    def tell(self, holder: int | None) -> None:
        """Wake the run that holds something, or whoever may take hold of it."""
        if holder is None:
            self.bots.add(self.bot)
        else:
            self.runs.add(holder)


Do = Callable[[Transaction], Awaitable[T]]


class Transactions:
    """Runs what verbs do. `settle` writes what was settled; `location` is for errors."""

    def __init__(
        self,
        connections: Connections,
        notices: Notices,
        clock: Callable[[], float],
        location: str,
        settle: Callable[[Transaction, list[Settled]], Awaitable[None]],
    ) -> None:
        self._connections = connections
        self._notices = notices
        self._clock = clock
        self._location = location
        self._trouble = Trouble(location, time.monotonic)
        self._settle = settle
        self._settled: list[Settled] = []
        self._timer: asyncio.TimerHandle | None = None
        self._soon: asyncio.Task[None] | None = None
        self._broken: StorageError | None = None
        self._run = 0
        self._bot = ""
        self._reads: dict[str, str] = {}

    def begin(self, run: int, bot: str) -> None:
        """Work for a run from now on."""
        self._run, self._bot = run, bot

    async def write(self, do: Do[T]) -> T:
        """Do something in a transaction. It may be called several times; the last of them counts.

        Raises `LeaseLostError` if the run is over.
        """
        return await self._until_done(lambda: self._write(do))

    async def read(self, statement: str, *values: object) -> list[Any]:
        """Return the rows of a statement."""
        wrapped = self._reads.get(statement)
        if wrapped is None:
            wrapped = self._reads[statement] = _READ.format(statement=statement, run=self._run)
        rows = await self._until_done(lambda: self._fetch(wrapped, values))
        if not rows:
            raise self._lost()
        return [row[1:] for row in rows if row[0]]

    async def outside(self, do: Callable[[], Awaitable[T]]) -> T:
        """Do something before there is a run, as soon as it can be done."""
        return await self._until_done(do)

    async def end(self, do: Do[None]) -> None:
        """Do something that ends the run, once whatever else it does is over."""
        await self.close()
        await self._until_done(lambda: self._write(do, strength="UPDATE"))

    async def close(self) -> None:
        """Write nothing by itself any more."""
        if self._timer:
            self._timer.cancel()
            self._timer = None
        if self._soon:
            await asyncio.wait([self._soon])

    async def flush(self) -> None:
        """Write what was settled."""
        await self.write(_nothing)

    @property
    def trouble(self) -> str:
        """Why calls are tried again, "" if none is."""
        return self._trouble.words

    def settle(self, settled: Settled) -> None:
        """Note what was settled."""
        self._settled.append(settled)
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(_LAZY_SECONDS, self._settle_soon)

    def check(self) -> None:
        """Raise what the store is broken by."""
        if self._broken:
            raise self._broken

    async def _until_done(self, do: Callable[[], Awaitable[T]]) -> T:
        self.check()
        pauses: Iterator[float] | None = None
        is_done = False
        try:
            while True:
                try:
                    done = await do()
                except LeaseLostError as error:
                    self._broken = error
                    raise
                except TROUBLE as error:
                    told = storage_error(error, self._location)
                    if not is_passing(error):
                        raise told from error
                else:
                    is_done = True
                    return done
                if pauses is None:
                    pauses = growing_pauses()
                    self._trouble.begin()
                pause = next(pauses)
                self._trouble.tell(told, pause)
                await asyncio.sleep(pause)
        finally:
            if pauses:
                self._trouble.end(is_done=is_done)

    async def _write(self, do: Do[T], strength: str = "KEY SHARE") -> T:
        settled, self._settled = self._settled, []
        try:
            done, transaction = await self._attempt(do, settled, strength)
        except BaseException:
            self._settled[:0] = settled
            raise
        if transaction.runs or transaction.bots:
            await self._notices.tell(transaction.runs, transaction.bots)
        return done

    async def _attempt(
        self, do: Do[T], settled: list[Settled], strength: str
    ) -> tuple[T, Transaction]:
        async with self._connections.lent() as connection:
            transaction = Transaction(connection, self._run, self._bot, self._clock())
            try:
                number = await self._begin(connection, strength)
                if settled:
                    await self._settle(transaction, settled)
                done = await do(transaction)
            except Exception:
                with contextlib.suppress(*TROUBLE):
                    await connection.execute("ROLLBACK")
                raise
            lost = await _commit(connection)
        if lost:
            log.warning("%s: the connection was lost in a commit; finding out", self._location)
            if not await self._until_done(lambda: self._is_committed(number)):
                raise lost
        return done, transaction

    async def _begin(self, connection: Lent, strength: str) -> str:
        """Begin a transaction with its fence; return its number."""
        await connection.execute(self._connections.begin)
        number = await connection.fetchval(_FENCE.format(strength=strength), self._run)
        if number is None:
            raise self._lost()
        return str(number)

    async def _is_committed(self, number: str) -> bool:
        """Tell whether a transaction was done whose answer was lost, once it is over."""
        async with self._connections.lent() as connection:
            await self._begin(connection, "UPDATE")
            status = await connection.fetchval(_STATUS, number)
            await connection.execute("COMMIT")
            return bool(status == "committed")

    async def _fetch(self, statement: str, values: tuple[object, ...]) -> list[Any]:
        async with self._connections.lent() as connection:
            if not self._connections.is_pooled:
                return list(await connection.fetch(statement, *values))
            await connection.execute(self._connections.begin)
            rows = list(await connection.fetch(statement, *values))
            await connection.execute("COMMIT")
            return rows

    def _settle_soon(self) -> None:
        self._timer = None
        if self._settled:
            self._soon = asyncio.get_running_loop().create_task(self._flush_quietly())

    async def _flush_quietly(self) -> None:
        with contextlib.suppress(StorageError):  # whoever asks for something is told
            await self.flush()

    def _lost(self) -> LeaseLostError:
        if not self._run:
            return LeaseLostError("the store is not open: call `open` first")
        return LeaseLostError(
            f"run {self._run} of bot {self._bot!r} was silent for too long and was taken for dead: "
            "its work is others' now; start it again"
        )


async def _commit(connection: Lent) -> Exception | None:
    """Commit; return the error if the answer was lost."""
    try:
        await connection.execute("COMMIT")
    except TROUBLE as error:
        with contextlib.suppress(asyncpg.InterfaceError):  # it is gone already
            connection.terminate()
        return error
    return None


async def _nothing(_: Transaction) -> None:
    """Do nothing: what was settled is written."""
