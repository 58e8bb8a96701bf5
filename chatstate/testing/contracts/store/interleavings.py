"""The store's contract: three runs that share, freeze, die and are replaced, in random order.

1. Each of them does what an engine does, one verb after the other: it takes up conversations,
   stores what arrives, handles events, sends replies, lets go. It may stand still before any verb,
   and be killed within one.
2. Whatever happens, each event takes effect once, in the order of its conversation, and no update
   of a shared value is lost.
3. Each reply is sent, in order. One is sent twice only if whoever does so is told that it may be.
"""

# ruff: noqa: S101, S311 - a test suite, and no secrets

from __future__ import annotations

import asyncio
import json
from collections import Counter, defaultdict
from pathlib import Path
from random import Random

from chatstate.errors import LeaseLostError
from chatstate.messages import Event
from chatstate.scope import Key
from chatstate.stores.base import Arrival, Change, Filter, Settled, TurnCommit
from chatstate.testing.contracts.store.late import adding
from chatstate.testing.contracts.store.session import Session, event, global_key
from chatstate.testing.contracts.store.workers import Workers, WorkersSuite

SEEDS, EVENTS, CHATS, RUNS = 60, 60, 4, 3
OFTEN, SOMETIMES, RARELY = 0.7, 0.4, 0.1
COUNT = global_key("a")


class World:
    """What is outside of the store: a platform that delivers until told, and sees what is sent."""

    def __init__(self, random: Random, workers: Workers) -> None:
        self.random = random
        self.workers = workers
        self.undelivered: list[Event] = []
        self.sent: defaultdict[int, list[int]] = defaultdict(list)

    def say(self, number: int) -> None:
        """Let somebody say something."""
        self.undelivered.append(event(str(number), chat=str(self.random.randrange(CHATS))))

    def next_event(self) -> Event | None:
        """Return what is to be delivered next, maybe for the second time."""
        return self.undelivered[0] if self.undelivered else None

    def delivered(self, event: Event) -> None:
        """Note that an event is durable."""
        if event in self.undelivered:
            self.undelivered.remove(event)

    def receive(self, conversation: int, turn: int, *, may_be_there: bool) -> None:
        """Note a reply that was sent."""
        assert may_be_there or turn not in self.sent[conversation], "sent twice"
        if turn not in self.sent[conversation]:
            self.sent[conversation].append(turn)


class Worker:
    """A run, and what it does."""

    def __init__(self, world: World, session: Session) -> None:
        self._world = world
        self._session = session
        self._held: set[int] = set()
        self._alive_until = world.workers.time.now + session.run.lease
        self._goes = asyncio.Event()
        self._goes.set()
        self._task: asyncio.Task[None] | None = None

    def begin(self) -> None:
        """Work, until killed."""
        self._task = asyncio.create_task(self._run())

    @property
    def is_over(self) -> bool:
        """Whether it was told that it is dead."""
        return self._task is not None and self._task.done()

    async def kill(self) -> None:
        """End it where it is."""
        if self._task:
            self._task.cancel()
            await asyncio.wait([self._task])
            if not self._task.cancelled():
                self._task.result()

    def freeze_or_thaw(self) -> None:
        """Let it stand still from now on, or go on."""
        if self._goes.is_set():
            self._goes.clear()
        else:
            self._goes.set()

    async def _run(self) -> None:
        steps = [self._claim, self._receive, self._handle, self._handle, self._send, self._release]
        while self._may_go_on():
            step = self._world.random.choice(steps)
            try:
                await self._goes.wait()
                await self._beat()
                await step()
            except LeaseLostError:
                return

    def _may_go_on(self) -> bool:
        return self._world.workers.time.now < self._alive_until

    async def _beat(self) -> None:
        asked_at = self._world.workers.time.now
        await self._session.store.beat()
        self._alive_until = asked_at + self._session.run.lease

    async def _claim(self) -> None:
        claims = await self._session.store.claim(self._world.random.randint(1, CHATS))
        self._held.update(claim.conversation for claim in claims)

    async def _receive(self) -> None:
        arriving = self._world.next_event()
        if arriving:
            (stored,) = await self._session.ingest(arriving)
            self._world.delivered(arriving)
            if stored.arrival:
                self._held.add(stored.arrival.place.conversation)

    def _some(self) -> int | None:
        return self._world.random.choice(sorted(self._held)) if self._held else None

    async def _handle(self) -> None:
        """Handle the next event of a conversation: note its number there, and count it."""
        conversation = self._some()
        if conversation is None:
            return
        for arrival in await self._session.store.events(conversation, 0, 1):
            await self._goes.wait()
            (outcome,) = await self._session.commit(await self._turn(arrival))
            if outcome == "fenced":
                self._held.discard(conversation)

    async def _turn(self, arrival: Arrival) -> TurnCommit:
        session = self._session
        seen = await _append(session, arrival)
        if self._world.random.random() < 1 / 2:
            return adding(session, arrival, seen)
        before = await session.value(COUNT)
        count = session.change(COUNT, before, str(int(before.text) + 1 if before else 1))
        return session.turn(arrival, seen, count, owed=[session.reply(arrival)])

    async def _send(self) -> None:
        conversation = self._some()
        if conversation is None:
            return
        for owed in await self._session.store.take(conversation, 0, 1):
            await self._goes.wait()
            if self._may_go_on():
                may_be_there = owed.begun_at is not None
                self._world.receive(conversation, owed.turn, may_be_there=may_be_there)
                self._session.store.settle(Settled(conversation, owed.turn, owed.part))

    async def _release(self) -> None:
        conversation = self._some()
        if conversation is not None:
            self._held.difference_update(await self._session.store.release([conversation]))

    async def drain(self) -> None:
        """Do all that is left."""
        while claims := await self._session.store.claim(CHATS):
            self._held.update(claim.conversation for claim in claims)
        while self._world.undelivered:
            await self._receive()
        while await self._is_busy():
            await self._handle()
            await self._send()

    async def _is_busy(self) -> bool:
        store = self._session.store
        return bool(await store.list("inbox") or await store.list("outbox"))


class InterleavingsContract(WorkersSuite):
    """Several runs at once, whatever happens to them.

    `seeds`: how often that is tried; a store whose verbs take long may try less.
    """

    seeds = SEEDS

    async def test_whatever_happens_nothing_is_lost_doubled_or_out_of_order(
        self, tmp_path: Path
    ) -> None:
        """Three runs at a time share, freeze, die, are buried and are replaced."""
        for seed in range(self.seeds):
            folder = tmp_path / str(seed)
            folder.mkdir()
            async with self.workers(folder) as workers:
                world = World(Random(seed), workers)
                await _live(world)
                session = await workers.start()
                workers.time.now += 2 * session.run.lease
                await Worker(world, session).drain()
                await _check(world, session)


async def _live(world: World) -> None:
    """Let three runs work, and things happen to them."""
    running = [await _start(world) for _ in range(RUNS)]
    lease = world.workers.lease
    for number in range(EVENTS):
        world.say(number)
        for _ in range(world.random.randint(1, 30)):
            await asyncio.sleep(0)
        happens = world.random.random()
        if happens < OFTEN:
            world.workers.time.now += lease / 5
        worker = world.random.choice(running)
        if happens < SOMETIMES:
            worker.freeze_or_thaw()
        if happens < RARELY or worker.is_over:
            await worker.kill()
            running[running.index(worker)] = await _start(world)
    for worker in running:
        await worker.kill()


async def _start(world: World) -> Worker:
    worker = Worker(world, await world.workers.start())
    worker.begin()
    return worker


async def _check(world: World, session: Session) -> None:
    """Compare what the store holds with what was delivered, and with what was sent."""
    values = await session.store.list("states", Filter(scope="thread"))
    seen = {entry.key.place: json.loads(entry.body) for entry in values if entry.key}
    handled = Counter(identity for events in seen.values() for _, identity in events)
    assert handled == Counter(str(number) for number in range(EVENTS))
    assert await session.text(COUNT) == str(EVENTS)
    for conversation, events in seen.items():
        numbers = [number for number, _ in events]
        assert numbers == sorted(numbers)
        assert world.sent[conversation] == numbers


def _seen(conversation: int) -> Key:
    return Key("bot", "thread", "seen", conversation, 0)


async def _append(session: Session, arrival: Arrival) -> Change:
    """Return the change that notes an event in its conversation."""
    key = _seen(arrival.place.conversation)
    before = await session.value(key)
    seen = [*json.loads(before.text if before else "[]"), [arrival.seq, arrival.event.id]]
    return session.change(key, before, json.dumps(seen))
