"""Several engines that share the work of one bot: on one `MemoryStore`, one platform, one clock."""

import asyncio
import contextlib
import itertools
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass
from typing import Any

from chatstate import Chat, Event, Interface, Message, User
from chatstate.adapter import Action, Receipt, Sent
from chatstate.engine import Engine
from chatstate.engine.parts import Parts
from chatstate.testing import Delivered, FakeClock, FakePlatform, MemoryData, MemoryStore

LEASE = 30.0


async def until(condition: Callable[[], object]) -> None:
    """Let others run until a condition holds."""
    while not condition():
        await asyncio.sleep(0)


class OnePlatform(FakePlatform):
    """A worker's way to the platform that all share.

    `late` are the keys of calls that began when others had the work already, but for notices of
    typing.
    """

    def __init__(self, store: MemoryStore, **options: Any) -> None:
        super().__init__(**options)
        self.store = store
        self.late: list[str] = []

    async def perform(self, action: Action) -> Sent:
        run = self.store._opened
        if action.verb != "typing" and (run is None or run.is_over):
            self.late.append(action.key)
        return await super().perform(action)


@dataclass(eq=False)
class Worker:
    """An engine, with its own way to the store and to the platform."""

    engine: Engine
    store: MemoryStore
    platform: OnePlatform
    waiting: "asyncio.Task[None]"
    is_frozen: bool = False

    @property
    def parts(self) -> Parts:
        """The parts of the engine."""
        assert self.engine._parts
        return self.engine._parts

    async def deliver(self, *events: Event) -> list[Receipt]:
        """Deliver events here, as a platform may that calls any worker; return when durable."""
        assert self.engine._connections
        (host,) = self.engine._connections.hosts
        return list(await host.deliver(events))

    def freeze(self) -> None:
        """Let it reach nothing any more, as a process that stands still."""
        self.is_frozen = True
        self.store.stall()
        self.platform.stall()

    def thaw(self) -> None:
        """Let it go on."""
        self.is_frozen = False
        self.store.recover()
        self.platform.recover()

    @property
    def is_receiving(self) -> bool:
        """Whether it is here that the adapter runs."""
        return self.platform._host is not None and self.platform._host.done()


class Office:
    """The engines of a bot. `delivered` is what any of them has sent."""

    def __init__(self, bot: Interface, **options: Any) -> None:
        self.bot = bot
        self.data = MemoryData()
        self.clock = FakeClock()
        self.workers: list[Worker] = []
        self.delivered: list[Delivered] = []
        self._options = options
        self._numbers = itertools.count(1)

    async def start(self, bot: Interface | None = None) -> Worker:
        """Start one more worker, of another version of the bot if one is given."""
        store = MemoryStore(self.data, lease=LEASE, clock=self.clock.time)
        platform = OnePlatform(store, idempotent_for=3600.0)
        platform.delivered = self.delivered
        engine = Engine(bot or self.bot, [platform], store, clock=self.clock, **self._options)
        await engine.start()
        worker = Worker(engine, store, platform, asyncio.create_task(engine.wait()))
        self.workers.append(worker)
        return worker

    async def stop(self, worker: Worker) -> None:
        """Stop a worker as SIGTERM would."""
        worker.engine.request_stop()
        await self.end(worker)

    async def end(self, worker: Worker) -> None:
        """Return when a worker has stopped. Raises what made it do so."""
        self.workers.remove(worker)
        try:
            await worker.waiting
        finally:
            await worker.engine.stop()

    async def kill(self, worker: Worker) -> None:
        """End a worker as SIGKILL would: its run goes on until its lease is over."""
        self.workers.remove(worker)
        worker.waiting.cancel()
        await asyncio.wait([worker.waiting])
        await worker.engine.abandon()

    async def outlive(self) -> None:
        """Let the lease of those run out that are killed or stand still."""
        for _ in range(5):
            await self.clock.advance(LEASE / 4)

    def event(self, text: str, *, user: str = "alice", chat: str = "room", **more: Any) -> Event:
        """Return what the platform delivers if somebody says `text`."""
        identity = more.pop("id", None) or f"event-{next(self._numbers)}"
        message = Message(text, User(user), Chat(chat, "group"), id=identity, **more)
        return Event(identity, message, origin=identity)

    def texts(self, chat: str = "room") -> list[str]:
        """Return what was sent to a chat."""
        return [reply.text for reply in self.delivered if reply.chat == chat and not reply.preview]


@contextlib.asynccontextmanager
async def office(bot: Interface, number: int = 2, **options: Any) -> AsyncGenerator[Office]:
    """Let so many workers run; those that are still there are stopped in the end."""
    made = Office(bot, **options)
    try:
        for _ in range(number):
            await made.start()
        yield made
    finally:
        for worker in list(made.workers):
            worker.thaw()
            await made.stop(worker)


async def settled(receipts: list[Receipt]) -> None:
    """Return when all of these are settled."""
    for receipt in receipts:
        await receipt.settled()
