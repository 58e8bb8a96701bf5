"""The wall clock is set forward or back while a bot runs: nothing ends, or waits, for that."""

import asyncio
import time
from typing import Annotated

import pytest
from msgspec.structs import replace
from support import FAILED, query, texts

from chatstate import Interface, Ref, RetryAfter, State
from chatstate.clock import SystemClock
from chatstate.testing import FakePlatform, TestClient
from chatstate.testing.platform import FULL

HOUR = 3600.0
STEPS = pytest.mark.parametrize("step", [24 * HOUR, -HOUR], ids=["a day forward", "an hour back"])


class Slow:
    """A bot that answers when the test says so."""

    def __init__(self) -> None:
        self.bot = Interface(id="slow")
        self.bot.on_message(timeout=30)(self.work)
        self.entered = asyncio.Event()
        self.gate = asyncio.Event()

    async def work(self, message: str) -> str:
        if message == "wait":
            self.entered.set()
            await self.gate.wait()
        return message


def step_by(client: TestClient, seconds: float) -> None:
    """Set the wall clock, by so many seconds."""
    client.clock.set(client.clock.time() + seconds)


@STEPS
async def test_a_running_turn_has_its_time(step: float) -> None:
    """It is given up when that is over, and not before."""
    made = Slow()
    async with TestClient(made.bot) as client:
        for gives_up in (False, True):
            said = asyncio.create_task(texts(client.user("alice"), "wait"))
            await made.entered.wait()
            step_by(client, step)
            await client.advance(28)
            assert not said.done()
            if gives_up:
                await client.advance(4)
            made.gate.set()
            assert await said == [FAILED if gives_up else "wait"]
            made.entered.clear()
            made.gate.clear()


@STEPS
async def test_an_account_waits_as_long_as_its_platform_asks(step: float) -> None:
    """No longer, and no shorter."""
    made = Slow()
    async with TestClient(made.bot) as client:
        client.platform.fail_next(RetryAfter(60, account=True))
        first = asyncio.create_task(texts(client.user("alice"), "a"))
        while not client.platform.tries:
            await asyncio.sleep(0)
        step_by(client, step)
        second = asyncio.create_task(texts(client.user("bob"), "b"))
        await client.advance(59)
        assert client.platform.delivered == []
        await client.advance(2)
        assert (await first, await second) == (["a"], ["b"])


@STEPS
async def test_what_could_not_be_sent_is_sent_again_as_soon(step: float) -> None:
    """Its pauses are what they were."""
    made = Slow()
    async with TestClient(made.bot) as client:
        client.platform.fail_next(RetryAfter(10))
        said = asyncio.create_task(texts(client.user("alice"), "a"))
        while not client.platform.tries:
            await asyncio.sleep(0)
        step_by(client, step)
        await client.advance(11)
        assert await said == ["a"]


@STEPS
async def test_typing_is_shown_as_often(step: float) -> None:
    """And not before it is due."""
    made = Slow()
    platform = FakePlatform(capabilities=replace(FULL, typing=5.0))
    async with TestClient(made.bot, platform=platform) as client:
        said = asyncio.create_task(texts(client.user("alice"), "wait"))
        await made.entered.wait()
        step_by(client, step)
        await client.advance(0.3)
        assert platform.typing == []
        for _ in range(7):
            await client.advance(4)
            step_by(client, step)
        assert 6 <= len(platform.typing) <= 8
        made.gate.set()
        assert await said == ["wait"]


@STEPS
async def test_the_engine_looks_after_its_store_as_often(step: float) -> None:
    """Old rows go at their time."""
    made, looked = Slow(), list[float]()
    async with TestClient(made.bot) as client:
        prune = client._store.prune

        async def counted() -> None:
            looked.append(client.clock.monotonic())
            await prune()

        client._store.prune = counted  # type: ignore[method-assign]  # it counts
        step_by(client, step)
        while len(looked) < 2:
            await client.advance(1)
        assert 59 <= looked[0] < looked[1] < HOUR / 2  # every minute, if the machine is not busy


@STEPS
async def test_a_limit_does_not_outlast_a_clock_that_was_set(step: float) -> None:
    """What is kept of it has the wall clock's time; it lets in rather than shuts out."""
    bot = Interface(id="bot")

    @bot.on_message(limits="1/minute")
    def answer(message: str) -> str:
        return message

    async with TestClient(bot) as client:
        alice = client.user("alice")
        assert await texts(alice, "a") == ["a"]
        assert len(await texts(alice, "b")) == 1
        step_by(client, step)
        assert await texts(alice, "c") == ["c"]
        (refused,) = await texts(alice, "d")
        assert refused != "d"
        await client.advance(61)
        assert await texts(alice, "e") == ["e"]


async def test_a_reply_begun_in_the_future_may_have_been_sent_before_a_crash() -> None:
    """The clock was set back meanwhile: nobody knows whether its key is still known."""
    bot = Interface(id="bot")
    bot.on_message(lambda: "a")
    platform = FakePlatform(idempotent_for=60.0)
    async with TestClient(bot, platform=platform, on_ambiguous="hold") as client:
        platform.stall()
        await client.deliver_all([client.user("alice").event("hi")])
        while not platform.tries:
            await asyncio.sleep(0)
        await client.crash()
        platform.recover()
        step_by(client, -HOUR)
        await client.start()
        await client.restart()  # by then it is noted what became of it
        assert platform.delivered == []
        assert query(client, "SELECT error FROM dead_letters") == [
            ("held: it may have been sent before a crash",)
        ]


async def test_state_expires_by_the_wall_clock() -> None:
    """Its end is stored, and must mean the same to the next process."""
    bot = Interface(id="bot")

    @bot.on_message
    async def count(seen: Annotated[Ref[int], State(0, ttl=HOUR)]) -> str:
        seen.value += 1
        return str(seen.value)

    async with TestClient(bot) as client:
        assert await texts(client.user("alice"), "a") == ["1"]
        step_by(client, 2 * HOUR)
        assert await texts(client.user("alice"), "a") == ["1"]


def test_the_machines_monotonic_clock_is_not_its_wall_clock(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Who sets the one does not touch the other."""
    clock = SystemClock()
    before, now = clock.monotonic(), time.time()
    monkeypatch.setattr(time, "time", lambda: now + 24 * HOUR)
    assert clock.time() >= now + 24 * HOUR
    assert 0 <= clock.monotonic() - before < HOUR
