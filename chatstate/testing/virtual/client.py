"""`VirtualClient`: a `TestClient` in virtual time whose bot can be killed at any moment.

1. Nothing is of the machine: no file, no time. What happens is the same each time.
2. The bot is loaded anew at each start, as by a new process: what it keeps by itself is gone.
3. What somebody does takes no time, unless the bot waits for something: then its patience.
   Of long times only the end of each fifth is gone through, and when timers fire.
4. A platform delivers an event again if the bot was killed before it was told that it is durable.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Coroutine, Generator, Sequence
from types import TracebackType
from typing import Any

from chatstate.adapter import Action, Sent
from chatstate.bot.interface import Interface
from chatstate.errors import Rejected
from chatstate.messages import Event
from chatstate.testing.client import TestClient
from chatstate.testing.delivered import Delivered
from chatstate.testing.memory.tables import MemoryData
from chatstate.testing.platform import FakePlatform
from chatstate.testing.virtual.clock import LoopClock
from chatstate.testing.virtual.loop import WatchedThreads
from chatstate.testing.virtual.store import Kill, Moment, VirtualStore

_SHORT, _PIECES = 60.0, 5
_DAY = 86_400.0
REJECTED = "the call was rejected, as it was asked to be"


class VirtualPlatform(FakePlatform):
    """A platform that knows keys, and whose bot may be killed once something has arrived there."""

    def __init__(self) -> None:
        super().__init__(idempotent_for=30 * _DAY)
        self.kill = Kill()
        self.rejected: list[str] = []  # chats
        self._rejects = 0

    def reject_next(self) -> None:
        """Refuse the next new message for good; what it would have shown is shown all the same."""
        self._rejects += 1

    def _fault(self, action: Action) -> tuple[Exception | None, bool]:
        # that a preview is lost may be seen, and is promised to nobody
        return (None, True) if action.preview else super()._fault(action)

    def _new_id(self, action: Action) -> str:
        return f"message-{action.key}"  # the same whatever was sent before, and how often

    async def perform(self, action: Action) -> Sent:
        """Do what is asked for, unless the bot is dead."""
        await self.kill.alive()
        sent = await super().perform(action)
        if self._rejects and action.verb == "send" and not action.preview:
            self._rejects -= 1
            self.rejected.append(action.chat)
            raise Rejected(REJECTED)
        if action.verb in ("send", "edit") and not action.preview:
            await self.kill.at("sent")
        return sent


class VirtualClient(TestClient):
    """A `TestClient` in a `VirtualLoop`, on a store in memory.

    `make` returns the bot as a new process has it. `before` is called each time that an event is
    about to be handled, and may be again. What the bot does is waited for for `patience` seconds.
    """

    platform: VirtualPlatform
    _stepwise = 5.0

    def __init__(
        self,
        make: Callable[[], Interface],
        *,
        before: Callable[[], None] = lambda: None,
        patience: float = 10.0,
        **options: Any,
    ) -> None:
        super().__init__(
            make,
            store="memory",
            platform=VirtualPlatform(),
            clock=LoopClock(),
            threads=WatchedThreads,
            **options,
        )
        self._prefix = "event"
        self._data = MemoryData()
        self._lives: list[Kill] = []
        self._before = before
        self._patience = patience
        self._held: list[Event] | None = None

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop the bot, and end what is left of those that were killed."""
        try:
            await super().__aexit__(kind, error, trace)
        finally:
            for life in self._lives:
                life.bury()

    def begins(self, number: int, moment: int) -> None:
        """Be told that what has this number is about to happen, at a moment that has one, too."""

    @contextlib.contextmanager
    def holding(self) -> Generator[Sequence[Event]]:
        """Deliver nothing meanwhile; give what would be delivered."""
        self._held = held = list[Event]()
        try:
            yield held
        finally:
            self._held = None

    def kill_at(self, moment: Moment | None) -> None:
        """Kill the bot at this moment, when it next comes; it is started again by itself."""
        self.platform.kill.moment = moment

    async def crash(self) -> None:
        """End the bot as SIGKILL would."""
        if not self.platform.kill.killed.done():
            self.platform.kill.killed.set_result(None)
        await super().crash()

    async def deliver(self, event: Event, *, raise_errors: bool | None = None) -> list[Delivered]:
        """Deliver an event, and return what it was answered, however often the bot is killed."""
        __tracebackhide__ = True
        if self._held is not None:
            self._held.append(event)
            return []
        seen = len(self.platform.delivered)
        await self.happen([event])
        self._raise_for(event, raise_errors=raise_errors)
        new = self.platform.delivered[seen:]
        return [reply for reply in new if reply.event == event.id and not reply.preview]

    async def happen(self, events: Sequence[Event] = (), patience: float | None = None) -> None:
        """Deliver events at once, and let the bot do what it can do in so many seconds.

        Each is delivered in a call of its own: the process may be killed between any two.
        """
        await self._live(
            lambda: self._work(events), self._patience if patience is None else patience
        )

    async def advance(self, seconds: float) -> None:
        """See `TestClient.advance`."""
        end = self.clock.monotonic() + seconds
        advance = super().advance
        await self._live(lambda: advance(max(end - self.clock.monotonic(), 0)))

    async def restart(self) -> None:
        """See `TestClient.restart`."""
        await self._live(super().restart)

    async def _live(
        self, work: Callable[[], Coroutine[Any, Any, None]], patience: float | None = None
    ) -> None:
        """Do something, again whenever the bot is killed meanwhile, while there is patience."""
        while True:
            self._before()
            working = asyncio.ensure_future(work())
            killed = self.platform.kill.killed
            either: set[asyncio.Future[None]] = {working, killed}
            await asyncio.wait(either, timeout=patience, return_when=asyncio.FIRST_COMPLETED)
            if not killed.done():
                break
            working.cancel()
            await self.crash()
            await self.start()
        if working.done():
            working.result()
        else:
            working.cancel()
            await self._or_failure(asyncio.sleep(0))  # what has stopped the engine is raised

    async def _work(self, events: Sequence[Event]) -> None:
        await asyncio.gather(*(self.deliver_all([event]) for event in events))
        await self._require_open().idle()

    async def _start(self) -> None:
        self._lives.append(self.platform.kill)  # whoever waits in one that is over goes on waiting
        self.platform.kill = Kill()
        await super()._start()

    async def _pass(self, seconds: float) -> None:
        piece = max(_SHORT, seconds / _PIECES)
        while seconds > _SHORT:
            part = min(piece, seconds)
            await self.clock.jump(part - self._stepwise)
            await self.clock.advance(self._stepwise)
            seconds -= part
        await self.clock.advance(seconds)

    def _open_store(self) -> VirtualStore:
        return VirtualStore(self._data, self.platform.kill, clock=self.clock.time)
