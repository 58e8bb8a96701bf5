"""Corners where a conversation could stop, or an effect could happen twice."""

import asyncio
import contextlib
import contextvars
import functools
import sqlite3
import threading
from collections.abc import Callable
from typing import Any

import pytest
from support import FAILED, query, texts

from chatstate import (
    Global,
    Interface,
    Moved,
    PerChat,
    PerMember,
    PerUser,
    Ref,
    Rejected,
    StorageError,
    Turn,
    Unreachable,
    UserError,
)
from chatstate.stores.sqlite import SQLiteStore
from chatstate.testing import FakePlatform, TestClient


def request(client: TestClient, verb: str, letter: int = 1) -> None:
    query(client, "INSERT INTO requests (verb, letter, asked_at) VALUES (?, ?, 0)", verb, letter)


async def until(condition: Any) -> None:
    while not condition():
        await asyncio.sleep(0)


echo = Interface(id="echo")


@echo.on_message
async def repeat(message: str, seen: PerMember[list[str]]) -> str:
    seen.append(message)
    return " ".join(seen)


async def test_an_adapter_that_is_cancelled_while_it_delivers_leaves_no_hole() -> None:
    """What is stored is handled, though nobody waits for the receipt."""
    async with TestClient(echo) as client:
        host = await client.platform.connected()
        alice = client.user("alice")
        delivering = asyncio.ensure_future(host.deliver([alice.event("a", event_id="e1")]))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        delivering.cancel()
        assert await texts(alice, "b") == ["a b"]


async def test_half_a_surrogate_pair_in_a_message_stops_nobody() -> None:
    """It is no text: it comes as a question mark, and the others of the call come too."""
    async with TestClient(echo) as client:
        alice = client.user("alice")
        events = [alice.event("a"), alice.event("\ud800"), alice.event("b")]
        receipts = await client.deliver_all(events)
        await asyncio.gather(*(receipt.settled() for receipt in receipts))
        assert client.platform.delivered[-1].text == "a ? b"


class Unspeakable(Exception):  # noqa: N818 - what it is
    def __str__(self) -> str:
        raise RuntimeError("no text")


class UnspeakableUserError(UserError):
    def __str__(self) -> str:
        raise RuntimeError("no text")


@pytest.mark.parametrize(
    "error",
    [
        Unspeakable(),
        UnspeakableUserError(),
        RuntimeError("\udcff"),
        UserError("\udcff"),
        StorageError("somebody else's store"),
    ],
)
async def test_an_error_without_a_text_fails_its_turn_alone(error: Exception) -> None:
    """Whatever an exception says of itself, the conversation goes on."""
    bot = Interface(id="bot")

    @bot.on_message
    async def work(message: str) -> str:
        if message == "bad":
            raise error
        return message

    async with TestClient(bot, raise_errors=False) as client:
        alice = client.user("alice")
        assert await texts(alice, "bad") in ([FAILED], ["?"])
        assert await texts(alice, "good") == ["good"]


async def test_a_refusal_whose_text_is_none_is_a_dead_letter_like_others() -> None:
    """The writer is not stopped by it."""
    async with TestClient(echo) as client:
        client.platform.fail_next(Rejected("no \udcff"))
        await client.user("alice").say("a")
        await client.restart()
        assert query(client, "SELECT error FROM dead_letters") == [("refused: no ?",)]


async def test_a_dead_letter_of_another_account_waits_for_it() -> None:
    """A bot that runs on one platform only leaves the letters of the others alone."""
    broken = True
    bot = Interface(id="bot")

    @bot.on_message
    async def work(message: str) -> str:
        if broken:
            raise RuntimeError
        return message

    first, second = FakePlatform("one"), FakePlatform("two")
    async with TestClient(bot, platform=first, raise_errors=False) as client:
        await client.user("alice").say("a")
        broken = False
        request(client, "retry")
        client.platform = second
        await client.restart()
        await client.advance(5)
        assert await texts(client.user("bob"), "b") == ["b"]
        client.platform = first
        await client.restart()
        while len(first.delivered) < 2:
            await client.advance(1)
        assert first.delivered[-1].text == "a"


async def test_the_newest_request_about_a_dead_letter_counts() -> None:
    """Dropped after all is dropped."""
    bot = Interface(id="bot")

    @bot.on_message
    async def work(_message: str) -> None:
        raise RuntimeError

    async with TestClient(bot, raise_errors=False) as client:
        await client.user("alice").say("a")
        request(client, "retry")
        request(client, "drop")
        while query(client, "SELECT * FROM dead_letters"):
            await client.advance(1)
        assert query(client, "SELECT count(*) FROM inbox") == [(1,)]


class Shop:
    """Charges in a step."""

    def __init__(self, **options: Any) -> None:
        self.charged: list[str] = []
        self.fails = True
        self.entered, self.gate = asyncio.Event(), asyncio.Event()
        self.bot = Interface(id="shop")
        self.bot.on_message(**options)(self.work)

    async def work(self, message: str, turn: Turn) -> str:
        def charge() -> str:
            self.charged.append(message)
            return message

        receipt = await turn.step("charge", charge)
        self.entered.set()
        if message.startswith("wait"):
            await self.gate.wait()
        if self.fails:
            raise RuntimeError("the shop is closed")
        return f"{receipt}"


async def test_a_retried_dead_letter_does_not_repeat_its_steps() -> None:
    """What was charged before the turn failed is not charged again."""
    shop = Shop()
    async with TestClient(shop.bot, raise_errors=False) as client:
        assert await texts(client.user("alice"), "pay") == [FAILED]
        shop.fails = False
        await client.advance(120)  # pruning leaves the notes of a dead letter
        request(client, "retry")
        while len(client.platform.delivered) < 2:
            await client.advance(1)
        assert client.platform.delivered[-1].text == "pay"
        assert shop.charged == ["pay"]


async def test_messages_that_join_a_merged_turn_do_not_repeat_its_steps() -> None:
    """A turn that runs again with one more message has the same steps."""
    shop = Shop(overlap="merge")
    shop.fails = False
    async with TestClient(shop.bot, grace=0.01) as client:
        alice = client.user("alice")
        await client.deliver_all([alice.event("wait")])
        await shop.entered.wait()
        await client.deliver_all([alice.event("thanks")])
        shop.entered.clear()
        await client.restart()
        await shop.entered.wait()
        shop.gate.set()
        await until(lambda: client.platform.delivered)
        assert [reply.text for reply in client.platform.delivered] == ["wait"]
        assert shop.charged == ["wait"]


async def test_steps_of_one_name_and_a_name_like_it_are_told_apart() -> None:
    """The second "pay" is not "pay #2" nor "2 pay"."""
    bot = Interface(id="bot")

    @bot.on_message
    async def work(turn: Turn) -> str:
        names = ["pay", "pay", "pay #2", "2 pay", "pay"]
        steps = zip("abcde", names, strict=True)
        return "".join([await turn.step(name, functools.partial(str, n)) for n, name in steps])

    async with TestClient(bot) as client:
        assert await texts(client.user("alice"), "x") == ["abcde"]


async def test_a_fenced_turn_calls_no_step_and_runs_no_second_time() -> None:
    """A handler that swallows its cancellation has no effects any more, and holds no locks."""
    bot, charged, runs = Interface(id="bot"), list[int](), list[str]()
    entered, go = asyncio.Event(), asyncio.Event()

    @bot.on_message(timeout=60)
    async def work(message: str, turn: Turn, shared: Global[list[str]]) -> str:
        runs.append(message)
        shared.append(message)
        if message == "slow":
            entered.set()
            while not go.is_set():
                try:
                    await go.wait()
                except asyncio.CancelledError:
                    continue
            await turn.step("charge", lambda: charged.append(1))
        return " ".join(shared)

    async with TestClient(bot) as client:
        slow = asyncio.create_task(texts(client.user("alice"), "slow"))
        await entered.wait()
        assert await texts(client.user("bob"), "b") == ["b"]
        await client.advance(61)
        assert await slow == [FAILED]
        go.set()
        for _ in range(20):
            await asyncio.sleep(0)
        assert await texts(client.user("bob"), "c") == ["b c"]
        assert charged == []
        assert runs == ["slow", "b", "c"]


async def test_waiting_for_others_is_not_the_handlers_time() -> None:
    """Turns that queue for one value do not time out while they wait for it."""
    bot = Interface(id="bot")

    @bot.on_message(timeout=60)
    async def work(message: str, shared: Global[list[str]]) -> None:
        await client.clock.sleep(10)
        shared.append(message)

    async with TestClient(bot) as client:
        people = [client.user(str(n)) for n in range(12)]
        said = asyncio.gather(*(person.say("x") for person in people))
        while not said.done():
            await client.advance(1)
        assert await said == [[]] * 12


async def test_applied_functions_do_not_starve_a_slow_handler() -> None:
    """A turn that holds the lock of a value commits, however many others apply to it."""
    bot, done, runs = Interface(id="bot"), asyncio.Event(), list[int]()

    @bot.command
    async def slow(n: Global[Ref[int]]) -> str:
        runs.append(1)
        before = n.value
        for _ in range(50):
            await asyncio.sleep(0)
        n.value = before + 1000
        return "slow"

    @bot.command
    async def add(turn: Turn) -> None:
        turn.apply(int, lambda value: value + 1)

    async with TestClient(bot) as client:

        async def keep_adding() -> None:
            while not done.is_set():
                await client.user("bob").say("/add")

        adding = asyncio.create_task(keep_adding())
        assert await texts(client.user("alice"), "/slow") == ["slow"]
        done.set()
        await adding
        assert len(runs) <= 2


async def test_a_function_applied_that_returns_nothing_is_an_error() -> None:
    """A value is never replaced by null by mistake."""
    bot = Interface(id="bot")

    @bot.command
    async def add(turn: Turn) -> None:
        turn.apply(list, lambda value: value.append(1))

    @bot.on_message
    async def show(_message: str, seen: PerUser[list]) -> str:  # type: ignore[type-arg]  # any list
        return str(seen)

    async with TestClient(bot, raise_errors=False) as client:
        assert await texts(client.user("alice"), "/add") == [FAILED]
        assert await texts(client.user("alice"), "?") == ["[]"]


async def test_no_turn_sees_the_context_variables_of_another() -> None:
    """What a handler sets for itself is gone with it, in the same conversation too."""
    bot, who = Interface(id="bot"), contextvars.ContextVar("who", default="nobody")

    @bot.on_message
    async def work(message: str) -> str:
        before = who.get()
        who.set(message)
        return before

    async with TestClient(bot) as client:
        people = [client.user("alice", chat="room"), client.user("bob", chat="room")]
        events = [people[n % 2].event(str(n)) for n in range(6)]
        receipts = await client.deliver_all(events)
        await asyncio.gather(*(receipt.settled() for receipt in receipts))
        assert {reply.text for reply in client.platform.delivered} == {"nobody"}


async def test_a_call_that_is_cancelled_by_itself_is_made_again() -> None:
    """An adapter whose own task was cancelled does not stop the line."""
    platform, tries = FakePlatform(), list[int]()
    real = platform.perform

    async def perform(action: Any) -> Any:
        tries.append(1)
        if len(tries) == 1:
            raise asyncio.CancelledError
        return await real(action)

    platform.perform = perform  # type: ignore[method-assign]  # a faulty adapter
    async with TestClient(echo, platform=platform) as client:
        said = asyncio.create_task(texts(client.user("alice"), "a"))
        while not said.done():
            await client.advance(1)
        assert await said == ["a"]


async def test_hold_keeps_what_surely_was_not_sent() -> None:
    """A stop in an outage holds nothing back, and the order stays."""
    async with TestClient(echo, on_ambiguous="hold", grace=0.01) as client:
        alice = client.user("alice")
        client.platform.fail_next(Unreachable("down"), 50)
        await client.deliver_all([alice.event("a")])
        await until(lambda: client.platform.tries >= 1)
        await client.advance(1)
        await client.deliver_all([alice.event("b")])
        await client.restart()
        while len(client.platform.delivered) < 2:
            await client.advance(60)
        assert [reply.text for reply in client.platform.delivered] == ["a", "a b"]
        assert query(client, "SELECT * FROM dead_letters") == []


async def test_values_moved_by_an_alias_are_seen_at_once() -> None:
    """What only the younger of two chats had is there for the older, without a restart."""
    bot = Interface(id="bot")

    @bot.on_message
    async def work(message: str, ours: PerChat[list[str]]) -> str:
        if message != "?":
            ours.append(message)
        return " ".join(ours)

    async with TestClient(bot) as client:
        assert await texts(client.user("alice", chat="old"), "?") == []
        assert await texts(client.user("alice", chat="new"), "a") == ["a"]
        client.platform.fail_next(Moved("new"))
        await client.user("alice", chat="old").say("?")
        assert await texts(client.user("alice", chat="new"), "?") == ["a"]


async def test_a_read_that_fails_for_a_moment_is_made_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A passing fault of the disk stops nobody."""
    faults = 2

    class Faulty:
        def __init__(self, real: Any) -> None:
            self.real = real

        def execute(self, *arguments: Any) -> Any:
            nonlocal faults
            if faults:
                faults -= 1
                error = sqlite3.OperationalError("disk I/O error")
                error.sqlite_errorcode = sqlite3.SQLITE_IOERR
                raise error
            return self.real.execute(*arguments)

    async with TestClient(echo) as client:
        assert isinstance(client._store, SQLiteStore)
        monkeypatch.setattr(client._store, "_reader", Faulty(client._store._reader))
        assert await texts(client.user("alice"), "a") == ["a"]
        monkeypatch.undo()
    assert faults == 0


async def test_a_sync_handler_is_told_that_it_cannot_await() -> None:
    """turn.send, step and state in a sync handler are an error, not a lost reply."""
    bot = Interface(id="bot")

    @bot.on_message
    def work(message: str, turn: Turn) -> str:
        assert threading.current_thread() is not threading.main_thread()
        calls: dict[str, Callable[[], object]] = {
            "send": lambda: turn.send("x"),
            "state": lambda: turn.state(list),
            "step": lambda: turn.step("x", list),
        }
        return str(calls[message]())

    async with TestClient(bot, raise_errors=False) as client:
        for name in ("send", "state", "step"):
            assert await texts(client.user("alice"), name) == [FAILED]
        errors = [row[0] for row in query(client, "SELECT error FROM dead_letters")]
        assert [error.split(" is awaited")[0] for error in errors] == [
            "RuntimeError: turn.send()",
            "RuntimeError: turn.state()",
            "RuntimeError: turn.step()",
        ]


async def test_a_dropped_event_at_the_end_of_a_merged_turn_leaves_the_others_done() -> None:
    """Merge with drop_oldest: what is left of the turn is committed, and the lane goes on."""
    bot, entered, gate = Interface(id="bot"), asyncio.Event(), asyncio.Event()

    @bot.on_message(overlap="merge")
    async def work(message: str, seen: PerMember[list[str]]) -> None:
        seen.append(message)
        if message == "first":
            entered.set()
            await gate.wait()

    @bot.command
    async def show(seen: PerMember[list[str]]) -> str:
        return " | ".join(seen)

    options = {"waiting_limit": 3, "overflow": "drop_oldest"}
    async with TestClient(bot, store_options=options) as client:
        alice = client.user("alice")
        receipts = list(await client.deliver_all([alice.event("first")]))
        await entered.wait()
        for text in "abcdef":
            receipts += await client.deliver_all([alice.event(text)])
        gate.set()
        await asyncio.gather(*(receipt.settled() for receipt in receipts))
        (shown,) = await texts(alice, "/show")
        assert shown.startswith("first")
        assert shown.endswith("f")


async def test_turns_that_wait_for_a_value_leave_room_for_others() -> None:
    """The bound on running handlers counts those that run, not those that wait for a lock."""
    bot, entered, gate = Interface(id="bot"), asyncio.Event(), asyncio.Event()

    both = asyncio.Barrier(2)

    @bot.command
    async def hot(shared: Global[list[int]]) -> None:
        if not shared and not entered.is_set():
            with contextlib.suppress(asyncio.BrokenBarrierError):
                await both.wait()
            await both.abort()  # whoever runs again is alone
        if len(shared) >= 2:
            entered.set()
            await gate.wait()
        shared.append(1)

    @bot.command
    async def other() -> str:
        return "here"

    async with TestClient(bot, running_limit=2) as client:
        await asyncio.gather(*(client.user(str(n)).say("/hot") for n in range(2)))  # a conflict
        waiting = asyncio.gather(*(client.user(str(n)).say("/hot") for n in range(10)))
        await entered.wait()
        assert await texts(client.user("x"), "/other") == ["here"]
        assert not waiting.done()
        gate.set()
        await waiting
