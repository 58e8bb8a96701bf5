"""Order, overlap, conflicts, and what a turn can do besides returning something."""

import asyncio
import random
from dataclasses import dataclass
from typing import Any

import pytest
from support import FAILED, texts

from chatstate import (
    Global,
    Interface,
    PerChat,
    PerMember,
    PerUser,
    Ref,
    State,
    StateError,
    Turn,
    User,
)
from chatstate.testing import TestClient
from chatstate_bots.score_tracker import bot as score_tracker
from chatstate_bots.score_tracker import track_score


class Gate:
    """Lets handlers in and out when the test says so."""

    def __init__(self) -> None:
        self.entered = asyncio.Queue[str]()
        self.open = asyncio.Event()

    async def __call__(self, name: str) -> None:
        await self.entered.put(name)
        await self.open.wait()


async def test_a_conversation_is_handled_in_order_whatever_its_handlers_take() -> None:
    """Fifty messages at once, handlers that sleep at random: effects are in the inbox's order."""
    bot = Interface(id="bot")

    @bot.on_message
    async def work(message: str, seen: PerMember[list[str]]) -> str:
        await asyncio.sleep(random.random() / 1000)
        seen.append(message)
        return " ".join(seen)

    async with TestClient(bot) as client:
        alice = client.user("alice")
        events = [alice.event(str(n)) for n in range(50)]
        receipts = await client.deliver_all(events)
        await asyncio.gather(*(receipt.settled() for receipt in receipts))
        assert [reply.text for reply in client.platform.delivered] == [
            " ".join(map(str, range(n + 1))) for n in range(50)
        ]


async def test_a_slow_conversation_delays_no_other() -> None:
    """While alice's handler waits, bob is answered."""
    bot, gate = Interface(id="bot"), Gate()

    @bot.on_message
    async def work(message: str) -> str:
        if message == "wait":
            await gate("alice")
        return message

    async with TestClient(bot) as client:
        slow = asyncio.create_task(texts(client.user("alice"), "wait"))
        await gate.entered.get()
        assert await texts(client.user("bob"), "hi") == ["hi"]
        gate.open.set()
        assert await slow == ["wait"]


async def test_no_more_conversations_run_at_once_than_allowed() -> None:
    """The bound on running turns holds, and everybody is served in the end."""
    bot = Interface(id="bot")
    now = most = 0

    @bot.on_message
    async def work(message: str) -> str:
        nonlocal now, most
        now += 1
        most = max(most, now)
        await asyncio.sleep(0.001)
        now -= 1
        return message

    async with TestClient(bot, running_limit=3) as client:
        people = [client.user(str(n)) for n in range(20)]
        await asyncio.gather(*(person.say("hi") for person in people))
    assert most == 3


MODES = ["async", "sync", "generator", "async_generator"]


def counting(mode: str) -> Any:
    def sync(n: list[int]) -> None:
        n.append(len(n))

    async def in_async(_text: str, n: Any) -> str:
        await asyncio.sleep(random.random() / 500)
        sync(n)
        return str(len(n))

    def in_sync(_text: str, n: Any) -> str:
        sync(n)
        return str(len(n))

    def in_generator(_text: str, n: Any) -> Any:
        sync(n)
        yield str(len(n))

    async def in_async_generator(_text: str, n: Any) -> Any:
        await asyncio.sleep(random.random() / 500)
        sync(n)
        yield str(len(n))

    made = {"async": in_async, "sync": in_sync}
    return {**made, "generator": in_generator, "async_generator": in_async_generator}[mode]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("scope", ["member", "user", "chat", "global"])
async def test_a_hundred_concurrent_changes_are_all_kept(mode: str, scope: Any) -> None:
    """One member's state, one user's from two chats, one chat's by many, one global: exact."""
    bot = Interface(counting(mode), ["text", State([], scope=scope)], ["text"], id="bot")
    async with TestClient(bot) as client:
        speakers = {
            "member": [client.user("alice")],
            "user": [client.user("alice"), client.user("alice", chat="room")],
            "chat": [
                client.user(str(n), chat="room", thread=None if n % 2 else str(n))
                for n in range(10)
            ],
            "global": [client.user(str(n)) for n in range(100)],
        }[scope]
        said = [speakers[n % len(speakers)].say("+") for n in range(100)]
        answers = await asyncio.gather(*said)
        assert sorted(int(reply.text) for (reply,) in answers) == list(range(1, 101))


async def test_score_tracker_is_exact_with_a_hundred_people_at_once() -> None:
    """The best three come out, and the handler ran at most twice per message."""
    runs = 0

    async def counted(score: float, best: list[Any]) -> Any:
        nonlocal runs
        runs += 1
        await asyncio.sleep(random.random() / 500)
        return track_score(score, best)

    scores = State([], scope="global", name="scores")
    bot = Interface(counted, ["number", scores], ["text", scores], id="bot")
    async with TestClient(bot) as client:
        await asyncio.gather(*(client.user(str(n)).say(str(n)) for n in range(100)))
        assert await texts(client.user("x"), "0") == ["Top scores: 99, 98, 97"]
    assert runs <= 2 * 101


async def test_sync_score_tracker_is_exact_with_a_hundred_people_at_once() -> None:
    """The shipped bot, whose handler runs in threads, loses no update."""
    async with TestClient(score_tracker) as client:
        await asyncio.gather(*(client.user(str(n)).say(str(n)) for n in range(100)))
        assert await texts(client.user("x"), "0") == ["Top scores: 99, 98, 97"]


async def test_apply_changes_a_shared_value_without_running_again() -> None:
    """A hundred turns at once that apply a function: exact, each handler ran once."""
    bot, runs = Interface(id="bot"), 0

    @bot.command
    async def read(total: Global[Ref[int]]) -> str:
        return str(total.value)

    @bot.on_message
    async def add(message: int, turn: Turn) -> None:
        nonlocal runs
        runs += 1
        await asyncio.sleep(random.random() / 500)
        turn.apply(int, lambda value: value + message, reply=lambda value: f"now {value}")

    async with TestClient(bot) as client:
        answers = await asyncio.gather(*(client.user(str(n)).say("1") for n in range(100)))
        assert sorted(reply.text for (reply,) in answers) == sorted(
            f"now {n}" for n in range(1, 101)
        )
        assert runs == 100
        assert await texts(client.user("x"), "/read") == ["100"]


async def test_apply_to_a_value_the_turn_holds_builds_on_what_the_handler_did() -> None:
    """What is applied comes after what the handler changed in place."""
    bot = Interface(id="bot")

    @bot.on_message
    async def work(message: int, turn: Turn, total: PerUser[Ref[int]]) -> str:
        turn.apply(int, lambda value: value * 10, reply=str)
        total.value += message
        return "first"

    async with TestClient(bot) as client:
        assert await texts(client.user("alice"), "2") == ["first", "20"]
        assert await texts(client.user("alice"), "1") == ["first", "210"]


async def test_an_applied_function_that_raises_fails_its_turn_alone() -> None:
    """Nothing of the turn is kept; the state is as it was."""
    bot = Interface(id="bot")

    @bot.on_message
    async def work(message: int, turn: Turn, log: PerUser[list[int]], n: Global[Ref[int]]) -> str:
        log.append(message)
        turn.apply(int, lambda value: value + 1 // message)
        return f"{log} {n.value}"

    async with TestClient(bot, raise_errors=False) as client:
        alice = client.user("alice")
        assert await texts(alice, "1") == ["[1] 0"]
        assert await texts(alice, "0") == [FAILED]
        assert await texts(alice, "1") == ["[1, 1] 1"]


async def test_a_step_is_done_once_though_the_turn_runs_again() -> None:
    """A turn that lost a conflict gets the results of its steps; outside effects happen once."""
    bot, gate, paid = Interface(id="bot"), Gate(), list[str]()

    @bot.on_message
    async def work(message: str, user: User, turn: Turn, log: Global[list[str]]) -> str:
        async def pay() -> dict[str, int]:
            paid.append(user.id)
            return {"receipt": len(paid)}

        receipt = await turn.step("pay", pay)
        again = await turn.step("pay", lambda: "second")
        if message == "wait" and not gate.open.is_set():
            await gate(user.id)
        log.append(f"{user.id}{receipt['receipt']}{again}")
        return " ".join(log)

    async with TestClient(bot) as client:
        slow = asyncio.create_task(texts(client.user("alice"), "wait"))
        await gate.entered.get()
        assert await texts(client.user("bob"), "go") == ["bob2second"]
        gate.open.set()
        assert await slow == ["bob2second alice1second"]
    assert paid == ["alice", "bob"]


async def test_a_step_is_done_once_though_the_process_dies() -> None:
    """What a step returned is durable before the handler goes on."""
    bot, gate, paid = Interface(id="bot"), Gate(), list[int]()

    def pay() -> int:
        paid.append(1)
        return len(paid)

    @bot.on_message
    async def work(turn: Turn) -> str:
        receipt = await turn.step("pay", pay)
        if not gate.open.is_set():
            await gate("paid")
        return f"receipt {receipt}"

    async with TestClient(bot) as client:
        await client.deliver_all([client.user("alice").event("hi")])
        await gate.entered.get()
        await client.crash()
        gate.open.set()
        await client.start()
        assert await texts(client.user("alice"), "again") == ["receipt 2"]
        assert [reply.text for reply in client.platform.delivered] == ["receipt 1", "receipt 2"]


async def test_another_persons_state_changes_in_the_same_commit() -> None:
    """turn.state(of=) reaches it; an exception keeps neither."""
    bot = Interface(id="bot")

    @dataclass
    class Wallet:
        coins: int = 10

    @bot.command
    async def give(coins: int, to: str, turn: Turn, mine: PerUser[Wallet]) -> str:
        theirs = await turn.state(Wallet, of=User(to))
        mine.coins -= coins
        theirs.coins += coins
        if mine.coins < 0:
            raise RuntimeError("overdrawn")
        return f"{mine.coins} {theirs.coins}"

    async with TestClient(bot, raise_errors=False) as client:
        alice, bob = client.user("alice"), client.user("bob")
        assert await texts(alice, "/give 3 bob") == ["7 13"]
        assert await texts(alice, "/give 30 bob") == [FAILED]
        assert await texts(bob, "/give 1 alice") == ["12 8"]


async def test_money_given_in_all_directions_at_once_is_never_made_or_lost() -> None:
    """Transfers among ten people, each turn changing two people's state."""
    bot = Interface(id="bot")

    @dataclass
    class Wallet:
        coins: int = 100

    @bot.command
    async def give(coins: int, to: str, turn: Turn, mine: PerUser[Wallet]) -> str:
        theirs = await turn.state(Wallet, of=User(to))
        await asyncio.sleep(random.random() / 500)
        mine.coins -= coins
        theirs.coins += coins
        return "done"

    @bot.command
    def balance(mine: PerUser[Wallet]) -> str:
        return str(mine.coins)

    async with TestClient(bot) as client:
        people = [client.user(str(n)) for n in range(10)]
        given = [
            people[n % 10].say(f"/give {n % 7} {(n * 3 + 1) % 10}")
            for n in range(100)
            if n % 10 != (n * 3 + 1) % 10
        ]
        assert {reply.text for (reply,) in await asyncio.gather(*given)} == {"done"}
        balances = [int((await texts(person, "/balance"))[0]) for person in people]
    assert sum(balances) == 1000


async def test_a_state_that_the_bot_does_not_have_is_an_error() -> None:
    """turn.state names what there is."""
    bot, errors = Interface(id="bot"), list[str]()

    @bot.on_message
    async def work(turn: Turn, a: PerUser[list[int]]) -> str:
        try:
            await turn.state(dict)
        except StateError as error:
            errors.append(str(error))
        return str(a)

    async with TestClient(bot) as client:
        await client.user("alice").say("hi")
    assert len(errors) == 1
    assert "no state is dict" in errors[0]


async def test_replies_sent_in_the_middle_come_first_and_only_after_the_commit() -> None:
    """turn.send owes a reply; a handler that raises owes none."""
    bot = Interface(id="bot")

    @bot.on_message
    async def work(message: str, turn: Turn) -> str:
        await turn.send("one")
        await turn.send(["two", "three"])
        if message == "bad":
            raise RuntimeError
        return "four"

    async with TestClient(bot, raise_errors=False) as client:
        assert await texts(client.user("alice"), "ok") == ["one", "two", "three", "four"]
        assert await texts(client.user("alice"), "bad") == [FAILED]


@pytest.mark.parametrize("stubborn", [False, True], ids=["cancelled", "stubborn"])
async def test_a_handler_that_takes_too_long_is_fenced_and_the_lane_goes_on(stubborn: Any) -> None:
    """Its effects are dropped, even if it ignores being cancelled; the person is told."""
    bot, gate, ended = Interface(id="bot"), Gate(), asyncio.Event()

    @bot.on_message(timeout=60)
    async def work(message: str, seen: PerMember[list[str]]) -> str:
        seen.append(message)
        if message == "slow":
            try:
                await gate("slow")
            except asyncio.CancelledError:
                if not stubborn:
                    raise
                await gate.open.wait()
                ended.set()
        return " ".join(seen)

    async with TestClient(bot) as client:
        alice = client.user("alice")
        slow = asyncio.create_task(texts(alice, "slow"))
        await gate.entered.get()
        await client.advance(59)
        assert not slow.done()
        await client.advance(3)
        assert await slow == [FAILED]
        assert await texts(alice, "next") == ["next"]
        gate.open.set()
        if stubborn:
            await ended.wait()
        assert await texts(alice, "last") == ["next last"]


async def test_a_sync_handler_that_hangs_costs_its_thread_and_nothing_else() -> None:
    """The lane goes on, and so do the others."""
    import threading

    bot, entered, release = Interface(id="bot"), threading.Event(), threading.Event()

    @bot.on_message(timeout=5)
    def work(message: str) -> str:
        if message == "hang":
            entered.set()
            release.wait()
        return message

    async with TestClient(bot) as client:
        alice = client.user("alice")
        hung = asyncio.create_task(texts(alice, "hang"))
        await asyncio.to_thread(entered.wait)
        assert await texts(client.user("bob"), "hi") == ["hi"]
        await client.advance(7)
        assert await hung == [FAILED]
        assert await texts(alice, "hi") == ["hi"]
        release.set()


async def test_interrupt_drops_the_running_turn_and_those_waiting() -> None:
    """The newest message alone is answered; nothing of the others is kept."""
    bot, gate = Interface(id="bot"), Gate()

    @bot.on_message(overlap="interrupt")
    async def work(message: str, seen: PerMember[list[str]]) -> str:
        seen.append(message)
        if message.startswith("slow"):
            await gate(message)
        return " ".join(seen)

    async with TestClient(bot) as client:
        alice, bob = client.user("alice", chat="room"), client.user("bob", chat="room")
        first = asyncio.create_task(texts(alice, "slow1"))
        assert await gate.entered.get() == "slow1"
        (other,) = await client.deliver_all([bob.event("bob")])
        assert not first.done(), "another person's message interrupts nothing"
        rest = await client.deliver_all([alice.event("a"), alice.event("b")])
        assert await first == []
        await asyncio.gather(*(receipt.settled() for receipt in [other, *rest]))
        assert [reply.text for reply in client.platform.delivered] == ["bob", "b"]
        assert await texts(alice, "c") == ["b c"]


async def test_a_stop_command_ends_whatever_runs() -> None:
    """A command that interrupts cancels the turn of another handler."""
    bot, gate = Interface(id="bot"), Gate()

    @bot.on_message
    async def work(message: str, seen: PerMember[list[str]]) -> str:
        seen.append(message)
        if message == "slow":
            await gate(message)
        return " ".join(seen)

    @bot.command(overlap="interrupt")
    async def stop() -> str:
        return "stopped"

    async with TestClient(bot) as client:
        alice = client.user("alice")
        slow = asyncio.create_task(texts(alice, "slow"))
        await gate.entered.get()
        assert await texts(alice, "/stop") == ["stopped"]
        assert await slow == []
        assert await texts(alice, "next") == ["next"]


async def test_merge_hands_over_together_what_waited() -> None:
    """What one person said meanwhile is one turn; each of its events is settled by it."""
    bot, gate, turns = Interface(id="bot"), Gate(), list[int]()

    @bot.on_message(overlap="merge")
    async def work(message: str, turn: Turn, seen: PerMember[list[str]]) -> str:
        turns.append(len(turn.messages))
        if message == "first":
            await gate(message)
        seen.append(message)
        return "|".join(seen)

    async with TestClient(bot) as client:
        alice = client.user("alice")
        first = asyncio.create_task(texts(alice, "first"))
        await gate.entered.get()
        rest = await client.deliver_all([alice.event(text) for text in "abc"])
        gate.open.set()
        assert await first == ["first"]
        await asyncio.gather(*(receipt.settled() for receipt in rest))
        assert turns == [1, 3]
        assert client.platform.delivered[-1].text == "first|a\nb\nc"
        await client.restart()
        assert await texts(alice, "d") == ["first|a\nb\nc|d"]


async def test_a_chat_state_is_shared_by_threads_that_run_at_once() -> None:
    """Threads of one chat are lanes of their own, and lose nothing of what they share."""
    bot = Interface(id="bot")

    @bot.on_message
    async def work(message: str, seen: PerChat[list[str]]) -> str:
        await asyncio.sleep(random.random() / 1000)
        seen.append(message)
        return str(len(seen))

    async with TestClient(bot) as client:
        people = [client.user("alice", chat="room", thread=str(n % 5)) for n in range(50)]
        answers = await asyncio.gather(*(person.say("+") for person in people))
        assert sorted(int(reply.text) for (reply,) in answers) == list(range(1, 51))
