"""`Engine`: one bot, its adapters and its store, from start to stop.

1. What an earlier process left is taken up before anything new is received.
2. Told to stop, it takes in nothing more, lets what runs finish within the grace, and gives up the
   rest, which runs again at the next start. What cannot be cancelled is told, and left behind.
3. A fault of the engine's own, or of the store, stops it: nothing goes on half. If it was taken for
   dead, it stops at once and sends nothing more: its work is others' now.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence

from chatstate.adapter import Adapter
from chatstate.bot.interface import Interface
from chatstate.clock import Clock, SystemClock
from chatstate.engine.assembly import Parts, assemble
from chatstate.engine.blocking import Blocking
from chatstate.engine.host import AccountHost
from chatstate.engine.lease import Lease
from chatstate.engine.lifespans import Lifespans
from chatstate.engine.outbox.sender import OnAmbiguous
from chatstate.engine.states import undeclared
from chatstate.engine.turns.finish import ignore_failure
from chatstate.errors import LeaseLostError
from chatstate.messages import Event
from chatstate.stores.base import Run, Store

log = logging.getLogger("chatstate.engine")

_CANCEL_SECONDS = 1.0
_CLOSE_SECONDS = 0.5
_LOOK_EVERY = 1.0
_PRUNE_EVERY = 60.0


class Engine:
    """Runs `bot` on `adapters`, keeping everything in `store`.

    - `grace`: seconds that running turns and owed replies, then lifespans, get when it is told to
      stop. Two seconds later it has stopped.
    - `running_limit`: how many handlers run at once: an eighth of them at most for one person, a
      quarter in one chat.
    - `on_ambiguous`: what to do with a reply that may or may not have been sent: "repeat" it
      (at least once), or "hold" it among the dead letters (at most once).
    - `connected` is called once for each adapter that reaches its platform, with the account's
      name there.
    - `on_failure` is told of each event whose turn failed, and of what was raised, unless the bot's
      `on_error` has answered. For tests: it must not raise.
    """

    def __init__(
        self,
        bot: Interface,
        adapters: Sequence[Adapter],
        store: Store,
        *,
        grace: float = 8.0,
        running_limit: int = 1000,
        on_ambiguous: OnAmbiguous = "repeat",
        clock: Clock | None = None,
        connected: Callable[[Adapter, str], None] = lambda _adapter, _name: None,
        on_failure: Callable[[Event, BaseException], None] = ignore_failure,
    ) -> None:
        self._bot = bot
        self._adapters = list(adapters)
        self._store = store
        self._grace = grace
        self._running_limit = running_limit
        self._on_ambiguous: OnAmbiguous = on_ambiguous
        self._clock = clock or SystemClock()
        self._opening: asyncio.Timeout | None = None
        self._has_store = False
        self._connected = connected
        self._on_failure = on_failure
        self._tasks: list[asyncio.Task[None]] = []
        self._receiving: list[asyncio.Task[None]] = []
        self._parts: Parts | None = None
        self._is_lost = False
        self._lifespans: Lifespans | None = None
        self._blocking: Blocking | None = None

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
            if self._opening:
                self._opening.reschedule(0)

    async def start(self) -> None:
        """Take hold of the store, go on with what waits there, and let the adapters receive."""
        self._ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._hurry = asyncio.Event()
        run = await self._open_store()
        if run is None:
            return
        self._has_store = True
        try:
            await self._begin(run)
        except BaseException:  # also when cancelled: the file must not stay locked
            await self._cancel_all()
            await self._close_lifespans(self._grace)
            await self._store.end(clean=True)
            raise

    async def _open_store(self) -> Run | None:
        """Take hold of the store; None if the bot is told to stop while that is waited for."""
        try:
            async with asyncio.timeout(None) as self._opening:
                return await self._store.open(self._bot.id)
        except TimeoutError:
            if not self._ended.done():
                raise
            return None
        finally:
            self._opening = None

    async def _begin(self, run: Run) -> None:
        accounts = [
            (await self._store.account(adapter.name, adapter.account), adapter)
            for adapter in self._adapters
        ]
        self._versions = run.versions()
        lease = Lease(self._store, self._clock, run.lease) if run.lease else None
        if lease:  # at once: what is opened below may take longer
            await lease.beat()
            self._tasks.append(asyncio.create_task(self._hold(lease)))
        parts = assemble(
            self._bot,
            accounts=accounts,
            store=self._store,
            secret=run.secret,
            versions=self._versions,
            clock=self._clock,
            lease=lease,
            running_limit=self._running_limit,
            on_ambiguous=self._on_ambiguous,
            failed=self._fail,
            connected=self._connected,
            on_failure=self._on_failure,
        )
        self._parts = parts
        await parts.spool.sweep()
        self._bot.check()
        stored = await self._store.stored_states()
        for warning in undeclared.warnings(self._bot.id, self._bot.states, stored):
            log.warning("%s", warning)
        self._lifespans = Lifespans(self._bot, parts.resources)
        if not await self._lifespans.open(self._fail, self._ended):
            return
        await parts.claims.take()
        for adapter, host in zip(self._adapters, parts.hosts, strict=True):
            receiving = self._receive(adapter, host)
            self._receiving.append(asyncio.create_task(receiving, name=adapter.name))
        for work in (self._watch(parts), parts.claims.run()):
            self._tasks.append(asyncio.create_task(work))
        if parts.typing_notices.are_wanted:
            self._tasks.append(asyncio.create_task(parts.typing_notices.run()))
        self._blocking = Blocking(route.handler.author_fn for route in self._bot.routes)
        self._blocking.start()

    async def _receive(self, adapter: Adapter, host: AccountHost) -> None:
        """Let an adapter receive, once no other run does, from where the last has stopped."""
        while not await self._store.lead("poller"):
            await self._clock.sleep(_LOOK_EVERY)
        if not self._store.is_sole:
            account = await self._store.account(adapter.name, adapter.account)
            host.follow(account.cursors)
        await adapter.run(host)

    async def _hold(self, lease: Lease) -> None:
        """Hold the store, as long as this process runs."""
        try:
            await lease.hold()
        except Exception as error:  # noqa: BLE001 - without the lease nothing may go on
            self._fail(error)

    async def stop(self) -> None:
        """Let what runs finish within the grace, send what is owed, and let go of the store."""
        time = asyncio.get_running_loop().time
        end = time() + self._grace
        if self._parts:
            self._parts.lanes.stopping = True
            self._parts.turns.hurry()
        grace = 0.0 if self._is_lost else self._grace
        if not await self._first(self._hurry.wait(), seconds=grace):
            log.warning("stopped in the middle; what was running runs again at the next start")
        await self._cancel_all()
        await self._close_lifespans(max(end - time(), _CLOSE_SECONDS))
        if self._has_store:
            await self._store.end(clean=True)

    async def abandon(self) -> None:
        """End as a killed process does: without finishing or writing anything. For tests.

        What lifespans have opened is closed all the same: it must not outlive a test.
        """
        if self._parts:
            self._parts.lanes.stopping = True
        await self._cancel_all()
        await self._close_lifespans(self._grace)

    async def _cancel_all(self) -> None:
        if self._blocking:
            self._blocking.stop()
        tasks = [*self._receiving, *self._tasks]
        parts = self._parts
        if parts:
            parts.turns.are_ending = True
            tasks += parts.overlap.checks
            tasks += [task for task in (parts.recovery.task, parts.commits.task) if task]
        for task in tasks:
            task.cancel()
        running = parts.lanes.cancel_all() if parts else []
        tasks += parts.sender.cancel_all() if parts else ()
        if tasks or running:
            _, stubborn = await asyncio.wait([*tasks, *running], timeout=_CANCEL_SECONDS)
            names = [repr(task) for task in stubborn.difference(running)]
            names += parts.turns.unended if parts else ()
            for name in names:
                log.warning("%s does not end when it is cancelled; let CancelledError pass", name)

    async def _close_lifespans(self, seconds: float) -> None:
        if self._lifespans:
            await self._lifespans.close(self._hurry, seconds)

    async def wait(self) -> None:
        """Return when the adapters have ended and all is done, or it is told to stop.

        Raises what makes it impossible to go on.
        """
        receiving: set[asyncio.Future[None]] = set(self._receiving)
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

    async def _watch(self, parts: Parts) -> None:
        """Look now and then for the store, turns that take too long, requests, rows to prune."""
        now = self._clock.monotonic
        prune_at = now() + _PRUNE_EVERY
        try:
            while True:
                looked_at = now()
                await self._store.check()
                parts.turns.end_late()
                for answer in await self._store.answer(self._versions):
                    parts.claims.changed(answer)
                if now() >= prune_at:
                    await self._store.prune()
                    prune_at = now() + _PRUNE_EVERY
                await self._store.lead("clock")
                more = await parts.expiries.look()
                await parts.claims.look()
                pause = looked_at + _LOOK_EVERY - now()  # all of this takes time, too
                await self._clock.sleep(0 if more else max(pause, 0))
        except Exception as error:  # noqa: BLE001 - the engine's fault: it stops and says so
            self._fail(error)

    async def settle(self, seconds: float) -> None:
        """Return when all that is due has expired and is told, or after so many seconds. For tests.

        Each of what keeps it gets as many: a turn that waits, a platform that does not answer.
        """
        parts = self._parts
        if not (parts and parts.expiries.are_possible):
            return
        if parts.recovery.task:  # until it is over nothing expires
            await asyncio.wait([parts.recovery.task], timeout=seconds)
        await parts.expiries.settle(seconds)
        sending = asyncio.ensure_future(parts.sender.activity.over())
        await asyncio.wait([sending], timeout=seconds)
        sending.cancel()

    async def _finished(self) -> None:
        """Return when nothing runs any more."""
        parts = self._parts
        if parts is None:
            return
        while True:
            if parts.recovery.task:
                await asyncio.wait([parts.recovery.task])
            elif parts.lanes.activity:
                await parts.lanes.activity.over()
            elif parts.commits.task:
                await parts.commits.over()
            elif parts.sender.activity:
                await parts.sender.activity.over()
            else:
                return

    async def _first(self, *events: Awaitable[object], seconds: float | None = None) -> bool:
        """Wait until nothing runs, or for one of `events`; tell whether nothing runs."""
        finished = asyncio.ensure_future(self._finished())
        others = [asyncio.ensure_future(event) for event in events]
        await asyncio.wait(
            [finished, *others], timeout=seconds, return_when=asyncio.FIRST_COMPLETED
        )
        done = finished.done()
        for waiting in (finished, *others):
            if waiting is not self._ended:
                waiting.cancel()
        return done

    def _fail(self, error: Exception) -> None:
        if isinstance(error, LeaseLostError) and self._parts:
            self._is_lost = self._parts.lanes.stopping = True
            self._parts.sender.cancel_all()
        if not self._ended.done():
            self._ended.set_exception(error)
