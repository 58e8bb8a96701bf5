"""`TestClient`: what goes wrong in a bot is seen in its test, and clients may share a store."""

import asyncio
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import pytest
from support import FAILED, texts

from chatstate import Arg, Clock, Interface, PerUser, Ref, Reply, State, User, UserError
from chatstate.replies import Button
from chatstate.testing import FakeClock, FakePlatform, TestClient


def breaking() -> Interface:
    """Return a bot that raises whatever it is sent, and shows a button that does."""
    bot = Interface(id="breaking")
    errors = {
        "value": ValueError("broken"),
        "exit": SystemExit("broken"),
        "told": UserError("for you"),
    }

    @bot.on_message
    async def work(message: str) -> Reply:
        if message in errors:
            raise errors[message]
        return Reply(message, [Button("Break it", "value")])

    return bot


# What a handler raises


async def test_what_a_handler_raises_is_raised_by_say() -> None:
    """The error itself; pytest shows where it was raised, and nothing of ours."""
    async with TestClient(breaking()) as client:
        with pytest.raises(ValueError, match="broken") as raised:
            await client.user("alice").say("value")
        shown = [entry.name for entry in raised.traceback.filter(raised)]
        assert shown == ["test_what_a_handler_raises_is_raised_by_say", "work"]
        assert await texts(client.user("alice"), "fine") == ["fine"]


async def test_what_a_handler_raises_is_raised_by_press() -> None:
    """As by `say`."""
    async with TestClient(breaking()) as client:
        alice = client.user("alice")
        await alice.say("show it")
        with pytest.raises(ValueError, match="broken"):
            await alice.press("Break it")
        (reply,) = await alice.press("Break it", raise_errors=False)
        assert reply.text == FAILED


async def test_what_would_end_the_test_is_told_by_a_cause() -> None:
    """`SystemExit` of a handler is a failure of its test, not its end."""
    async with TestClient(breaking()) as client:
        with pytest.raises(RuntimeError, match="a handler raised SystemExit") as raised:
            await client.user("alice").say("exit")
        assert isinstance(raised.value.__cause__, SystemExit)


async def test_an_error_for_the_person_is_an_answer() -> None:
    """`UserError` is no failure."""
    async with TestClient(breaking()) as client:
        assert await texts(client.user("alice"), "told") == ["for you"]


@pytest.mark.parametrize("answer", ["It broke.", None])
async def test_an_error_that_its_author_answers_is_an_answer(answer: str | None) -> None:
    """What `on_error` says is seen; what it leaves to the framework is raised."""
    bot = breaking()
    bot.on_error(lambda: answer)
    async with TestClient(bot) as client:
        alice = client.user("alice")
        if answer:
            assert await texts(alice, "value") == [answer]
        else:
            with pytest.raises(ValueError, match="broken"):
                await alice.say("value")


@pytest.mark.parametrize("of_client", [False, True])
async def test_the_sentence_can_be_looked_at(of_client: bool) -> None:
    """With `raise_errors=False`, for the client or for one message."""
    async with TestClient(breaking(), raise_errors=not of_client) as client:
        of_message = None if of_client else False
        (reply,) = await client.user("alice").say("value", raise_errors=of_message)
        assert reply.text == FAILED


async def test_one_message_may_raise_in_a_client_that_does_not() -> None:
    """What is said of a message counts before what is said of the client."""
    async with TestClient(breaking(), raise_errors=False) as client:
        with pytest.raises(ValueError, match="broken"):
            await client.user("alice").say("value", raise_errors=True)


async def test_each_gets_the_error_of_their_own_message() -> None:
    """Though they speak at once."""
    async with TestClient(breaking()) as client:
        said = (client.user(name).say(text) for name, text in (("a", "value"), ("b", "fine")))
        broken, fine = await asyncio.gather(*said, return_exceptions=True)
        assert isinstance(broken, ValueError)
        assert not isinstance(fine, BaseException)


@pytest.mark.parametrize("raise_errors", [True, False])
async def test_what_on_expire_raises_is_raised_by_advance(raise_errors: bool) -> None:
    """Nobody has said anything that it could be raised for."""
    bot = Interface(id="bot")

    def on_expire(value: list[str]) -> None:
        raise ValueError(f"{value} has expired")

    state = State([], type=list[str], ttl=60, on_expire=on_expire)

    @bot.on_message
    def work(message: str, said: Annotated[list[str], state]) -> None:
        said.append(message)

    async with TestClient(bot, raise_errors=raise_errors) as client:
        await client.user("alice").say("hi")
        if raise_errors:
            with pytest.raises(ValueError, match="has expired"):
                await client.advance(60)
        await client.advance(60)


# Two clients on one store


def counting() -> Interface:
    """Return a bot that counts messages."""
    bot = Interface(id="counting")

    @bot.on_message
    def work(count: PerUser[Ref[int]]) -> str:
        count.value += 1
        return str(count.value)

    return bot


async def test_two_clients_use_one_store_in_turn(tmp_path: Path) -> None:
    """What the second one says is new, and finds the state of the first."""
    store = f"sqlite:///{tmp_path / 'a.db'}"
    for answer in ("1", "2"):
        async with TestClient(counting(), store=store) as client:
            assert await texts(client.user("alice"), "hi") == [answer]


async def test_a_redelivery_is_answered_by_nothing() -> None:
    """An id that the client has used before means the same event."""
    async with TestClient(counting()) as client:
        alice = client.user("alice")
        assert [reply.text for reply in await alice.say("hi", event_id="e")] == ["1"]
        assert await alice.say("hi", event_id="e") == []
        await client.restart()
        assert await alice.say("hi", event_id="e") == []


async def test_a_duplicate_that_was_not_meant_is_an_error(tmp_path: Path) -> None:
    """An id that only the store knows is hardly meant: no handler ran."""
    store = f"sqlite:///{tmp_path / 'a.db'}"
    async with TestClient(counting(), store=store) as client:
        await client.user("alice").say("hi", event_id="e")
    async with TestClient(counting(), store=store) as client:
        alice = client.user("alice")
        with pytest.raises(RuntimeError, match="event 'e' is in this store already"):
            await alice.say("hi", event_id="e")
        (receipt,) = await client.deliver_all([alice.event("hi", event_id="e")])
        assert receipt.status == "duplicate"


# A client that is not open


METHODS: dict[str, Any] = {
    "say": lambda client: client.user("alice").say("hi"),
    "press": lambda client: client.user("alice").press_data("data"),
    "deliver_all": lambda client: client.deliver_all([]),
    "advance": lambda client: client.advance(1),
    "restart": lambda client: client.restart(),
    "crash": lambda client: client.crash(),
    "start": lambda client: client.start(),
}
USAGE = re.escape("`async with TestClient(bot) as client:`")


@pytest.mark.parametrize("method", METHODS)
async def test_a_client_that_was_not_entered_says_so(method: str) -> None:
    """Whatever it is asked, instead of waiting for ever."""
    with pytest.raises(RuntimeError, match=USAGE):
        await METHODS[method](TestClient(counting()))


@pytest.mark.parametrize("method", METHODS)
async def test_a_client_that_was_left_says_so(method: str) -> None:
    """What comes after the block is told the same."""
    async with TestClient(counting()) as client:
        pass
    with pytest.raises(RuntimeError, match=USAGE):
        await METHODS[method](client)


async def test_a_bot_that_has_crashed_says_so() -> None:
    """Instead of cancelling the test; it can be started again."""
    async with TestClient(counting()) as client:
        await client.crash()
        with pytest.raises(RuntimeError, match=r"`await client.start\(\)`"):
            await client.user("alice").say("hi")
        await client.start()
        assert await texts(client.user("alice"), "hi") == ["1"]


def test_a_client_is_entered_by_async_with() -> None:
    """`with` alone is told what is missing."""
    with pytest.raises(TypeError, match=USAGE), TestClient(counting()):
        pass


# The clock


async def test_people_are_named_in_what_is_said() -> None:
    """A command gets whom the text mentions, as from a platform."""
    bot = Interface(id="bot")

    @bot.command
    def greet(whom: Annotated[User, Arg]) -> str:
        return f"Hello {whom.id}"

    async with TestClient(bot) as client:
        alice, bob = client.user("alice", chat="room"), client.user("Bob", id="7")
        (reply,) = await alice.say("/greet @Bob", mentions=[bob.user])
        assert reply.text == "Hello 7"


async def test_what_people_say_has_the_clocks_time() -> None:
    """`Message.time` stands still, and goes on by what a test advances."""
    times: list[datetime] = []
    bot = Interface(id="bot")

    @bot.on_message
    def work(message: str, clock: Clock) -> None:
        times.append(datetime.fromtimestamp(clock.time(), UTC))

    async with TestClient(bot) as client:
        alice = client.user("alice")
        heard = alice.event("a").message.time
        await alice.say("a")
        await client.advance(90)
        await alice.say("b")
        assert times[0] == heard
        assert (times[1] - times[0]).total_seconds() == pytest.approx(90)
        assert alice.event("c").message.time == times[1]


async def test_a_bot_sleeps_by_the_clock_it_is_given() -> None:
    """A pause of a handler is over when the test has moved the clock that far."""
    bot = Interface(id="bot")

    @bot.on_message
    async def work(message: str, clock: Clock) -> str:
        await clock.sleep(60)
        return "a minute later"

    async with TestClient(bot, platform=FakePlatform.without("typing")) as client:
        asking = asyncio.create_task(client.user("alice").say("hi"))
        await client.user("bob").say("/start")
        await client.advance(59)
        assert not asking.done()
        await client.advance(1)
        (reply,) = await asking
        assert reply.text == "a minute later"


async def test_a_bot_and_a_test_may_share_a_clock() -> None:
    """One that is made before the client is that of the engine, too."""
    clock = FakeClock()
    async with TestClient(counting(), clock=clock) as client:
        assert client.clock is clock


async def test_a_client_may_go_on_where_another_one_has_ended(tmp_path: Path) -> None:
    """With its platform and its clock: ids of messages stay what they mean, and time goes on."""
    store = f"sqlite:///{tmp_path / 'a.db'}"
    async with TestClient(counting(), store=store) as client:
        (first,) = await client.user("alice").say("hi")
        await client.advance(3600)
    async with TestClient(
        counting(), store=store, platform=client.platform, clock=client.clock
    ) as other:
        (second,) = await other.user("alice").say("hi")
        assert first.id != second.id
        assert [shown.text for shown in other.platform.shown("private-alice")] == ["1", "2"]
        assert other.clock.time() == client.clock.time()
