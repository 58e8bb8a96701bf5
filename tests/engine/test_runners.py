"""What the author of a handler may do with tasks and contexts, and what that reaches."""

import asyncio
import contextvars
from typing import Any

import pytest
from support import texts

from chatstate import Interface, PerMember
from chatstate.engine.runners import Run, Runners
from chatstate.engine.threads import HandlerThreads
from chatstate.testing import TestClient

FAILED = "Sorry, something went wrong. Nothing was changed."


def current() -> "asyncio.Task[Any]":
    task = asyncio.current_task()
    assert task
    return task


@pytest.mark.parametrize("waits", [False, True])
async def test_a_task_that_a_handler_kept_reaches_no_other_turn(waits: bool) -> None:
    """Whether or not the handler has waited in it: who cancels it later cancels nobody's turn."""
    bot, kept = Interface(id="bot"), []
    entered, gate = asyncio.Event(), asyncio.Event()

    @bot.command
    async def keep() -> str:
        kept.append(current())
        if waits:
            await asyncio.sleep(0)
        return "kept"

    @bot.command
    async def wait() -> str:
        entered.set()
        await gate.wait()
        return "waited"

    async with TestClient(bot) as client:
        alice, bob = client.user("alice"), client.user("bob")
        assert await texts(alice, "/keep") == ["kept"]
        waiting = asyncio.create_task(texts(bob, "/wait"))
        await entered.wait()
        kept[0].cancel()
        await asyncio.sleep(0)
        gate.set()
        assert await waiting == ["waited"]


async def test_a_task_kept_among_many_reaches_no_other_turn() -> None:
    """Also if all of their events came at once, and one runner could take them all."""
    bot, kept, gate = Interface(id="bot"), [], asyncio.Event()

    @bot.on_message
    async def answer(message: str) -> str:
        if message == "keep":
            kept.append(current())
            return "kept"
        await gate.wait()
        return message

    async with TestClient(bot) as client:
        people = [client.user(str(number)) for number in range(9)]
        events = [person.event("keep" if n == 4 else "wait") for n, person in enumerate(people)]
        receipts = await client.deliver_all(events)
        while not kept:
            await asyncio.sleep(0)
        for _ in range(20):
            await asyncio.sleep(0)
        kept[0].cancel()
        gate.set()
        await asyncio.gather(*(receipt.settled() for receipt in receipts))
        assert sorted(sent.text for sent in client.platform.delivered) == ["kept", *["wait"] * 8]


@pytest.mark.parametrize("waits", [False, True])
async def test_a_handler_that_cancels_its_own_task_has_failed(waits: bool) -> None:
    """Its event is a dead letter, and the conversation goes on."""
    bot = Interface(id="bot")

    @bot.on_message
    async def answer(message: str, kept: PerMember[list[str]]) -> str:
        kept.append(message)
        if message == "bad":
            current().cancel()
            if waits:
                await asyncio.sleep(0)
        return " ".join(kept)

    async with TestClient(bot, raise_errors=False) as client:
        alice = client.user("alice")
        assert await texts(alice, "a") == ["a"]
        assert await texts(alice, "bad") == [FAILED]
        assert await texts(alice, "b") == ["a b"]


async def test_each_turn_has_a_context_of_its_own_in_every_step() -> None:
    """What a handler sets is there after it has waited, and nowhere else."""
    bot = Interface(id="bot")
    said: contextvars.ContextVar[str] = contextvars.ContextVar("said", default="nothing")
    together = asyncio.Barrier(3)

    @bot.on_message
    async def answer(message: str) -> str:
        before = said.get()
        said.set(message)
        await together.wait()
        in_a_task = await asyncio.create_task(inner())
        return f"{before} {said.get()} {in_a_task}"

    async def inner() -> str:
        return said.get()

    async with TestClient(bot) as client:
        people = [client.user(name) for name in "abc"]
        for _ in range(2):
            answers = await asyncio.gather(*(texts(p, p.user.name) for p in people))
            assert answers == [[f"nothing {name} {name}"] for name in "abc"]


async def test_a_sync_handler_has_the_context_of_its_turn() -> None:
    """And what it sets stays its own."""
    bot = Interface(id="bot")
    said: contextvars.ContextVar[str] = contextvars.ContextVar("said", default="nothing")

    @bot.on_message
    def answer(message: str) -> str:
        before = said.get()
        said.set(message)
        return f"{before} {said.get()}"

    async with TestClient(bot) as client:
        alice = client.user("alice")
        assert await texts(alice, "a") == ["nothing a"]
        assert await texts(alice, "b") == ["nothing b"]


@pytest.mark.parametrize(
    "error", [GeneratorExit, SystemExit, KeyboardInterrupt, StopAsyncIteration]
)
async def test_whatever_a_handler_raises_its_conversation_goes_on(
    error: type[BaseException],
) -> None:
    """What belongs to the engine is not told from the author's by its type."""
    bot = Interface(id="bot")

    @bot.on_message
    async def answer(message: str) -> str:
        if message == "bad":
            raise error
        return message

    async with TestClient(bot, raise_errors=False) as client:
        alice = client.user("alice")
        assert await texts(alice, "bad") == [FAILED]
        assert await texts(alice, "good") == ["good"]


class Errand:
    """A job of nothing but a run."""

    run: Run[Any] | None = None


async def test_what_comes_after_the_end_begins_no_task() -> None:
    """As what a turn owes that ends while all are cancelled: nobody would end that task."""
    carried_out: list[Errand] = []

    async def carry_out(errand: Errand) -> None:
        carried_out.append(errand)

    runners = Runners[Errand](lambda errand, _: carry_out(errand), HandlerThreads())
    before = asyncio.all_tasks()
    first = Errand()
    runners.add(first)
    while not carried_out:
        await asyncio.sleep(0)
    ending = runners.cancel_all()
    runners.add(Errand())
    await asyncio.wait(ending)
    await asyncio.sleep(0)
    assert (carried_out, asyncio.all_tasks() - before) == ([first], set())
