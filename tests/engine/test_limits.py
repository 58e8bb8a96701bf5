"""How often a person may use a handler, and how many may at once."""

import asyncio
from typing import Any

import pytest
from support import FAILED, query, texts

from chatstate import (
    Button,
    ChatInterface,
    Global,
    Interface,
    PerMember,
    Ref,
    Reply,
    StateError,
    Turn,
    UserError,
)
from chatstate.testing import FakePlatform, TestClient


def limited(*limits: str, **options: Any) -> Interface:
    """Make a bot that repeats what is said, so often."""
    bot = Interface(id="bot", **options)

    @bot.on_message(limits=limits)
    def talk(text: str) -> str:
        if text == "bad":
            raise ValueError(text)
        if text == "no":
            raise UserError("Not that.")
        return text

    return bot


def told(wait: str) -> str:
    return f"That was often enough for now. Please try again in {wait}."


async def test_a_person_over_the_limit_is_told_when_to_come_back() -> None:
    """Once: what comes after it is not answered at all, until then."""
    async with TestClient(limited("2/minute")) as client:
        alice = client.user("alice")
        assert await texts(alice, "1") == ["1"]
        await client.advance(20)
        assert await texts(alice, "2") == ["2"]
        assert await texts(alice, "3") == [told("40 s")]
        assert await texts(alice, "4") == []
        await client.advance(39)
        assert await texts(alice, "5") == []
        await client.advance(1)
        assert await texts(alice, "6") == ["6"]
        assert await texts(alice, "7") == [told("20 s")]


async def test_several_limits_hold_together() -> None:
    """The one that lasts longest says when."""
    async with TestClient(limited("2/minute", "3/hour")) as client:
        alice = client.user("alice")
        for text in ("1", "2"):
            assert await texts(alice, text) == [text]
        await client.advance(60)
        assert await texts(alice, "3") == ["3"]
        assert await texts(alice, "4") == [told("59 min")]


async def test_limits_are_each_persons_own_in_all_chats() -> None:
    """What alice does in the room counts in private; what bob does counts for bob."""
    async with TestClient(limited("1/minute")) as client:
        assert await texts(client.user("alice", chat="room"), "1") == ["1"]
        assert await texts(client.user("alice"), "2") == [told("60 s")]
        assert await texts(client.user("bob", chat="room"), "3") == ["3"]


async def test_limits_are_each_handlers_own() -> None:
    """A bot's hold for each of its handlers, counted apart."""
    bot = limited(limits="1/minute")
    bot.command(name="go", limits="5/minute")(lambda: "gone")
    async with TestClient(bot) as client:
        alice = client.user("alice")
        assert await texts(alice, "1") == ["1"]
        assert await texts(alice, "/go") == ["gone"]
        assert await texts(alice, "/go") == [told("60 s")]
        assert (await texts(alice, "/help"))[0].startswith("bot")
        assert await texts(alice, "/help") == [told("60 s")]


async def test_a_routers_limits_hold_for_its_own_handlers() -> None:
    """And keep their count whatever bot it is included in."""
    bot, tools = Interface(id="bot"), Interface(id="tools", limits="1/minute")
    tools.command(name="tool")(lambda: "tool")
    bot.command(name="own")(lambda: "own")
    bot.include(tools)
    async with TestClient(bot) as client:
        alice = client.user("alice")
        for expected in ("own", "own"):
            assert await texts(alice, "/own") == [expected]
        assert await texts(alice, "/tool") == ["tool"]
        assert await texts(alice, "/tool") == [told("60 s")]


@pytest.mark.parametrize("stop", ["restart", "crash"])
async def test_counts_survive(stop: str) -> None:
    """A restart gives nobody more, and who was told is not told again."""
    async with TestClient(limited("1/hour")) as client:
        alice, bob = client.user("alice"), client.user("bob")
        await alice.say("1")
        await bob.say("1")
        assert await texts(bob, "2") == [told("60 min")]
        if stop == "restart":
            await client.restart()
        else:
            await client.crash()
            await client.start()
        assert await texts(alice, "2") == [told("60 min")]
        assert await texts(bob, "3") == []
        await client.advance(3600)
        assert await texts(alice, "4") == ["4"]


@pytest.mark.parametrize(("text", "answer"), [("bad", FAILED), ("no", "Not that.")])
async def test_a_turn_that_fails_is_counted_too(text: str, answer: str) -> None:
    """What costs something costs it whether it works or not."""
    async with TestClient(limited("1/minute"), raise_errors=False) as client:
        alice = client.user("alice")
        assert await texts(alice, text) == [answer]
        assert await texts(alice, "1") == [told("60 s")]


async def test_what_the_guard_refuses_is_not_counted() -> None:
    """Guards come first."""
    bot = Interface(id="bot")
    bot.command(name="go", limits="1/minute", allow=lambda message: "please" in message.text)(
        lambda _manners="": "gone"
    )
    async with TestClient(bot) as client:
        alice = client.user("alice")
        assert await texts(alice, "/go") == ["Sorry, you may not do that."]
        assert await texts(alice, "/go please") == ["gone"]


async def test_a_hundred_at_once_get_exactly_what_there_is() -> None:
    """From many chats at once, with a shared value to fight for: ten run, and are kept."""
    bot = Interface(id="bot")

    @bot.on_message(limits="10/minute")
    async def add(_text: str, total: Global[Ref[int]]) -> str:
        await asyncio.sleep(0)
        total.value += 1
        return str(total.value)

    async with TestClient(bot) as client:
        chats = [client.user("alice", chat=f"room {number % 20}") for number in range(100)]
        answers = await asyncio.gather(*(texts(alice, "+") for alice in chats))
        counted = sorted(int(text) for (text,) in filter(None, answers) if text.isdecimal())
        assert counted == list(range(1, 11))
        await client.restart()
        assert await texts(client.user("alice", chat="another"), "+") == []
        await client.advance(60)
        assert await texts(client.user("alice", chat="another"), "+") == ["11"]


async def test_counting_makes_no_turn_run_again() -> None:
    """A person in two chats at once is not a conflict."""
    bot, runs = Interface(id="bot"), 0

    @bot.on_message(limits="100/minute")
    async def work(text: str, said: PerMember[list[str]]) -> str:
        nonlocal runs
        runs += 1
        said.append(text)
        await asyncio.sleep(0)
        return str(len(said))

    async with TestClient(bot) as client:
        rooms = [client.user("alice", chat=f"room {number}") for number in range(20)]
        await asyncio.gather(*(alice.say("hi") for alice in rooms))
        assert runs == 20
        ((value,),) = query(client, "SELECT value FROM states WHERE name LIKE '%limits%'")
        assert value.count("],[") == 19


async def test_what_runs_counts_before_it_is_done() -> None:
    """The last one cannot be had twice, however long it takes."""
    bot, entered, left = Interface(id="bot"), asyncio.Event(), asyncio.Event()

    @bot.on_message(limits="1/minute")
    async def work(text: str) -> str:
        entered.set()
        await left.wait()
        return text

    async with TestClient(bot) as client:
        first = asyncio.create_task(texts(client.user("alice"), "1"))
        await entered.wait()
        assert await texts(client.user("alice", chat="room"), "2") == [told("60 s")]
        left.set()
        assert await first == ["1"]


async def test_a_turn_that_took_too_long_is_counted() -> None:
    """It was begun, so it was had."""
    bot, entered = Interface(id="bot"), asyncio.Event()

    @bot.on_message(limits="1/hour", timeout=10)
    async def work(text: str) -> str:
        entered.set()
        await asyncio.Event().wait()
        return text

    async with TestClient(bot) as client:
        first = asyncio.create_task(texts(client.user("alice"), "1"))
        await entered.wait()
        await client.advance(11)
        assert await first == [FAILED]
        assert await texts(client.user("alice"), "2") == [told("60 min")]


async def test_a_turn_that_runs_again_after_a_crash_is_counted_once() -> None:
    """What was not committed was not had."""
    bot, entered = Interface(id="bot"), asyncio.Event()

    @bot.on_message(limits="2/hour")
    async def work(text: str) -> str:
        if not entered.is_set():
            entered.set()
            await asyncio.Event().wait()
        return text

    async with TestClient(bot) as client:
        alice = client.user("alice")
        await client.deliver_all([alice.event("1")])
        await entered.wait()
        await client.crash()
        await client.start()
        assert await texts(alice, "2") == ["2"]
        assert [reply.text for reply in client.platform.delivered] == ["1", "2"]
        assert await texts(alice, "3") == [told("60 min")]


async def test_an_event_over_the_limit_interrupts_nothing() -> None:
    """Who may not begin another turn keeps the one that runs."""
    bot, entered, left = Interface(id="bot"), asyncio.Event(), asyncio.Event()

    @bot.on_message(overlap="interrupt", limits="1/minute")
    async def work(text: str) -> str:
        entered.set()
        await left.wait()
        return text

    async with TestClient(bot) as client:
        alice = client.user("alice")
        first = asyncio.create_task(texts(alice, "1"))
        await entered.wait()
        second = asyncio.create_task(texts(alice, "2"))
        while query(client, "SELECT count(*) FROM inbox") != [(2,)]:
            await asyncio.sleep(0)
        left.set()
        assert await first == ["1"]
        assert await second == [told("60 s")]


async def test_a_press_over_the_limit_is_told_in_private() -> None:
    """As all that is said to presses alone."""
    bot = limited("1/minute")
    bot.command(name="show")(lambda: Reply("Well?", buttons=[Button("Yes")]))
    async with TestClient(bot) as client:
        alice = client.user("alice", chat="room")
        await alice.say("/show")
        await alice.press("Yes")
        (refused,) = await alice.press("Yes")
        assert (refused.text, refused.ephemeral) == (told("60 s"), True)


async def test_two_platforms_count_apart() -> None:
    """The same id on another account is another person."""
    from chatstate.engine import Engine
    from chatstate.stores import open_store

    platforms = [FakePlatform("one"), FakePlatform("two")]
    engine = Engine(limited("1/minute"), platforms, open_store(":memory:"))
    running = asyncio.create_task(engine.run())
    for platform in platforms:
        host = await platform.connected()
        (receipt,) = await host.deliver([TestClient(limited()).user("alice").event("hi")])
        await receipt.settled()
    engine.request_stop()
    await running
    assert [reply.text for reply in platforms[1].delivered] == ["hi"]


async def test_a_retry_counts_as_a_message_and_takes_its_place() -> None:
    """It runs the same function, which is what is limited."""
    entered, left = asyncio.Queue[str](), asyncio.Event()

    async def talk(message: str, _history: list[Any]) -> str:
        await entered.put(message)
        await left.wait()
        return message

    bot = ChatInterface(talk, id="bot", limits="2/minute", concurrency_limit=1)
    async with TestClient(bot) as client:
        alice, bob = client.user("alice"), client.user("bob")
        left.set()
        assert await texts(alice, "a") == ["a"]
        assert await entered.get() == "a"
        left.clear()
        again = asyncio.create_task(texts(alice, "/retry"))
        assert await entered.get() == "a"
        waiting = asyncio.create_task(texts(bob, "b"))
        while query(client, "SELECT count(*) FROM inbox WHERE done_at IS NULL") != [(2,)]:
            await asyncio.sleep(0)
        await client.advance(1)
        assert entered.empty()
        left.set()
        assert (await again, await waiting) == (["a"], ["b"])
        assert await texts(alice, "c") == [told("59 s")]


async def test_a_function_by_position_is_limited_too() -> None:
    """The options of `Interface` are its function's."""

    async def echo(text: str) -> str:
        await asyncio.sleep(0)
        return text

    bot = Interface(echo, "text", "text", id="bot", limits="1/minute", concurrency_limit=1)
    async with TestClient(bot) as client:
        people = [client.user(str(number)) for number in range(5)]
        answers = await asyncio.gather(*(texts(person, "hi") for person in people))
        assert answers == [["hi"]] * 5
        assert await texts(people[0], "hi") == [told("60 s")]


def charging(*limits: str, **options: Any) -> Interface:
    """Make a bot that charges what is said, in a thread or not."""
    bot = Interface(id="bot")

    @bot.command(limits=limits)
    async def pay(turn: Turn, n: int) -> str:
        turn.charge(n, **options)
        return f"paid {n}"

    @bot.command(limits=limits)
    def pay_in_thread(turn: Turn, n: int) -> str:
        turn.charge(n, **options)
        return f"paid {n}"

    return bot


@pytest.mark.parametrize("command", ["/pay", "/pay_in_thread"])
async def test_a_turn_counts_as_what_it_charges(command: str) -> None:
    """Instead of as one, also across a restart; who has not so much left is told so."""
    async with TestClient(charging("10/minute")) as client:
        alice = client.user("alice")
        assert await texts(alice, f"{command} 4") == ["paid 4"]
        assert await texts(alice, f"{command} 0") == ["paid 0"]
        await client.restart()
        await client.advance(20)
        assert await texts(alice, f"{command} 7") == [told("40 s")]  # and counts as one
        assert await texts(alice, f"{command} 5") == ["paid 5"]
        assert await texts(alice, f"{command} 1") == [told("40 s")]
        assert await texts(client.user("bob"), f"{command} 10") == ["paid 10"]


async def test_what_is_known_only_afterwards_may_overdraw() -> None:
    """Then nothing is left, until enough of it has lapsed."""
    async with TestClient(charging("10/minute", overdraw=True)) as client:
        alice = client.user("alice")
        assert await texts(alice, "/pay 25") == ["paid 25"]
        assert await texts(alice, "/pay 1") == [told("60 s")]
        await client.advance(60)
        assert await texts(alice, "/pay 1") == ["paid 1"]


async def test_a_charge_is_of_one_limit_if_that_is_named() -> None:
    """For the others the turn counts as one."""
    async with TestClient(charging("2/minute", "100/hour", of="100/hour")) as client:
        alice = client.user("alice")
        assert await texts(alice, "/pay 60") == ["paid 60"]
        assert await texts(alice, "/pay 60") == [told("60 min")]
        assert await texts(alice, "/pay 1") == [told("60 s")]


async def test_more_than_is_ever_allowed_is_told_so() -> None:
    """However long somebody would wait; and it is no failure of the bot's."""
    async with TestClient(charging("10/minute")) as client:
        assert await texts(client.user("alice"), "/pay 11") == [
            "That is more than is allowed at once."
        ]


async def test_charges_add_up_and_begin_anew_with_the_turn() -> None:
    """A turn that runs again, because somebody was faster, pays once."""
    bot, entered, go_on = Interface(id="bot"), asyncio.Event(), asyncio.Event()

    @bot.command(limits="10/minute")
    async def slow(turn: Turn, n: int, total: Global[Ref[int]]) -> str:
        turn.charge(n)
        turn.charge(n)
        if not entered.is_set():
            entered.set()
            await go_on.wait()
        total.value += 1
        return str(total.value)

    async with TestClient(bot) as client:
        alice = client.user("alice")
        first = asyncio.create_task(texts(alice, "/slow 5"))
        await entered.wait()
        assert await texts(client.user("bob"), "/slow 1") == ["1"]
        assert await texts(client.user("alice", chat="room"), "/slow 1") == [told("60 s")]
        go_on.set()
        assert await first == ["2"]


@pytest.mark.parametrize(("limits", "of"), [((), None), (("10/minute",), "10/hour")])
async def test_a_charge_needs_a_limit(limits: tuple[str, ...], of: str | None) -> None:
    """To charge where nothing is counted is the author's mistake, and told as such."""
    async with TestClient(charging(*limits, of=of)) as client:
        with pytest.raises(StateError, match=r"turn\.charge\(\): pay\(\).* to take from"):
            await client.user("alice").say("/pay 1")


async def test_a_charge_below_nothing_is_refused() -> None:
    """A limit is given back by time alone."""
    async with TestClient(charging("10/minute")) as client:
        with pytest.raises(ValueError, match="0 or more"):
            await client.user("alice").say("/pay -1")
