"""How many turns of a handler run at once."""

import asyncio
from typing import Any

import pytest
from support import FAILED, query, texts

from chatstate import Global, Interface, Ref
from chatstate.testing import TestClient


class Workshop:
    """A bot whose /work waits inside, and notes how many are in."""

    def __init__(self, limit: int, **options: Any) -> None:
        self.bot = Interface(id="bot")
        self.inside = self.most = 0
        self.entered = asyncio.Queue[str]()
        self.left = asyncio.Event()
        self.bot.command(concurrency_limit=limit, **options)(self.work)
        self.bot.on_message(self.talk)

    async def work(self, name: str, total: Global[Ref[int]]) -> str:
        """Work."""
        self.inside += 1
        self.most = max(self.most, self.inside)
        try:
            await self.entered.put(name)
            await self.left.wait()
        finally:
            self.inside -= 1
        total.value += 1
        return f"{total.value}"

    async def talk(self, text: str) -> str:
        return text


async def test_no_more_turns_of_a_handler_run_at_once() -> None:
    """In all chats together; the others wait, and nobody else does."""
    shop = Workshop(2)
    async with TestClient(shop.bot) as client:
        people = [client.user(str(number)) for number in range(6)]
        working = [asyncio.create_task(texts(person, "/work x")) for person in people]
        for _ in range(2):
            await shop.entered.get()
        assert await texts(client.user("other"), "hi") == ["hi"]
        assert shop.inside == 2
        shop.left.set()
        answers = await asyncio.gather(*working)
        assert sorted(int(text) for (text,) in answers) == [1, 2, 3, 4, 5, 6]
    assert shop.most == 2


async def test_turns_that_wait_keep_nobody_from_running() -> None:
    """They take none of the engine's places."""
    shop = Workshop(1)
    async with TestClient(shop.bot, running_limit=2) as client:
        working = [asyncio.create_task(client.user(str(n)).say("/work x")) for n in range(9)]
        await shop.entered.get()
        assert await texts(client.user("other"), "hi") == ["hi"]
        shop.left.set()
        await asyncio.gather(*working)


async def test_waiting_is_not_the_handlers_time() -> None:
    """Who waits for a place for long has its whole timeout then."""
    shop = Workshop(1, timeout=100)
    async with TestClient(shop.bot) as client:
        first = asyncio.create_task(texts(client.user("a"), "/work a"))
        await shop.entered.get()
        await client.advance(90)
        second = asyncio.create_task(texts(client.user("b"), "/work b"))
        await client.advance(11)
        assert await first == [FAILED]
        assert await shop.entered.get() == "b"
        await client.advance(90)
        shop.left.set()
        assert await second == ["1"]


async def test_a_turn_that_is_given_up_frees_its_place() -> None:
    """Though its handler goes on: the next one comes in."""
    bot, entered, left = Interface(id="bot"), asyncio.Queue[str](), asyncio.Event()

    @bot.command(concurrency_limit=1, timeout=10)
    async def stubborn(name: str) -> str:
        await entered.put(name)
        while not left.is_set():
            try:
                await left.wait()
            except asyncio.CancelledError:
                continue
        return name

    async with TestClient(bot) as client:
        first = asyncio.create_task(texts(client.user("a"), "/stubborn a"))
        assert await entered.get() == "a"
        second = asyncio.create_task(texts(client.user("b"), "/stubborn b"))
        await client.advance(11)
        assert await first == [FAILED]
        assert await entered.get() == "b"
        left.set()
        assert await second == ["b"]
        third = asyncio.create_task(texts(client.user("c"), "/stubborn c"))
        assert await entered.get() == "c"
        assert await third == ["c"]


async def test_a_turn_that_is_interrupted_while_it_waits_takes_no_place() -> None:
    """Nor was it had, if there is a limit: it never began."""
    bot, entered, left = Interface(id="bot"), asyncio.Queue[str](), asyncio.Event()

    @bot.on_message(concurrency_limit=1, limits="2/hour", overlap="interrupt")
    async def work(text: str) -> str:
        await entered.put(text)
        await left.wait()
        return text

    async with TestClient(bot) as client:
        alice, bob = client.user("alice"), client.user("bob")
        working = asyncio.create_task(texts(alice, "a"))
        await entered.get()
        first = asyncio.create_task(texts(bob, "b"))
        while query(client, "SELECT count(*) FROM inbox") != [(2,)]:
            await asyncio.sleep(0)
        second = asyncio.create_task(texts(bob, "c"))
        assert await first == []
        left.set()
        assert (await working, await second) == (["a"], ["c"])
        assert await texts(bob, "d") == ["d"]
        assert await texts(bob, "e") == [
            "That was often enough for now. Please try again in 60 min."
        ]


@pytest.mark.parametrize("limit", [1, 3])
async def test_turns_that_fight_for_values_and_places_all_come_through(limit: int) -> None:
    """Locks and places are never waited for in a circle."""
    bot = Interface(id="bot")

    @bot.command(concurrency_limit=limit)
    async def total_first(total: Global[Ref[int]], other: Global[Ref[str]]) -> None:
        await asyncio.sleep(0)
        total.value += 1
        other.value += "1"

    @bot.command(concurrency_limit=limit)
    async def other_first(other: Global[Ref[str]], total: Global[Ref[int]]) -> None:
        await asyncio.sleep(0)
        other.value += "2"
        total.value += 1

    @bot.on_message
    async def show(_text: str, total: Global[Ref[int]], other: Global[Ref[str]]) -> str:
        return f"{total.value} {len(other.value)}"

    async with TestClient(bot) as client:
        people = [client.user(str(number)) for number in range(40)]
        said = [
            person.say(("/total_first", "/other_first")[n % 2])
            for n, person in enumerate(people * 3)
        ]
        await asyncio.gather(*said)
        assert await texts(client.user("x"), "?") == ["120 120"]
