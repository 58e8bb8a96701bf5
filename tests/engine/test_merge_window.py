"""A person who writes in bursts is waited for: `overlap="merge"` with a `window`."""

import asyncio
from typing import Any

import pytest
from support import query, texts

from chatstate import (
    BindingError,
    Button,
    ChatInterface,
    Interface,
    Message,
    Reply,
    Turn,
    User,
)
from chatstate.adapter import Receipt
from chatstate.messages import Event
from chatstate.testing import Person, TestClient

WINDOW = 4.0


def bursts(**options: Any) -> Interface:
    """Make a bot that answers with all that was said together."""
    bot = Interface(id="bot")

    @bot.on_message(overlap="merge", window=WINDOW, **options)
    async def answer(message: str, turn: Turn) -> Reply:
        said = [part.text for part in turn.messages]
        assert message == "\n".join(said)
        return Reply(" + ".join(said), buttons=[Button("Yes", "yes")])

    @bot.command
    async def now() -> str:
        return "now"

    @bot.on_edit
    async def edited(message: str) -> str:
        return f"edited {message}"

    return bot


class Burst:
    """Somebody who writes, and does not wait for answers."""

    def __init__(self, client: TestClient) -> None:
        self.client = client
        self.receipts: list[Receipt] = []

    async def say(self, *events: Event) -> None:
        self.receipts += await self.client.deliver_all(events)

    @property
    def shown(self) -> list[str]:
        return [sent.text for sent in self.client.platform.delivered]

    async def answered(self) -> list[str]:
        """Return all that was answered, once all is."""
        for receipt in self.receipts:
            await receipt.settled()
        return self.shown


async def test_what_is_written_in_a_burst_is_one_turn() -> None:
    """It begins when nothing came for the window; each piece begins that anew."""
    async with TestClient(bursts()) as client:
        alice, burst = client.user("alice"), Burst(client)
        for text in ("a", "b", "c"):
            await burst.say(alice.event(text))
            await client.advance(WINDOW - 1)
            assert burst.shown == []
        await client.advance(1)
        assert await burst.answered() == ["a + b + c"]
        assert query(client, "SELECT count(*) FROM inbox WHERE done_at IS NULL") == [(0,)]


async def test_it_waits_three_windows_at_most() -> None:
    """However long somebody goes on writing."""
    async with TestClient(bursts()) as client:
        alice, burst = client.user("alice"), Burst(client)
        for number in range(8):
            await burst.say(alice.event(f"{number}"))
            await client.advance(WINDOW / 2)
        await client.advance(WINDOW)
        assert await burst.answered() == ["0 + 1 + 2 + 3 + 4 + 5", "6 + 7"]


def enders(client: TestClient, alice: Person) -> dict[str, tuple[Event, str]]:
    """Return what ends the wait, and how that is answered."""
    bob = client.user("bob", chat="room")
    return {
        "another person": (bob.event("hi"), "hi"),
        "a command": (alice.event("/now"), "now"),
        "an edit": (alice.event("x", kind="edit"), "edited x"),
    }


@pytest.mark.parametrize("what", ["another person", "a command", "an edit"])
async def test_whatever_else_comes_ends_it(what: str) -> None:
    """And comes after it, so that the order of the conversation holds."""
    async with TestClient(bursts()) as client:
        alice, burst = client.user("alice", chat="room"), Burst(client)
        event, answer = enders(client, alice)[what]
        await burst.say(alice.event("a"), alice.event("b"))
        await burst.say(event)
        if what == "another person":
            await client.advance(0)
            while not burst.shown:
                await asyncio.sleep(0)
            await client.advance(WINDOW)
        assert await burst.answered() == ["a + b", answer]


async def test_a_press_ends_it_and_is_a_turn_of_its_own() -> None:
    """It is complete: nothing is waited for, and nothing is joined with it."""
    async with TestClient(bursts()) as client:
        alice, burst = client.user("alice"), Burst(client)
        await burst.say(alice.event("a"))
        await client.advance(WINDOW)
        await burst.answered()
        (shown,) = client.platform.delivered
        await burst.say(alice.event("b"))
        pressed = asyncio.create_task(alice.press("Yes", on=shown))
        assert [reply.text for reply in await pressed] == ["yes"]
        assert await burst.answered() == ["a", "b", "yes"]


async def test_somebody_in_another_chat_does_not_end_it() -> None:
    """Each conversation has its own order."""
    async with TestClient(bursts()) as client:
        burst = Burst(client)
        await burst.say(client.user("alice").event("a"))
        await burst.say(client.user("bob").event("b"))
        await burst.say(client.user("alice").event("c"))
        await client.advance(WINDOW)
        assert sorted(await burst.answered()) == ["a + c", "b"]


async def test_a_burst_outlives_the_process() -> None:
    """What was said is in the inbox, and is waited for again."""
    async with TestClient(bursts()) as client:
        alice, burst = client.user("alice"), Burst(client)
        await burst.say(alice.event("a"), alice.event("b"))
        await client.advance(1)
        await client.crash()
        await client.start()
        await burst.say(alice.event("c"))
        while len(burst.shown) < 2:
            await client.advance(1)
        assert burst.shown == ["a", "b + c"]  # what may have crashed the process runs alone


async def test_a_bot_that_stops_waits_no_longer() -> None:
    """What was said is answered before it ends."""
    async with TestClient(bursts()) as client:
        burst = Burst(client)
        alice = client.user("alice")
        await burst.say(alice.event("a"), alice.event("b"))
        await client.restart()
        assert burst.shown == ["a + b"]


async def test_who_waits_holds_no_place_of_the_handlers() -> None:
    """Others come to theirs meanwhile."""
    async with TestClient(bursts(concurrency_limit=1), running_limit=1) as client:
        burst = Burst(client)
        for name in ("alice", "bob", "carol"):
            await burst.say(client.user(name).event(name))
        await client.advance(WINDOW)
        assert sorted(await burst.answered()) == ["alice", "bob", "carol"]


async def test_waiting_is_not_the_handlers_time_and_shows_no_typing() -> None:
    """Its timeout begins with it; the bot does not seem to write while the person does."""
    async with TestClient(bursts(timeout=1)) as client:
        alice, burst = client.user("alice"), Burst(client)
        for text in ("a", "b"):
            await burst.say(alice.event(text))
            await client.advance(WINDOW - 0.5)
        assert client.platform.typing == []
        await client.advance(1)
        assert await burst.answered() == ["a + b"]


async def test_who_may_not_speak_is_not_waited_for() -> None:
    """Guards and limits come first; a burst counts once."""
    asked = list[str]()

    async def may(user: User, message: Message) -> bool:
        asked.append(message.text)
        return user.id != "mallory"

    async with TestClient(bursts(allow=may, limits="1/minute")) as client:
        burst = Burst(client)
        alice = client.user("alice")
        assert len(await texts(client.user("mallory"), "let me")) == 1
        await burst.say(alice.event("a"), alice.event("b"))
        await client.advance(WINDOW)
        assert (await burst.answered())[1:] == ["a + b"]
        assert asked == ["let me", "a", "b"]


async def test_more_than_memory_holds_is_all_answered_in_order() -> None:
    """Hundreds of messages at once."""
    async with TestClient(bursts()) as client:
        alice, burst = client.user("alice"), Burst(client)
        await burst.say(*(alice.event(f"{number}") for number in range(200)))
        while sum(text.count("+") + 1 for text in burst.shown) < 200:
            await client.advance(1)
        told = " + ".join(await burst.answered()).split(" + ")
        assert told == [f"{number}" for number in range(200)]


async def test_a_chat_function_may_wait_too() -> None:
    """The history has what was said as one message."""

    def answer(message: str, history: list[dict[str, Any]]) -> str:
        return f"{len(history)}: {message}"

    bot = ChatInterface(answer, id="bot", overlap="merge", window=WINDOW, markdown=False)
    async with TestClient(bot) as client:
        alice, burst = client.user("alice"), Burst(client)
        for text in ("a", "b"):
            await burst.say(alice.event(text))
        await client.advance(WINDOW)
        await burst.answered()
        await burst.say(alice.event("c"))
        await client.advance(WINDOW)
        assert await burst.answered() == ["0: a\nb", "2: c"]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"window": 2}, 'with overlap="merge"'),
        ({"window": 2, "overlap": "interrupt"}, 'with overlap="merge"'),
        ({"window": 0, "overlap": "merge"}, "use seconds above 0, 30 at most"),
        ({"window": 31, "overlap": "merge"}, "use seconds above 0, 30 at most"),
        ({"window": "2", "overlap": "merge"}, "use seconds above 0, 30 at most"),
    ],
)
def test_a_window_that_cannot_be_is_refused(options: Any, said: str) -> None:
    """At registration, in words that say what is possible."""
    with pytest.raises(BindingError, match=said):
        Interface(id="bot").on_message(**options)(lambda text: text)


def test_a_command_waits_for_nothing() -> None:
    """It is complete by itself."""
    with pytest.raises(BindingError, match="by a handler of messages"):
        Interface(id="bot").command(name="now", overlap="merge", window=2)(lambda: "now")
