"""Signs of life: that the bot is typing, and that an event without an answer is over."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from msgspec.structs import replace
from support import texts

from chatstate import Button, Delete, Global, Interface, Message, Reply, UserError
from chatstate.adapter import Action, Sent
from chatstate.testing import FakePlatform, TestClient
from chatstate.testing.platform import FULL


class Slow:
    """A bot that answers when the test says so."""

    def __init__(self, **options: Any) -> None:
        self.bot = Interface(id="slow")
        self.bot.on_message(**options)(self.work)
        self.entered = asyncio.Queue[str]()
        self.gate = asyncio.Event()

    async def work(self, message: str) -> str | None:
        await self.entered.put(message)
        await self.gate.wait()
        return None if message == "nothing" else message


async def until(condition: Callable[[], object]) -> None:
    while not condition():
        await asyncio.sleep(0)


async def test_typing_is_shown_while_a_turn_takes_its_time() -> None:
    """Not at once, again before it expires, and no more once the turn is over."""
    made = Slow()
    platform = FakePlatform(capabilities=replace(FULL, typing=5.0))
    async with TestClient(made.bot, platform=platform) as client:
        alice = client.user("alice", chat="room", thread="topic")
        said = asyncio.create_task(texts(alice, "hi"))
        await made.entered.get()
        await client.advance(0.3)
        assert platform.typing == []
        await client.advance(0.7)
        assert platform.typing == ["room"]
        await client.advance(3)
        assert platform.typing == ["room"]
        await client.advance(1.5)
        assert platform.typing == ["room"] * 2
        await client.advance(30)
        assert 8 <= len(platform.typing) <= 10
        made.gate.set()
        assert await said == ["hi"]
        seen = len(platform.typing)
        await client.advance(30)
        assert len(platform.typing) == seen


async def test_a_quick_turn_shows_nothing() -> None:
    """It answers at once."""
    made = Slow()
    made.gate.set()
    async with TestClient(made.bot) as client:
        for _ in range(5):
            assert await texts(client.user("alice"), "hi") == ["hi"]
            await client.advance(2)
        assert client.platform.typing == []


async def test_each_conversation_has_its_own_typing() -> None:
    """Where a turn runs, and nowhere else; with the event it is an answer to."""
    made, seen = Slow(), list[tuple[str, str | None, str | None]]()

    class Watched(FakePlatform):
        async def perform(self, action: Action) -> Sent:
            if action.verb == "typing":
                seen.append((action.chat, action.thread, action.origin))
            return await super().perform(action)

    async with TestClient(made.bot, platform=Watched()) as client:
        alice, bob = client.user("alice"), client.user("bob", chat="room", thread="t")
        events = [alice.event("hi", event_id="a"), bob.event("hi", event_id="b")]
        receipts = await client.deliver_all(events)
        for _ in receipts:
            await made.entered.get()
        await client.advance(1)
        assert sorted(seen, key=str) == [("private-alice", None, "a"), ("room", "t", "b")]
        made.gate.set()
        await asyncio.gather(*(receipt.settled() for receipt in receipts))


@pytest.mark.parametrize("end", ["timeout", "interrupt"])
async def test_a_turn_that_was_given_up_is_typing_no_more(end: str) -> None:
    """Though its handler does not end."""
    bot, entered, release = Interface(id="bot"), asyncio.Event(), asyncio.Event()

    @bot.on_message(timeout=3, overlap="interrupt")
    async def stubborn(message: str) -> str:
        while message == "slow" and not release.is_set():
            entered.set()
            try:
                await release.wait()
            except asyncio.CancelledError:
                continue
        return message

    async with TestClient(bot) as client:
        alice = client.user("alice")
        (receipt,) = await client.deliver_all([alice.event("slow")])
        await entered.wait()
        await client.advance(1)
        assert len(client.platform.typing) == 1
        if end == "timeout":
            await client.advance(3)
        else:
            assert await texts(alice, "quick") == ["quick"]
        await receipt.settled()
        await client.advance(60)
        assert len(client.platform.typing) == 1
        release.set()


async def test_a_turn_that_waits_for_its_place_is_typing_too() -> None:
    """A person need not know why it takes long."""
    bot, gate, entered = Interface(id="bot"), asyncio.Event(), asyncio.Event()

    @bot.on_message
    async def work(message: str, shared: Global[list[str]]) -> str:
        entered.set()
        await gate.wait()
        return message

    async with TestClient(bot, running_limit=1) as client:
        people = [client.user(name) for name in ("alice", "bob")]
        receipts = await client.deliver_all([person.event("hi") for person in people])
        await entered.wait()
        await client.advance(1)
        assert sorted(client.platform.typing) == ["private-alice", "private-bob"]
        gate.set()
        await asyncio.gather(*(receipt.settled() for receipt in receipts))


@pytest.mark.parametrize("fault", [RuntimeError("bug"), OSError("down"), "hangs"], ids=str)
async def test_typing_that_fails_costs_nothing(fault: Any) -> None:
    """It is a courtesy; a call that hangs is made once."""
    made, tries = Slow(), list[int]()

    class Faulty(FakePlatform):
        async def perform(self, action: Action) -> Sent:
            if action.verb != "typing":
                return await super().perform(action)
            tries.append(1)
            if isinstance(fault, Exception):
                raise fault
            return await asyncio.Future[Sent]()

    async with TestClient(made.bot, platform=Faulty()) as client:
        said = asyncio.create_task(texts(client.user("alice"), "hi"))
        await made.entered.get()
        await client.advance(20)
        assert len(tries) == 1 if fault == "hangs" else len(tries) > 3
        made.gate.set()
        assert await said == ["hi"]


async def test_a_platform_without_typing_sees_none() -> None:
    """Nothing looks for turns that take long."""
    made = Slow()
    async with TestClient(made.bot, platform=FakePlatform.without("typing")) as client:
        said = asyncio.create_task(texts(client.user("alice"), "hi"))
        await made.entered.get()
        await client.advance(10)
        made.gate.set()
        assert await said == ["hi"]
        assert client.platform.typing == []


# An event without an answer


def finishing() -> FakePlatform:
    """Return a platform on which an event waits for an answer, or for its end."""
    return FakePlatform(capabilities=replace(FULL, finish=True))


class Quiet:
    """A bot that answers some things, and others not."""

    def __init__(self) -> None:
        self.bot = Interface(id="quiet")
        self.bot.on_message(self.work)

    async def work(self, message: Message) -> Any:
        match message.text:
            case "answer":
                return "here"
            case "empty":
                return [" ", Reply("")]
            case "delete":
                return Delete("message-1")
            case "edit":
                return Reply("changed", edit="message-1")
            case "raise":
                raise RuntimeError
            case "refuse":
                raise UserError("no")
            case "buttons":
                return Reply("here", buttons=[Button("B", "nothing")])
        return None


@pytest.mark.parametrize(
    ("said", "finished"),
    [
        ("nothing", True),
        ("empty", True),
        ("delete", True),
        ("answer", False),
        ("edit", False),
        ("raise", False),
        ("refuse", False),
    ],
)
async def test_an_event_without_an_answer_is_finished_once(said: str, finished: Any) -> None:
    """One that is answered, in whatever way, is not."""
    async with TestClient(Quiet().bot, platform=finishing(), raise_errors=False) as client:
        await client.user("alice").say(said, event_id="e1")
        await client.restart()
        assert client.platform.finished == ["e1"] * finished


async def test_what_no_handler_takes_is_finished_too() -> None:
    """An edit that nobody asked for, a message in a group to a bot that has only commands."""
    bot = Interface(id="bot")

    @bot.command
    def vote() -> None:
        return None

    async with TestClient(bot, platform=finishing()) as client:
        await client.user("alice").say("hi", kind="edit", event_id="e1")
        await client.user("alice", chat="room").say("hi", event_id="e2")
        assert client.platform.finished == ["e1", "e2"]


async def test_a_press_without_an_answer_is_finished() -> None:
    """The waiting sign on the button goes."""
    async with TestClient(Quiet().bot, platform=finishing()) as client:
        alice = client.user("alice")
        await alice.say("buttons", event_id="e1")
        assert await alice.press("B") == []
        assert len(client.platform.finished) == 1
        assert "e1" not in client.platform.finished


async def test_an_event_without_origin_waits_for_nothing() -> None:
    """There is nothing to finish."""
    async with TestClient(Quiet().bot, platform=finishing()) as client:
        event = replace(client.user("alice").event("nothing"), origin=None)
        assert await client.deliver(event) == []
        assert client.platform.finished == []


async def test_a_platform_that_needs_no_finish_gets_none() -> None:
    """Nothing is sent at all."""
    async with TestClient(Quiet().bot) as client:
        await client.user("alice").say("nothing")
        assert client.platform.tries == 0


async def test_a_finish_is_owed_as_a_reply_is() -> None:
    """It comes after a crash too, once, in its place in the line."""
    platform = finishing()
    async with TestClient(Quiet().bot, platform=platform) as client:
        alice = client.user("alice")
        platform.stall()
        await client.deliver_all(
            [alice.event("answer", event_id="e1"), alice.event("nothing", event_id="e2")]
        )
        await until(lambda: platform.tries)
        await client.crash()
        platform.recover()
        await client.start()
        await alice.say("answer")
        assert platform.finished == ["e2"]
        assert [reply.text for reply in platform.delivered] == ["here", "here"]


async def test_of_events_handled_together_each_is_finished() -> None:
    """The answer is the last one's."""
    made = Slow(overlap="merge")
    platform = finishing()
    async with TestClient(made.bot, platform=platform) as client:
        alice = client.user("alice")
        first = await client.deliver_all([alice.event("first", event_id="e1")])
        await made.entered.get()
        rest = await client.deliver_all([alice.event(text, event_id=text) for text in "abc"])
        made.gate.set()
        await asyncio.gather(*(receipt.settled() for receipt in (*first, *rest)))
        assert [(reply.text, reply.event) for reply in platform.delivered] == [
            ("first", "e1"),
            ("a\nb\nc", "c"),
        ]
        assert platform.finished == ["a", "b"]


async def test_an_interrupted_event_is_finished() -> None:
    """As those that were dropped for the newest."""
    made = Slow(overlap="interrupt")
    platform = finishing()
    async with TestClient(made.bot, platform=platform) as client:
        alice = client.user("alice")
        first = await client.deliver_all([alice.event("first", event_id="e1")])
        await made.entered.get()
        rest = await client.deliver_all([alice.event(text, event_id=text) for text in "abc"])
        made.gate.set()
        await asyncio.gather(*(receipt.settled() for receipt in (*first, *rest)))
        assert platform.finished == ["e1", "a", "b"]
        assert [reply.event for reply in platform.delivered] == ["c"]
