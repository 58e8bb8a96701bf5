"""`Engine`: one bot, its adapters and its store, from start to stop."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Sequence

from chatstate.adapter import Adapter
from chatstate.engine.committer import Committer
from chatstate.engine.host import AccountHost
from chatstate.engine.lanes import Lanes
from chatstate.engine.receipts import EventReceipt
from chatstate.engine.sender import Sender
from chatstate.engine.turns import Turns
from chatstate.engine.values import Values
from chatstate.interface import Interface
from chatstate.stores.base import Arrival, Store

log = logging.getLogger("chatstate.engine")

_CANCEL_SECONDS = 1.0


class Engine:
    """Runs `bot` on `adapters`, keeping everything in `store`.

    - `grace`: seconds that running turns and owed replies get when it is told to stop.
    - `running_limit`: how many conversations run a turn at once.
    """

    def __init__(
        self,
        bot: Interface,
        adapters: Sequence[Adapter],
        store: Store,
        *,
        grace: float = 10.0,
        running_limit: int = 1000,
    ) -> None:
        self._bot = bot
        self._adapters = list(adapters)
        self._store = store
        self._grace = grace
        self._running_limit = running_limit
        self._receiving: list[asyncio.Future[None]] = []

    async def run(self) -> None:
        """Start, work until the adapters end or `request_stop`, and stop.

        Raises what made it stop: `StorageError`, or whatever an adapter raised.
        """
        await self.start()
        try:
            await self._work()
        finally:
            await self.stop()

    def request_stop(self) -> None:
        """Make `run` stop; what runs gets its grace."""
        if not self._ended.done():
            self._ended.set_result(None)

    async def start(self) -> None:
        """Take hold of the store, go on with what waits there, and let the adapters receive."""
        self._ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        run = await self._store.open(self._bot.id)
        accounts = [
            await self._store.account(adapter.name, adapter.account) for adapter in self._adapters
        ]
        by_account = {
            account.id: adapter for account, adapter in zip(accounts, self._adapters, strict=True)
        }
        receipts: dict[int, EventReceipt] = {}
        self._committer = Committer(self._store, self._fail)
        self._sender = Sender(self._store, by_account, self._fail)
        turns = Turns(
            self._bot,
            by_account,
            Values(self._store),
            self._committer,
            self._sender,
            run.versions(),
            receipts,
            self._put_back,
            time.time,
        )
        self._lanes = Lanes(self._store, turns.run, self._fail, self._running_limit)
        backlog = await self._store.backlog(list(by_account))
        for conversation in backlog.outbox:
            self._sender.resume(conversation)
        for conversation in backlog.inbox:
            self._lanes.resume(conversation)
        for account, adapter in zip(accounts, self._adapters, strict=True):
            host = AccountHost(self._bot, account, self._store, self._lanes, receipts)
            self._receiving.append(asyncio.create_task(adapter.run(host), name=adapter.name))

    async def stop(self) -> None:
        """Let what runs finish within the grace, send what is owed, and let go of the store."""
        self._lanes.stopping = True
        if not await self._quiet(self._grace):
            log.warning("stopped after %s s of grace; what was running runs again", self._grace)
        await _cancel([*self._receiving, *self._busy()])
        await self._store.close(clean=True)

    async def _work(self) -> None:
        receiving = set(self._receiving)
        while receiving:
            done, receiving = await asyncio.wait(
                {*receiving, self._ended}, return_when=asyncio.FIRST_COMPLETED
            )
            for task in done:
                task.result()
            if self._ended in done:
                return
            receiving.discard(self._ended)
        await self._quiet(None)
        if self._ended.done():
            self._ended.result()

    async def _quiet(self, seconds: float | None) -> bool:
        """Wait until nothing runs, but no longer than that or until told to stop."""
        ends = None if seconds is None else time.monotonic() + seconds
        while busy := self._busy():
            left = None if ends is None else ends - time.monotonic()
            if left is not None and left <= 0:
                return False
            others = [] if seconds is not None else [self._ended]
            await asyncio.wait([*busy, *others], timeout=left, return_when=asyncio.FIRST_COMPLETED)
            if seconds is None and self._ended.done():
                return False
        return True

    def _put_back(self, arrival: Arrival) -> None:
        self._lanes.put_back(arrival)

    def _busy(self) -> list[asyncio.Future[None]]:
        writing = [self._committer.task] if self._committer.task else []
        return [*writing, *self._lanes.tasks, *self._sender.tasks]

    def _fail(self, error: Exception) -> None:
        if not self._ended.done():
            self._ended.set_exception(error)


async def _cancel(tasks: Sequence[asyncio.Future[None]]) -> None:
    for task in tasks:
        task.cancel()
    if tasks:
        _, stubborn = await asyncio.wait(tasks, timeout=_CANCEL_SECONDS)
        for task in stubborn:
            log.warning("%r does not end when it is cancelled", task)
