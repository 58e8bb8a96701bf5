"""`Engine`: one bot, its adapters and its store, from start to stop."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Sequence

from chatstate.adapter import Adapter
from chatstate.bot.interface import Interface
from chatstate.bot.resources import Resources
from chatstate.clock import Clock, SystemClock
from chatstate.engine.context import Context
from chatstate.engine.host import AccountHost
from chatstate.engine.inbox.lanes import Lanes
from chatstate.engine.inbox.receipts import EventReceipt
from chatstate.engine.lifespans import Lifespans
from chatstate.engine.outbox.buttons import Presses
from chatstate.engine.outbox.rendering import Renderer
from chatstate.engine.outbox.sender import OnAmbiguous, Sender
from chatstate.engine.outbox.spool import Spool
from chatstate.engine.states.cache import Values
from chatstate.engine.states.commits import Committer
from chatstate.engine.states.expiry import Expiries
from chatstate.engine.states.volatile import memory_before
from chatstate.engine.threads import HandlerThreads
from chatstate.engine.turns.admission import Entrance
from chatstate.engine.turns.limits import Counters
from chatstate.engine.turns.turns import Turns
from chatstate.engine.turns.typing_notices import Typing
from chatstate.stores.base import Backlog, Run, Store

log = logging.getLogger("chatstate.engine")

_CANCEL_SECONDS = 1.0
_LOOK_EVERY = 1.0
_PRUNE_EVERY = 60.0
_CRASHES = 3


class Engine:
    """Runs `bot` on `adapters`, keeping everything in `store`.

    - `grace`: seconds that running turns and owed replies get when it is told to stop.
    - `running_limit`: how many handlers run at once.
    - `on_ambiguous`: what to do with a reply that may or may not have been sent: "repeat" it
      (at least once), or "hold" it among the dead letters (at most once).
    """

    def __init__(
        self,
        bot: Interface,
        adapters: Sequence[Adapter],
        store: Store,
        *,
        grace: float = 10.0,
        running_limit: int = 1000,
        on_ambiguous: OnAmbiguous = "repeat",
        clock: Clock | None = None,
    ) -> None:
        self._bot = bot
        self._adapters = list(adapters)
        self._store = store
        self._grace = grace
        self._running_limit = running_limit
        self._on_ambiguous: OnAmbiguous = on_ambiguous
        self._clock = clock or SystemClock()
        self._receiving: list[asyncio.Future[None]] = []
        self._background: list[asyncio.Future[None]] = []
        self._recovery: asyncio.Task[None] | None = None
        self._lifespans: Lifespans | None = None

    async def run(self) -> None:
        """Start, work until the adapters end or `request_stop`, and stop.

        Raises what made it stop: `StorageError`, or whatever an adapter raised.
        """
        await self.start()
        try:
            await self.wait()
        finally:
            await self.stop()

    def request_stop(self) -> None:
        """Make `run` stop; what runs gets its grace. Asked again, it gets no more."""
        if self._ended.done():
            self._hurry.set()
        else:
            self._ended.set_result(None)

    async def start(self) -> None:
        """Take hold of the store, go on with what waits there, and let the adapters receive."""
        self._ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._hurry = asyncio.Event()
        run = await self._store.open(self._bot.id)
        try:
            await self._begin(run)
        except BaseException:  # also when cancelled: the file must not stay locked
            await self._close_lifespans()
            await self._store.close(clean=True)
            raise

    async def _begin(self, run: Run) -> None:
        accounts = [
            await self._store.account(adapter.name, adapter.account) for adapter in self._adapters
        ]
        by_account = {
            account.id: adapter for account, adapter in zip(accounts, self._adapters, strict=True)
        }
        receipts: dict[int, EventReceipt] = {}
        memory = memory_before(self._store, self._bot.states, self._clock)
        self._committer = Committer(memory or self._store, self._fail)
        values = Values(memory or self._store, self._clock)
        self._expiries = Expiries(
            self._bot, list(by_account), self._store, memory, values, receipts
        )
        threads = HandlerThreads()
        spool = Spool(self._store, threads, by_account)
        presses = Presses(run.secret, self._store, self._clock)

        async def moved(account: int, old: str, new: str) -> None:
            await self._store.alias(account, old, new)
            values.forget()

        self._sender = Sender(
            self._store, by_account, self._clock, self._fail, self._on_ambiguous, moved, spool
        )
        resources = Resources()
        counters = Counters(self._bot.id, values, self._clock)
        context = Context(
            self._bot,
            by_account,
            self._store,
            values,
            threads,
            run.versions(),
            self._clock,
            presses,
            Renderer(by_account, self._bot.sentences, presses),
            spool,
            resources,
            Entrance(self._bot, by_account, threads, self._clock, counters, resources),
            self._expiries,
        )
        await spool.sweep()
        self._turns = Turns(context, self._committer, self._sender, receipts, self._running_limit)
        self._lanes = Lanes(self._store, self._turns.run, self._fail)
        self._turns.set_lanes(self._lanes)
        self._expiries.lanes = self._lanes
        self._expiries.in_use = self._turns.expiring_keys
        self._bot.check()
        self._lifespans = Lifespans(self._bot, resources)
        if not await self._lifespans.open(self._fail, self._ended):
            return
        await self._resume(list(by_account), run.crashes)
        for account, adapter in zip(accounts, self._adapters, strict=True):
            host = AccountHost(
                self._bot,
                account,
                self._store,
                self._lanes,
                self._turns,
                self._sender,
                receipts,
                context.renderer,
                moved,
            )
            self._receiving.append(asyncio.create_task(adapter.run(host), name=adapter.name))
        self._background.append(asyncio.create_task(self._watch()))
        typing = Typing(context, self._turns)
        if typing.is_wanted:
            self._background.append(asyncio.create_task(typing.run()))

    async def stop(self) -> None:
        """Let what runs finish within the grace, send what is owed, and let go of the store."""
        self._lanes.stopping = True
        if not await self._first(self._hurry.wait(), seconds=self._grace):
            log.warning("stopped in the middle; what was running runs again at the next start")
        await self._cancel_all()
        await self._close_lifespans()
        await self._store.close(clean=True)

    async def abandon(self) -> None:
        """End as a killed process does: without finishing or writing anything. For tests.

        What lifespans have opened is closed all the same: it must not outlive a test.
        """
        self._lanes.stopping = True
        await self._cancel_all()
        await self._close_lifespans()

    async def _cancel_all(self) -> None:
        running = [*self._busy(), *self._lanes.all_tasks, *self._turns.checks]
        await _cancel([*self._receiving, *self._background, *running])

    async def _close_lifespans(self) -> None:
        if self._lifespans:
            await self._lifespans.close(self._hurry)

    async def wait(self) -> None:
        """Return when the adapters have ended and all is done, or it is told to stop.

        Raises what makes it impossible to go on.
        """
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
        await self._first(self._ended)
        if self._ended.done():
            self._ended.result()

    async def _resume(self, accounts: list[int], crashes: int) -> None:
        """Go on with what an earlier process left; after a crash with care."""
        backlog = await self._store.backlog(accounts)
        self._lanes.paused = bool(crashes)
        for conversation in backlog.inbox:
            self._lanes.resume(conversation)
        if crashes and backlog.inbox:
            log.warning(
                "the process before this one did not stop as it should; "
                "%d conversations go on one at a time first",
                len(backlog.inbox),
            )
        if crashes:
            self._recovery = asyncio.create_task(self._recover(backlog, crashes))
        else:
            for conversation in backlog.outbox:
                self._sender.resume(conversation)

    async def _recover(self, backlog: Backlog, crashes: int) -> None:
        """Find what crashed the process, if anything did, by running what may have alone.

        An event is suspected after the first crash; a reply, which is rarely to blame, after
        the second in a row.
        """
        try:
            for conversation in backlog.outbox:
                if crashes > 1:
                    await self._sender.try_head_alone(conversation)
            for conversation in backlog.outbox:
                self._sender.resume(conversation)
            for conversation in backlog.inbox:
                await self._run_suspect(conversation)
        except Exception as error:  # noqa: BLE001 - the engine's fault: it stops and says so
            self._fail(error)
        finally:
            self._recovery = None
            self._lanes.release()

    async def _run_suspect(self, conversation: int) -> None:
        """Run the event of a conversation that may have been running at a crash."""
        for suspect in await self._store.claim(conversation, 0, 1):
            if self._lanes.stopping:
                return
            if suspect.crashes >= _CRASHES:
                await self._turns.set_aside(suspect)
            else:
                await self._store.suspect(suspect.seq)
                await self._lanes.run_alone(suspect)
            while self._committer.task:
                await asyncio.wait([self._committer.task])

    async def _watch(self) -> None:
        """Look now and then for turns that take too long, requests, and rows to prune."""
        prune_at = self._clock.time() + _PRUNE_EVERY
        try:
            while True:
                self._turns.expire()
                for revived in await self._store.revive():
                    if revived.arrival:
                        self._lanes.add(revived.arrival)
                    if revived.conversation:
                        self._sender.resume(revived.conversation)
                if self._clock.time() >= prune_at:
                    await self._store.prune()
                    prune_at = self._clock.time() + _PRUNE_EVERY
                await self._clock.sleep(0 if await self._expiries.look() else _LOOK_EVERY)
        except Exception as error:  # noqa: BLE001 - the engine's fault: it stops and says so
            self._fail(error)

    async def settle(self, seconds: float) -> None:
        """Return when all that is due has expired, or after so many seconds. For tests."""
        if self._recovery:
            await asyncio.wait([self._recovery], timeout=seconds)
        await self._expiries.settle(seconds)

    async def _finished(self) -> None:
        """Return when nothing runs any more."""
        while busy := self._busy():
            await asyncio.wait(busy, return_when=asyncio.FIRST_COMPLETED)

    async def _first(self, *events: Awaitable[object], seconds: float | None = None) -> bool:
        """Wait until nothing runs, or for one of `events`; tell whether nothing runs."""
        finished = asyncio.ensure_future(self._finished())
        others = [asyncio.ensure_future(event) for event in events]
        await asyncio.wait(
            [finished, *others], timeout=seconds, return_when=asyncio.FIRST_COMPLETED
        )
        done = finished.done()
        for one in (finished, *others):
            if one is not self._ended:
                one.cancel()
        return done

    def _busy(self) -> list[asyncio.Future[None]]:
        alone = [task for task in (self._committer.task, self._recovery) if task]
        return [*alone, *self._lanes.tasks, *self._sender.tasks]

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
