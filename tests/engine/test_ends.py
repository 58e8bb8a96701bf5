"""Ends of turns: whatever an author's code raises, wherever it runs, one turn fails and no more."""

import asyncio
import contextlib
import sqlite3
import threading
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Annotated, Any

import pytest
from engine.ends import answers, around, asked, handlers, values
from engine.ends.charges import (
    CHARGES,
    ENDS_THE_LOOP,
    FAMILIES,
    TYPES,
    Charge,
    Mine,
    Total,
    counting,
    raising,
)
from engine.ends.moments import Moments
from engine.ends.points import Point
from support import FAILED, query, texts

from chatstate import Interface, LifespanError, Message, Ref, State
from chatstate.testing import TestClient

POINTS = [
    *handlers.points,
    *asked.points,
    *values.points,
    *around.points,
    *answers.points,
]
UNFIT = {
    "a_task_that_a_handler_waits_for": ENDS_THE_LOOP,
    "a_handler_in_a_task_of_its_middleware": ENDS_THE_LOOP,
    "a_thread_that_a_handler_waits_for": {"StopIteration"},
}
"""What asyncio cannot take from a task or a thread of an author's own: it stops, or hangs."""


@pytest.mark.parametrize("point", POINTS, ids=lambda point: point.__name__)
async def test_whatever_is_raised_ends_one_turn(point: Point) -> None:
    """At each point: a failed turn or its right result, one sentence, a dead letter, and on."""
    mine = Mine()
    async with TestClient(point(mine), raise_errors=False) as client:
        watched = Watched(client, mine)
        for name in CHARGES.keys() - UNFIT.get(point.__name__, set()):
            await watched.ends_one_turn(name, CHARGES[name])
        await client.restart()
        await watched.ends_one_turn("ValueError", raising("ValueError"))
        await client.crash()
        await client.start()
        await watched.ends_one_turn("ValueError", raising("ValueError"))


@pytest.mark.parametrize(
    "point", [handlers.an_async_handler, handlers.a_sync_handler], ids=lambda point: point.__name__
)
async def test_every_exception_there_is_ends_one_turn(point: Point) -> None:
    """All of Python's, asyncio's, SQLite's and chatstate's."""
    mine = Mine()
    async with TestClient(point(mine), raise_errors=False) as client:
        watched = Watched(client, mine)
        for name in TYPES:
            await watched.ends_one_turn(name, raising(name))


class Watched:
    """A bot with a mine, and how many of its turns went well."""

    def __init__(self, client: TestClient, mine: Mine) -> None:
        self._client = client
        self._mine = mine
        self._counted = 0
        self._dead = 0

    async def ends_one_turn(self, name: str, charge: Charge) -> None:
        """Let a charge go off in a turn of a new person, and see what becomes of it."""
        dead = self._dead
        self._mine.charge = charge
        answer = await self._say()
        assert self._mine.charge is None, f"{name} was never raised"
        if answer == [str(self._counted + 1)]:
            self._counted += 1
        elif answer == [FAILED]:
            dead += 1
        else:
            assert (name, answer) == ("UserError", ["of an author"])
        self._counted += 1
        assert await self._say() == [str(self._counted)], f"after {name}"
        assert letters(self._client) == dead, name
        self._dead = dead

    async def _say(self) -> list[str]:
        person = self._client.user(self._client.new_event_id(), chat="room")
        replies = await person.say(self._mine.said)
        for reply in replies:
            assert [file.data for file in reply.files] in ([], [b"ab"])
        return [reply.text for reply in replies]


def letters(client: TestClient) -> int:
    """Return how many dead letters there are; nothing may wait any more."""
    ((number, waiting),) = query(
        client,
        "SELECT (SELECT count(*) FROM dead_letters),"
        " (SELECT count(*) FROM inbox WHERE done_at IS NULL)",
    )
    assert waiting == 0
    return int(number)


# Ends that come from outside


class Hanging:
    """A bot whose handler hangs at "hang" if there is a charge, which goes off when it is ended."""

    def __init__(self, *, sync: bool = False) -> None:
        self.mine = Mine()
        self.entered = asyncio.Event()
        self.gate = threading.Event()
        self.bot = Interface(id="bot")
        self._loop = asyncio.get_running_loop()
        self.bot.on_message(timeout=30)(self.work_sync if sync else self.work)

    async def work(self, message: str, total: Total) -> str:
        if message == "hang" and (charge := self.mine.take()):
            self.entered.set()
            try:
                await asyncio.Event().wait()
            finally:
                charge()
        return f"{message} {self.mine.counted(total)}"

    def work_sync(self, message: str, total: Total) -> str:
        if message == "hang" and (charge := self.mine.take()):
            self._loop.call_soon_threadsafe(self.entered.set)
            self.gate.wait()
            charge()
        return f"{message} {self.mine.counted(total)}"


@pytest.mark.parametrize("sync", [False, True], ids=["async", "sync"])
async def test_a_turn_that_was_given_up_may_raise_anything(sync: bool) -> None:
    """Its end is what the engine has made of it, and the lane goes on."""
    made = Hanging(sync=sync)
    async with TestClient(made.bot, raise_errors=False) as client:
        for number, charge in enumerate(CHARGES.values(), 1):
            made.mine.charge = charge
            saying = asyncio.create_task(texts(client.user("alice"), "hang"))
            await made.entered.wait()
            await client.advance(31)
            assert await saying == [FAILED]
            made.gate.set()
            assert await texts(client.user("alice"), "good") == [f"good {number}"]
            assert letters(client) == number
            made.entered.clear()
            made.gate.clear()
        assert query(client, "SELECT DISTINCT error FROM dead_letters") == [
            ("TimeoutError: it took more than 30 s",)
        ]


async def test_what_is_raised_because_the_bot_stops_is_no_failure() -> None:
    """Whatever a handler makes of being cancelled, its event runs again at the next start."""
    made = Hanging()
    async with TestClient(made.bot, grace=0.001, raise_errors=False) as client:
        for number, charge in enumerate(CHARGES.values(), 1):
            made.mine.charge = charge
            await client.deliver_all([client.user("alice").event("hang")])
            await made.entered.wait()
            await client.restart()
            assert await texts(client.user("alice"), "good") == [f"good {2 * number}"]
            made.entered.clear()
        assert letters(client) == 0


async def test_a_task_that_is_cancelled_from_elsewhere_at_any_moment() -> None:
    """Its turn has failed, or was over; its conversation goes on."""
    made, counted = Moments(), 0
    async with TestClient(made.bot, raise_errors=False) as client:
        while made.wanted <= len(made.passed):
            made.passed.clear()
            (answer,) = await texts(client.user("alice"), "go")
            counted += answer != FAILED
            assert answer in (FAILED, str(counted)), made.passed
            made.wanted += 1
        assert letters(client) == made.wanted - counted
        assert 1 < counted < made.wanted


# Turns that nobody has asked for, and what is read for later ones


@pytest.mark.parametrize("sync", [False, True], ids=["async", "sync"])
async def test_whatever_on_expire_raises_ends_one_turn(sync: bool) -> None:
    """A dead letter, no sentence since nobody has said anything, and on."""
    mine, told = Mine(), list[int]()

    async def gone(value: int) -> None:
        told.append(value)
        mine.touch()

    def gone_sync(value: int) -> None:
        told.append(value)
        mine.touch()

    seen = State(0, ttl=60, scope="thread", on_expire=gone_sync if sync else gone)
    bot = Interface(id="bot")

    @bot.on_message
    async def count(seen: Annotated[Ref[int], seen]) -> str:
        seen.value += 1
        return str(seen.value)

    async with TestClient(bot, raise_errors=False) as client:
        for number, (name, charge) in enumerate(CHARGES.items(), 1):
            assert await texts(client.user("alice"), "a") == ["1"]
            mine.charge = charge
            await client.advance(61)
            assert len(told) == number
            assert mine.charge is None
            assert letters(client) == number, name
        assert len(client.platform.delivered) == len(CHARGES)
        await client.restart()
        assert await texts(client.user("alice"), "a") == ["1"]


async def test_whatever_a_migration_raises_ends_one_turn(tmp_path: Path) -> None:
    """The value stays as it was, and is read when the migration works."""
    mine, url = Mine(), f"sqlite:///{tmp_path / 'a.db'}"

    def migrate(value: int) -> int:
        mine.touch()
        return value + 10

    def bot(version: int, **options: Any) -> Interface:
        bot = Interface(id="bot")
        seen = State(0, name="seen", type=int, version=version, **options)

        @bot.on_message
        async def count(seen: Annotated[Ref[int], seen]) -> str:
            seen.value += 1
            return str(seen.value)

        return bot

    async with TestClient(bot(1), store=url) as client:
        for name in CHARGES:
            assert await texts(client.user(name), "a") == ["1"]
    async with TestClient(bot(2, migrations={1: migrate}), store=url, raise_errors=False) as client:
        for name, charge in CHARGES.items():
            mine.charge = charge
            person = client.user(name)
            answer = [reply.text for reply in await person.say("b", event_id=f"{name} again")]
            number = 12
            if answer == ["12"]:
                assert name == "its task is cancelled"
                number = 13
            else:
                assert answer == [FAILED]
            answered = await person.say("c", event_id=f"{name} once more")
            assert [reply.text for reply in answered] == [str(number)]


# What decides about other turns


@pytest.mark.parametrize("overlap", ["interrupt", "merge"])
async def test_a_guard_of_a_later_event_ends_no_turn_but_its_own(overlap: Any) -> None:
    """It may be asked while another turn runs; that one does not mind."""
    charges, entered, gate = list[Charge](), asyncio.Event(), asyncio.Event()

    async def may(message: Message) -> bool:
        if message.text == "bad":
            charges[-1]()
            await asyncio.sleep(0)
        return True

    bot = Interface(id="bot")

    @bot.on_message(allow=may, overlap=overlap)
    async def work(message: str) -> str:
        if message == "first":
            entered.set()
            await gate.wait()
        return message

    async with TestClient(bot, raise_errors=False) as client:
        alice = client.user("alice")
        for name, charge in CHARGES.items():
            charges.append(charge)
            events = [alice.event(text) for text in ("first", "bad")]
            receipts = [*await client.deliver_all(events[:1])]
            await entered.wait()
            receipts += await client.deliver_all(events[1:])
            gate.set()
            for receipt in receipts:
                await receipt.settled()
            said = [reply.text for reply in client.platform.delivered]
            told = "of an author" if name == "UserError" else FAILED
            assert said[-2:] == ["first", told], name
            assert await texts(alice, "good") == ["good"], name
            entered.clear()
            gate.clear()


# Lifespans


def lifespan(mine: Mine, where: str, broken: asyncio.Event) -> Callable[[Interface], Any]:
    """Return a lifespan with a mine: at its opening, at its closing, or between."""

    @contextlib.asynccontextmanager
    async def opened(_bot: Interface) -> AsyncIterator[str]:
        if where == "opening":
            mine.touch()
        async with asyncio.TaskGroup() as group:
            waiting = group.create_task(breaking())
            yield "open"
            waiting.cancel()
        if where == "closing":
            mine.touch()

    async def breaking() -> None:
        await broken.wait()
        mine.touch()

    return opened


@pytest.mark.parametrize("name", FAMILIES)
@pytest.mark.parametrize("where", ["opening", "closing", "between"])
async def test_whatever_a_lifespan_raises_the_bot_stops_and_starts_again(
    where: str, name: str, tmp_path: Path
) -> None:
    """It stops as it should, so that nobody is suspected; the error says what was raised."""
    mine, broken, url = Mine(), asyncio.Event(), f"sqlite:///{tmp_path / 'a.db'}"
    bot = counting(lifespan=lifespan(mine, where, broken))
    mine.charge = None if where == "between" and name in ENDS_THE_LOOP else raising(name)
    client = TestClient(bot, store=url, raise_errors=False)
    with contextlib.suppress(LifespanError) if where == "between" else stopping(where):
        async with client:
            assert await texts(client.user("alice"), "a") == ["1"]
            if where == "between":
                broken.set()
                await asyncio.sleep(0)
    with contextlib.closing(sqlite3.connect(tmp_path / "a.db")) as reader:
        assert reader.execute("SELECT count(*) FROM runs WHERE ended_at IS NULL").fetchone() == (0,)
    async with TestClient(counting(), store=url) as client:
        assert await client.user("alice").say("b", event_id="another")


def stopping(where: str) -> contextlib.AbstractContextManager[object]:
    if where == "opening":
        return pytest.raises(LifespanError, match=r"cannot be opened|while opening")
    return contextlib.nullcontext()
