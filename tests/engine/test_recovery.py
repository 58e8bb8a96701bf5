"""What goes on after a crash or a retry meets what is new: nothing is sent or done twice."""

import asyncio
import contextlib
import sqlite3
from collections.abc import Callable
from typing import Any

from chatstate import Interface, PerMember, Rejected
from chatstate.testing import TestClient
from chatstate.testing.virtual import loop
from chatstate.testing.virtual.client import VirtualClient

FAILED = "Sorry, something went wrong. Nothing was changed."

echo = Interface(id="echo")


@echo.on_message
async def words(message: str) -> list[str]:
    return message.split()


def sent(client: TestClient) -> list[str]:
    return [reply.text for reply in client.platform.delivered]


def query(client: TestClient, statement: str) -> list[Any]:
    path = client.store_url.removeprefix("sqlite:///")
    with contextlib.closing(sqlite3.connect(path)) as connection, connection:
        return connection.execute(statement).fetchall()


async def until(true: Callable[[], bool]) -> None:
    while not true():
        await asyncio.sleep(0)


async def test_new_replies_join_those_from_before_a_crash_and_are_sent_once() -> None:
    """A reply that is committed while older ones are read from the outbox is in both places."""
    async with TestClient(echo) as client:
        alice = client.user("alice")
        client.platform.stall()
        await client.deliver_all([alice.event("a b")])
        await until(lambda: client.platform.tries == 1)
        await client.crash()
        await client.start()
        await until(lambda: client.platform.tries == 2)
        (receipt,) = await client.deliver_all([alice.event("c d")])
        await until(lambda: query(client, "SELECT count(*) FROM outbox") == [(4,)])
        client.platform.recover()
        await receipt.settled()
        await alice.say("e")
        assert sent(client) == ["a", "b", "c", "d", "e"]


def test_a_turn_that_was_read_from_the_inbox_has_its_time() -> None:
    """Whatever store the inbox is in: a handler that never ends is given up after its timeout."""
    slow = Interface(id="slow")

    @slow.on_message(timeout=30)
    async def never(message: str) -> None:
        await asyncio.Event().wait()

    async def story() -> None:
        async with VirtualClient(lambda: slow, raise_errors=False) as client:
            await client.user("alice").say("hi")
            await client.restart()
            await client.advance(60)
            assert sent(client) == [FAILED]

    loop.run(story())


async def test_a_retried_reply_takes_no_sent_one_with_it() -> None:
    """What was sent just before is not read from the outbox again."""
    async with TestClient(echo) as client:
        alice = client.user("alice")
        client.platform.fail_next(Rejected("blocked"))
        await alice.say("a")
        await until(lambda: query(client, "SELECT count(*) FROM dead_letters") == [(1,)])
        query(client, "INSERT INTO requests (verb, letter, asked_at) VALUES ('retry', 1, 0)")
        saying = asyncio.create_task(alice.say("b c d"))
        await client.advance(1)
        await saying
        await until(lambda: "a" in sent(client))
        await alice.say("e")
        assert sorted(sent(client)) == ["a", "b", "c", "d", "e"]


async def test_a_retried_reply_of_a_busy_conversation_is_sent_once() -> None:
    """It goes before what waits, and nothing that waits goes twice."""
    async with TestClient(echo) as client:
        alice = client.user("alice")
        client.platform.fail_next(Rejected("blocked"))
        await alice.say("a")
        await until(lambda: query(client, "SELECT count(*) FROM dead_letters") == [(1,)])
        client.platform.stall()
        (receipt,) = await client.deliver_all([alice.event("b c d")])
        await until(lambda: client.platform.tries == 2)
        query(client, "INSERT INTO requests (verb, letter, asked_at) VALUES ('retry', 1, 0)")
        await client.advance(1)
        await until(lambda: query(client, "SELECT count(*) FROM requests") == [(0,)])
        client.platform.recover()
        await receipt.settled()
        await alice.say("e")
        assert sorted(sent(client)) == ["a", "b", "c", "d", "e"]
        assert [text for text in sent(client) if text != "a"] == ["b", "c", "d", "e"]


async def test_an_error_whose_text_is_no_text_is_a_dead_letter_all_the_same() -> None:
    """Half a surrogate pair, as from the name of a file, stops neither its lane nor the others."""
    bot = Interface(id="bot")

    @bot.on_message
    async def work(message: str, seen: PerMember[list[str]]) -> str:
        if message == "bad":
            raise ValueError("no such file: \udcff")
        seen.append(message)
        return " ".join(seen)

    async with TestClient(bot, raise_errors=False) as client:
        alice, bob = client.user("alice"), client.user("bob")
        (bad, *_), (hello, *_) = await asyncio.gather(alice.say("bad"), bob.say("hello"))
        assert (bad.text, hello.text) == (FAILED, "hello")
        assert [reply.text for reply in await alice.say("good")] == ["good"]
        ((error,),) = query(client, "SELECT error FROM dead_letters")
        assert error == "ValueError: no such file: ?"


async def test_a_merged_turn_is_committed_although_one_of_its_events_had_to_make_room() -> None:
    """With "drop_oldest" an event may be dropped when the handler has it already."""
    bot, entered, gate = Interface(id="bot"), asyncio.Queue[str](), asyncio.Event()

    @bot.on_message(overlap="merge")
    async def work(message: str, seen: PerMember[list[str]]) -> str:
        seen.append(message)
        await entered.put(message)
        if "wait" in message:
            await gate.wait()
        return "|".join(seen)

    options = {"waiting_limit": 3, "overflow": "drop_oldest"}
    async with TestClient(bot, store_options=options) as client:
        alice = client.user("alice")
        receipts = await client.deliver_all([alice.event(text) for text in ("wait", "b", "c")])
        assert await entered.get() == "wait\nb\nc"
        receipts = [*receipts, *await client.deliver_all([alice.event("d")])]
        assert query(client, "SELECT count(*) FROM inbox WHERE done_at IS NULL") == [(3,)]
        gate.set()
        await asyncio.gather(*(receipt.settled() for receipt in receipts))
        assert sent(client) == ["wait\nb\nc", "wait\nb\nc|d"]
        assert await alice.say("e")
        assert query(client, "SELECT count(*) FROM inbox WHERE done_at IS NULL") == [(0,)]


async def test_a_suspect_that_is_stopped_three_times_is_not_set_aside() -> None:
    """Running alone when the bot is told to stop is no crash, whatever crashes in between."""
    bot, entered, gate = Interface(id="bot"), asyncio.Queue[str](), asyncio.Event()

    @bot.on_message
    async def work(message: str) -> str:
        await entered.put(message)
        await gate.wait()
        return message

    async with TestClient(bot, grace=0.01) as client:
        alice = client.user("alice")
        await client.deliver_all([alice.event("slow")])
        await entered.get()
        for _ in range(4):
            await client.crash()
            await client.start()
            assert await entered.get() == "slow"  # alone, as a suspect
            await client.restart()
            assert await entered.get() == "slow"  # not suspected
        gate.set()
        await until(lambda: bool(client.platform.delivered))
        assert sent(client) == ["slow"]
        assert query(client, "SELECT count(*) FROM dead_letters") == [(0,)]
