"""Handlers begin before their events are durable, on a disk that fails and in a process that dies.

Nothing that was acknowledged is lost, nothing is doubled, and each conversation keeps its order.
"""

import asyncio
import functools
import itertools
import os
import sqlite3
from collections import Counter, defaultdict
from collections.abc import Callable, Coroutine, Sequence
from datetime import timedelta
from pathlib import Path
from random import Random
from typing import Annotated, Any

import pytest
from support import query

from chatstate import Chat, Event, Global, Interface, PerChat, Ref, State, Turn
from chatstate.adapter import Receipt
from chatstate.stores.sqlite import group_commit
from chatstate.stores.sqlite.disk import Disk
from chatstate.stores.sqlite.transactions import Batch, Transactions, Work
from chatstate.testing import FakePlatform, TestClient

SEEDS = range(1_000 if os.environ.get("CHATSTATE_LONG") else 4)
STEPS = 60
CHATS = 3
SET_ASIDE = 3  # crashes in a row, of an event that runs alone
_LEFT = """SELECT 1 FROM inbox WHERE done_at IS NULL
    UNION ALL SELECT 1 FROM outbox UNION ALL SELECT 1 FROM timers"""
FAULTS = (sqlite3.SQLITE_FULL, sqlite3.SQLITE_BUSY, sqlite3.SQLITE_IOERR)


class Disks:
    """A disk that fails at random, while it is `bad`: so does work that is taken along."""

    def __init__(self, random: Random, patch: pytest.MonkeyPatch) -> None:
        self.random = random
        self.bad = True
        self.along = self.beside = 0
        commit, begin = Disk.commit, Disk.begin
        run, apply = Transactions.run, Transactions._apply
        spoilt: list[Sequence[Work]] = []

        async def failing(disk: Disk, weight: int) -> None:
            await self._take_time((0, 0, 1, 3))
            await commit(disk, weight)

        async def failing_beside(disk: Disk) -> None:
            await self._take_time((0, 3, 30))
            await begin(disk)

        def beginning(disk: Disk) -> asyncio.Future[None]:
            self.beside += 1
            return asyncio.ensure_future(failing_beside(disk))

        async def running(
            transactions: Transactions, batch: Batch, along: Callable[[], Sequence[Work]]
        ) -> Any:
            def taken_along() -> Sequence[Work]:
                works = along()
                self.along += len(works)
                if works and self._fails():
                    spoilt.append(works)
                return works

            return await run(transactions, batch, taken_along)

        def applying(transactions: Transactions, works: Sequence[Work]) -> Any:
            done = apply(transactions, works)
            if any(works is those for those in spoilt):
                raise sqlite3.IntegrityError("what was taken along fails")
            return done

        patch.setattr(Disk, "commit", failing)
        patch.setattr(Disk, "begin", beginning)
        patch.setattr(Disk, "let_begin", lambda _: None)
        patch.setattr(Transactions, "run", running)
        patch.setattr(Transactions, "_apply", applying)
        patch.setattr(group_commit, "growing_pauses", lambda: itertools.repeat(0.0))

    async def _take_time(self, rounds: Sequence[int]) -> None:
        """Let the loop go on, and fail perhaps."""
        for _ in range(self.random.choice(rounds)):
            await asyncio.sleep(0)
        if self._fails():
            error = sqlite3.OperationalError("the disk fails")
            error.sqlite_errorcode = self.random.choice(FAULTS)
            raise error

    def _fails(self) -> bool:
        return self.bad and self.random.random() < 0.15


def counting() -> Interface:
    """Return a bot that notes what is said, and says it again: at once, later and elsewhere."""
    bot = Interface(id="bot")

    @bot.on_timer
    async def ring(n: int, rung: PerChat[list[int]]) -> str:
        rung.append(n)
        return f"ring {n}"

    @bot.on_message
    async def remember(
        message: str,
        turn: Turn,
        said: PerChat[list[str]],
        mine: Annotated[Ref[int], State(scope="member", name="mine", ttl=0.5)],
        everybody: Global[Ref[int]],
    ) -> str:
        n = int(message)
        said.append(message)
        mine.value += 1
        for _ in range(n % 4):
            await asyncio.sleep(0)
        if n % 2:
            everybody.value += 1
        turn.apply(float, lambda value: value + 1)
        if n % 5 == 0:
            turn.later(timedelta(seconds=1), ring, key=message, n=n)
        if n % 6 == 0:
            await turn.send(f"from {n}", to=Chat(str((n + 1) % CHATS)))
        if n % 7 == 0:
            await turn.step("pay", functools.partial(asyncio.sleep, 0))
        return message

    @bot.command
    async def show(
        said: PerChat[list[str]],
        rung: PerChat[list[int]],
        everybody: Global[Ref[int]],
        applied: Global[Ref[float]],
    ) -> str:
        return f"{' '.join(said)}|{sorted(rung)}|{everybody.value}|{applied.value:g}"

    return bot


class Story:
    """What happens to a bot, by a seed."""

    def __init__(self, client: TestClient, random: Random) -> None:
        self.client = client
        self.random = random
        self.numbers = itertools.count()
        self.crashes = 0
        self.said: dict[str, list[int]] = defaultdict(list)
        self.open: list[tuple[Event, asyncio.Future[Sequence[Receipt]]]] = []
        self.known: list[Event] = []
        self.sends: dict[int, asyncio.Future[Any]] = {}

    async def happen(self) -> None:
        """Let something happen."""
        things: Sequence[Callable[[], Coroutine[Any, Any, None]]] = (
            *[self.say] * 8,
            *[self.pause] * 5,
            self.again,
            self.send,
            self.advance,
            self.crash if self.random.random() < 0.4 else self.restart,
        )
        await self.random.choice(things)()

    async def say(self) -> None:
        """Deliver some new events, in one step."""
        for _ in range(self.random.choice((1, 1, 2, 5))):
            n = next(self.numbers)
            chat = str(self.random.randrange(CHATS))
            self.said[chat].append(n)
            await self._deliver(self.client.user(f"user {n % 2}", chat=chat).event(str(n)))

    async def again(self) -> None:
        """Deliver again what was acknowledged."""
        if self.known:
            await self._deliver(self.random.choice(self.known))

    async def send(self) -> None:
        """Let the bot speak by itself."""
        await self._send(next(self.numbers))

    async def pause(self) -> None:
        """Let the loop go on for some rounds."""
        for _ in range(self.random.choice((1, 2, 3, 5, 40))):
            await asyncio.sleep(0)
        await self._note()

    async def advance(self) -> None:
        """Let time pass, for timers and values that expire."""
        await self.client.clock.advance(1.0)

    async def crash(self) -> None:
        """End the process as it is, start another, and deliver what was not acknowledged."""
        self.crashes += 1
        if self.crashes == SET_ASIDE:
            await self.restart()
            return
        await self.client.crash()
        await self.client.start()
        await self._begin_anew()

    async def restart(self) -> None:
        """Stop as one should, and start: from now on handlers begin early again."""
        self.crashes = 0
        await self.client.restart()
        await self._begin_anew()

    async def _deliver(self, event: Event) -> None:
        host = await self.client.platform.connected()
        self.open.append((event, asyncio.ensure_future(host.deliver([event]))))

    async def _send(self, n: int) -> None:
        chat = Chat(str(n % CHATS))
        sending = self.client.bot.send(chat, f"by itself {n}", key=str(n))
        self.sends[n] = asyncio.ensure_future(sending)

    async def _note(self) -> None:
        """Note what was acknowledged."""
        self.known += [event for event, stored in self.open if stored.done() and stored.result()]
        self.open = [(event, stored) for event, stored in self.open if not stored.done()]

    async def _begin_anew(self) -> None:
        lost = [event for event, stored in self.open if not _is_kept(stored)]
        self.known += [event for event, stored in self.open if _is_kept(stored)]
        unsent = [n for n, sent in self.sends.items() if not _is_kept(sent)]
        for future in (*(stored for _, stored in self.open), *self.sends.values()):
            future.cancel()
        self.open = []
        for event in lost:
            await self._deliver(event)
        for n in unsent:
            await self._send(n)

    async def end(self) -> None:
        """Let all of it be done, by a last run on a disk that does not fail."""
        await self.restart()
        await asyncio.gather(*(stored for _, stored in self.open), *self.sends.values())
        while query(self.client, _LEFT):
            await self.client.advance(1.0)


def _is_kept(future: asyncio.Future[Any]) -> bool:
    return future.done() and not future.cancelled() and future.exception() is None


@pytest.mark.parametrize("few", [8, 0], ids=["along", "beside"])
@pytest.mark.parametrize("seed", SEEDS)
async def test_nothing_is_lost_doubled_or_out_of_order(
    seed: int, few: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever fails: a COMMIT, one that handlers go on beside, what was taken along, a process."""
    random = Random(seed)
    monkeypatch.setattr("chatstate.stores.sqlite.disk._FEW", few)
    monkeypatch.setattr("chatstate.stores.sqlite.group_commit._EARLY", few)
    disks = Disks(random, monkeypatch)
    platform = FakePlatform(idempotent_for=3600.0)
    store = f"sqlite:///{tmp_path / 'a.db'}"
    async with TestClient(counting, store=store, platform=platform) as client:
        story = Story(client, random)
        steps = itertools.count()
        while next(steps) < STEPS or not (disks.along and (disks.beside or few)):
            await story.happen()
        disks.bad = False
        await story.end()
        shown_last = {shown.edits or shown.id: shown for shown in platform.delivered}
        delivered = [shown for shown in shown_last.values() if not shown.preview]
        numbers = sorted(n for said in story.said.values() for n in said)
        odd = sum(n % 2 for n in numbers)
        for chat, said in sorted(story.said.items()):
            (told,) = await client.user("user 0", chat=chat).say("/show")
            rung = [n for n in sorted(said) if n % 5 == 0]
            now = f"{' '.join(map(str, said))}|{rung}|{odd}|{len(numbers)}"
            assert told.text == now
            replies = [shown.text for shown in delivered if shown.chat == chat]
            assert [int(text) for text in replies if text.isdigit()] == said
            rings = sorted(int(text[5:]) for text in replies if text.startswith("ring "))
            assert rings == rung
        others = Counter(shown.text for shown in delivered if shown.text[0] in "fb")
        sixths = [f"from {n}" for n in numbers if n % 6 == 0]
        assert others == Counter([*sixths, *(f"by itself {n}" for n in story.sends)])
