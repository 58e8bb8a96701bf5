"""`VirtualClient`: a `TestClient` in virtual time whose bot can be killed at any moment.

1. Nothing is of the machine: no file, no time. What happens is the same each time.
2. The bot is loaded anew at each start, as by a new process: what it keeps by itself is gone.
3. What somebody does takes no time, unless the bot waits for something: then up to ten seconds.
   Of long times only the last minute of each hour is gone through.
4. A platform delivers an event again if the bot was killed before it was told that it is durable.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

from chatstate.adapter import Action, Sent
from chatstate.bot.interface import Interface
from chatstate.messages import Event
from chatstate.testing.client import TestClient
from chatstate.testing.delivered import Delivered
from chatstate.testing.memory.tables import MemoryData
from chatstate.testing.platform import FakePlatform
from chatstate.testing.virtual.clock import LoopClock
from chatstate.testing.virtual.loop import WatchedThreads
from chatstate.testing.virtual.store import Kill, Moment, VirtualStore

_LONGEST = 10.0
_STEPWISE, _PIECES = 60.0, 100
_HOUR, _DAY = 3_600.0, 86_400.0


class VirtualPlatform(FakePlatform):
    """A platform that knows keys, and whose bot may be killed once something has arrived there."""

    def __init__(self) -> None:
        super().__init__(idempotent_for=30 * _DAY)
        self.kill = Kill()

    async def perform(self, action: Action) -> Sent:
        """Do what is asked for, unless the bot is dead."""
        await self.kill.alive()
        sent = await super().perform(action)
        if action.verb in ("send", "edit") and not action.preview:
            await self.kill.at("sent")
        return sent


class VirtualClient(TestClient):
    """A `TestClient` in a `VirtualLoop`, on a store in memory.

    `make` returns the bot as a new process has it. `before` is called each time that an event is
    about to be handled, and may be again.
    """

    platform: VirtualPlatform

    def __init__(
        self,
        make: Callable[[], Interface],
        *,
        before: Callable[[], None] = lambda: None,
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
        self._data = MemoryData()
        self._before = before

    def kill_at(self, moment: Moment) -> None:
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
        seen = len(self.platform.delivered)
        await self.happen([event])
        self._raise_for(event, raise_errors=raise_errors)
        new = self.platform.delivered[seen:]
        return [reply for reply in new if reply.event == event.id and not reply.preview]

    async def happen(self, events: Sequence[Event] = (), patience: float = _LONGEST) -> None:
        """Deliver events in one call, and let the bot do what it can do in so many seconds."""
        while True:
            self._before()
            working = asyncio.ensure_future(self._work(events))
            killed = self.platform.kill.killed
            waited_for: set[asyncio.Future[None]] = {working, killed, self._waiting}
            await asyncio.wait(waited_for, timeout=patience, return_when=asyncio.FIRST_COMPLETED)
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
        if events:
            await self.deliver_all(events)
        await self._require_open().idle()

    async def _start(self) -> None:
        self.platform.kill = Kill()
        await super()._start()

    async def _pass(self, seconds: float) -> None:
        piece = max(_HOUR, seconds / _PIECES)
        while seconds > piece:
            await self.clock.jump(piece - _STEPWISE)
            await self.clock.advance(_STEPWISE)
            seconds -= piece
        await self.clock.advance(seconds)

    def _open_store(self) -> VirtualStore:
        return VirtualStore(self._data, self.platform.kill, clock=self.clock.time)
