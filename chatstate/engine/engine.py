"""`Engine`: one bot, its adapters and its store, from start to stop.

1. What an earlier process left is taken up before anything new is received.
2. Told to stop, it takes in nothing more, lets what runs finish within the grace, and gives up the
   rest, which runs again at the next start. What cannot be cancelled is told, and left behind.
3. A fault of the engine's own, or of the store, stops it: nothing goes on half. If it was taken for
   dead, it waits for nothing: its work is others' now.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence

from chatstate.adapter import Adapter
from chatstate.bot import engines
from chatstate.bot.interface import Interface
from chatstate.bot.outgoing import Verdict
from chatstate.clock import Clock, SystemClock
from chatstate.engine.accounts import Accounts
from chatstate.engine.assembly import assemble
from chatstate.engine.blocking import Blocking
from chatstate.engine.connections import Connections
from chatstate.engine.ending import cancelled, finished, received, settled
from chatstate.engine.lease import Lease
from chatstate.engine.lifespans import Lifespans
from chatstate.engine.observing import Observer, observed_store
from chatstate.engine.outbox.sender import OnAmbiguous
from chatstate.engine.parts import Parts
from chatstate.engine.rounds import go_round, look_at_runs
from chatstate.engine.states import undeclared
from chatstate.engine.states.older_runs import told_versions
from chatstate.engine.threads import HandlerThreads
from chatstate.engine.turns.finish import ignore_failure
from chatstate.engine.verbs import EngineVerbs
from chatstate.errors import LeaseLostError
from chatstate.messages import Event
from chatstate.stores.base import Run, Store

log = logging.getLogger("chatstate.engine")

_CLOSE_SECONDS = 0.5


class Engine(EngineVerbs):
    """Runs `bot` on `adapters`, keeping everything in `store`.

    - `grace`: seconds that running turns and owed replies, then lifespans, get when it is told to
      stop. Two seconds later it has stopped.
    - `running_limit`: how many handlers run at once: an eighth of them at most for one person, a
      quarter in one chat.
    - `on_ambiguous`: what to do with a reply that may or may not have been sent: "repeat" it
      (at least once), or "hold" it among the dead letters (at most once).
    - `stay`: it goes on though its adapters have ended, for those that are connected later.
    - `connected` is called once for each adapter that reaches its platform, with the account's
      name there.
    - `on_failure` is told of each event whose turn failed, and of what was raised, unless the bot's
      `on_error` has answered. For tests: it must not raise.
    - `on_verdict` is told of what a guard of what leaves has changed or stopped. For tests, too.
    - `observer` is told of what is done; see `engine.observing`.
    - `threads` makes those in which sync handlers run. For tests.
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
        stay: bool = False,
        clock: Clock | None = None,
        connected: Callable[[Adapter, str], None] = lambda _adapter, _name: None,
        on_failure: Callable[[Event, BaseException], None] = ignore_failure,
        on_verdict: Callable[[Verdict], None] = lambda _verdict: None,
        observer: Observer | None = None,
        threads: Callable[[], HandlerThreads] = HandlerThreads,
    ) -> None:
        self._bot = bot
        self._observer = observer
        self._adapters = [self._observed(adapter) for adapter in adapters]
        self._store = observed_store(store, observer) if observer else store
        self._grace = grace
        self._running_limit = running_limit
        self._on_ambiguous: OnAmbiguous = on_ambiguous
        self._stay = stay
        self._clock = clock or SystemClock()
        self._opening: asyncio.Timeout | None = None
        self._has_store = False
        self._connected = connected
        self._on_failure = on_failure
        self._on_verdict = on_verdict
        self._threads = threads
        self._tasks: list[asyncio.Task[None]] = []
        self._connections: Connections | None = None
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
        self.loop = asyncio.get_running_loop()
        self._ended: asyncio.Future[None] = self.loop.create_future()
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
                return await self._store.open(self._bot.id, told_versions(self._bot))
        except TimeoutError:
            if not self._ended.done():
                raise
            return None
        finally:
            self._opening = None

    async def _begin(self, run: Run) -> None:
        accounts = Accounts()
        versions = run.versions()
        lease = Lease(self._store, self._clock, run.lease) if run.lease else None
        if lease:  # at once: what is opened below may take longer
            await lease.beat()
            self._tasks.append(asyncio.create_task(self._or_fail(lease.hold())))
        parts = assemble(
            self._bot,
            accounts=accounts,
            store=self._store,
            run=run.id,
            secret=run.secret,
            versions=versions,
            clock=self._clock,
            lease=lease,
            running_limit=self._running_limit,
            on_ambiguous=self._on_ambiguous,
            has_guests=any(adapter.capabilities.guests for adapter in self._adapters),
            failed=self._fail,
            connected=self._connected,
            on_failure=self._on_failure,
            observer=self._observer,
            on_verdict=self._note_verdict,
            threads=self._threads(),
        )
        self._parts = parts
        self._connections = connections = Connections(
            self._bot.id,
            store=self._store,
            clock=self._clock,
            accounts=accounts,
            guarded=parts.guarded,
            make_host=parts.make_host,
        )
        opened = [await connections.open(adapter) for adapter in self._adapters]
        await parts.spool.sweep()
        self._bot.check(self._adapters)
        stored = await self._store.stored_states()
        for warning in undeclared.warnings(self._bot.id, self._bot.states, stored):
            log.warning("%s", warning)
        parts.answering.left(stored)
        await look_at_runs(parts)
        self._lifespans = Lifespans(self._bot, parts.resources)
        engines.began(self._bot, self)  # what a lifespan gives to send is stored by now
        if not await self._lifespans.open(self._fail, self._ended):
            return
        await parts.prepare_menus()
        await parts.timers.start()
        await parts.forgetting.start()
        await parts.claims.take()
        for connection in opened:
            connections.receive(connection)
        self._receiving = connections.tasks
        looking = go_round(parts, store=self._store, clock=self._clock, versions=versions)
        for work in (looking, parts.claims.run(), parts.outside.run(), parts.roles.run()):
            self._tasks.append(asyncio.create_task(self._or_fail(work)))
        parts.typing_notices.start()
        handlers = (route.handler.author_fn for route in self._bot.routes)
        self._blocking = Blocking(handlers, blocked=self._store.secure)
        self._blocking.start()

    def _note_verdict(self, verdict: Verdict) -> None:
        self._on_verdict(verdict)
        if self._observer:
            self._observer.guarded(verdict)

    async def _or_fail(self, work: Awaitable[None]) -> None:
        """Do something as long as this process runs; without it nothing may go on."""
        try:
            await work
        except Exception as error:  # noqa: BLE001 - the engine's fault: it stops and says so
            self._fail(error)

    async def stop(self) -> None:
        """Let what runs finish within the grace, send what is owed, and let go of the store."""
        time = asyncio.get_running_loop().time
        end = time() + self._grace
        if self._parts:
            self._parts.lanes.stopping = True
            self._parts.fences.hurry()
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
        engines.ended(self._bot, self)
        if self._blocking:
            self._blocking.stop()
        receiving = self._connections.tasks if self._connections else ()
        await cancelled(self._parts, [*receiving, *self._tasks])

    async def _close_lifespans(self, seconds: float) -> None:
        if self._lifespans:
            await self._lifespans.close(self._hurry, seconds)

    async def wait(self) -> None:
        """Return when the adapters have ended and all is done, or it is told to stop.

        With `stay` only when it is told to. Raises what makes it impossible to go on.
        """
        if self._stay:
            await self._ended
            return
        if self._connections:
            await received(self._connections, self._receiving, self._ended)
        if not self._ended.done():
            await self._first(self._ended)
        if self._ended.done():
            self._ended.result()

    async def settle(self, seconds: float) -> None:
        """Return when all that is due has expired and is told, or after so many seconds. For tests.

        Each of what keeps it gets as many: a turn that waits, a platform that does not answer.
        """
        if self._parts:
            await settled(self._parts, seconds)

    async def idle(self) -> None:
        """Return when nothing runs and nothing is owed. For tests."""
        await finished(self._parts)

    async def next_timer(self) -> float | None:
        """Return when the next timer fires, None if there is none. For tests."""
        return await self._parts.timers.when_next() if self._parts else None

    async def _first(self, *events: Awaitable[object], seconds: float | None = None) -> bool:
        """Wait until nothing runs, or for one of `events`; tell whether nothing runs."""
        over = asyncio.ensure_future(finished(self._parts))
        others = [asyncio.ensure_future(event) for event in events]
        await asyncio.wait([over, *others], timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        done = over.done()
        for waiting in {over, *others} - {self._ended}:
            waiting.cancel()
        return done

    def _fail(self, error: Exception) -> None:
        self._is_lost |= isinstance(error, LeaseLostError)
        if not self._ended.done():
            self._ended.set_exception(error)
