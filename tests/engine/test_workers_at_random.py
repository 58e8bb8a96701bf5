"""Several engines on one store, killed and frozen at random: nothing is lost or doubled."""

import asyncio
import itertools
import os
from collections import defaultdict
from random import Random
from typing import Any

import pytest
from engine.workers import LEASE, Office, Worker, office, settled, until

from chatstate import Event, Global, Interface, PerChat, PerMember, Ref, Turn
from chatstate.adapter import Receipt
from chatstate.errors import LeaseLostError

SEEDS = range(1_000 if os.environ.get("CHATSTATE_LONG") else 12)
STEPS = 60
WORKERS = 3
CHATS = 4
Lane = tuple[str, str | None]
SET_ASIDE = 3  # crashes while an event runs alone, or a reply is sent alone


def counting() -> Interface:
    """Return a bot that answers with all that was said, and counts what everybody says."""
    bot = Interface(id="bot")

    @bot.on_message
    async def remember(
        message: str,
        turn: Turn,
        said: PerMember[list[str]],
        ours: PerChat[list[str]],
        everybody: Global[Ref[int]],
    ) -> str:
        said.append(message)
        ours.append(message)
        for _ in range(int(message) % 4):
            await asyncio.sleep(0)
        everybody.value += 1
        turn.apply(float, lambda value: value + 1)
        return " ".join(said)

    @bot.command
    async def show(
        ours: PerChat[list[str]], everybody: Global[Ref[int]], applied: Global[Ref[float]]
    ) -> str:
        return f"{len(ours)} {everybody.value} {applied.value:g}"

    return bot


class Story:
    """What happens to the workers of an office, by a seed."""

    def __init__(self, workers: Office, seed: int) -> None:
        self.office = workers
        self.random = Random(seed)
        self.numbers = itertools.count()
        self.words: dict[str, str] = {}
        self.given: list[tuple[Event, Worker, asyncio.Task[list[Receipt]]]] = []
        self.late: list[str] = []

    @property
    def awake(self) -> list[Worker]:
        """The workers that go on."""
        return [worker for worker in self.office.workers if not worker.is_frozen]

    async def happen(self) -> None:
        """Let one thing happen."""
        things = [self.say] * 8 + [self.again] + [self.pause] * 4 + [self.wait] * 2
        things += [self.kill, self.freeze, self.thaw, self.start]
        await self.random.choice(things)()

    async def say(self) -> None:
        """Deliver a new event to any worker, as platforms do that call whichever answers."""
        number = next(self.numbers)
        thread = self.random.choice([None, "thread"])
        event = self.office.event(str(number), chat=str(number % CHATS), thread=thread)
        self.words[event.id] = str(number)
        self._give(event)

    async def again(self) -> None:
        """Deliver an event again."""
        if self.given:
            self._give(self.random.choice(self.given)[0])

    def _give(self, event: Event) -> None:
        if self.awake:
            worker = self.random.choice(self.awake)
            self.given.append((event, worker, asyncio.create_task(worker.deliver(event))))

    async def pause(self) -> None:
        """Let them work for a moment."""
        for _ in range(self.random.randint(1, 30)):
            await asyncio.sleep(0)

    async def wait(self) -> None:
        """Let some time pass."""
        await self.office.clock.advance(self.random.random() * LEASE / 2)

    async def start(self) -> None:
        """Start one more worker."""
        if len(self.office.workers) < WORKERS:
            await self.office.start()

    async def kill(self) -> None:
        """Kill a worker, unless it is the last, or an event would seem to have done it."""
        if len(self.awake) > 1 and self._is_innocent():
            worker = self.random.choice(self.office.workers)
            self._note(worker)
            await self.office.kill(worker)

    async def freeze(self) -> None:
        """Let a worker stand still."""
        if len(self.awake) > 1 and self._is_innocent():
            self.random.choice(self.awake).freeze()

    async def thaw(self) -> None:
        """Let one go on that stood still; it may be told that it is dead."""
        frozen = [worker for worker in self.office.workers if worker.is_frozen]
        if frozen:
            await self._thaw(self.random.choice(frozen))

    async def _thaw(self, worker: Worker) -> None:
        run = worker.store._opened
        assert run
        worker.thaw()
        await until(lambda: run.is_over or run.until > self.office.clock.time())
        if run.is_over:
            self._note(worker)
            with pytest.raises(LeaseLostError):
                await self.office.end(worker)

    def _note(self, worker: Worker) -> None:
        self.late += worker.platform.late

    def _is_innocent(self) -> bool:
        data = self.office.data
        events = [row.crashes for line in data.waiting.values() for row in line.values()]
        replies = [row.owed.crashes for line in data.lines.values() for row in line.values()]
        return max(events + replies, default=0) < SET_ASIDE

    async def end(self) -> None:
        """Let all go on, deliver again what nobody has taken, and wait for the last reply."""
        for worker in list(self.office.workers):
            if worker.is_frozen:
                await self._thaw(worker)
        await self.office.outlive()
        last = self.awake[0]
        receipts: list[Receipt] = []
        for event, worker, task in self.given:
            if worker in self.office.workers:
                receipts += await task
            else:
                task.cancel()
                await asyncio.wait([task])
            receipts += await last.deliver(event)
        await until_done(asyncio.ensure_future(settled(receipts)), self.office)
        for worker in self.office.workers:
            self._note(worker)

    def expected(self) -> dict[Lane, list[str]]:
        """Return what is to be answered, by what the inbox says of the order of what came."""
        data = self.office.data
        said: defaultdict[Lane, list[str]] = defaultdict(list)
        for row in data.events.values():
            lane = data.conversations[row.conversation]
            said[data.chats[lane.chat].platform_id, lane.thread or None].append(
                self.words[row.event_id]
            )
        return {
            lane: [" ".join(words[: end + 1]) for end in range(len(words))]
            for lane, words in said.items()
        }


async def until_done(task: "asyncio.Future[Any]", workers: Office) -> None:
    """Let time pass until it is done."""
    while not task.done():
        await workers.clock.advance(1)
    task.result()


@pytest.mark.parametrize("seed", SEEDS)
async def test_nothing_is_lost_doubled_or_out_of_order(seed: int) -> None:
    """Whatever becomes of the workers: each event once, in order, and no update lost."""
    async with office(counting(), WORKERS) as workers:
        story = Story(workers, seed)
        for _ in range(STEPS):
            await story.happen()
        await story.end()
        expected = story.expected()
        for lane, texts in expected.items():
            sent = [reply for reply in workers.delivered if (reply.chat, reply.thread) == lane]
            assert [reply.text for reply in sent] == texts
        assert set(story.words) == {row.event_id for row in workers.data.events.values()}
        assert not workers.data.letters
        assert not story.late
        every = sum(len(texts) for texts in expected.values())
        here = sum(len(texts) for (chat, _), texts in expected.items() if chat == "0")
        receipts = await workers.workers[0].deliver(workers.event("/show", chat="0"))
        await until_done(asyncio.ensure_future(settled(receipts)), workers)
        assert workers.texts("0")[-1] == f"{here} {every} {every}"
