"""`TryLater`: an event that is put off, stays first in its conversation, and begins anew."""

import asyncio

import pytest
from support import FAILED, parts_of, query, texts

from chatstate import Interface, PerUser, Ref, TryLater, Turn
from chatstate.adapter import Receipt
from chatstate.testing import Person, TestClient

HOUR = 3600.0


class Service:
    """A bot that asks a service, which is `busy` so many times, for so long."""

    def __init__(self, busy: int, seconds: float = HOUR) -> None:
        self.busy, self.seconds = busy, seconds
        self.steps: list[str] = []
        self.bot = Interface(id="bot")
        self.bot.on_message(self.ask)
        self.bot.command(self.note)

    async def ask(self, text: str, turn: Turn, asked: PerUser[Ref[int]]) -> str:
        asked.value += 1
        await turn.step("pay", lambda: self.steps.append(text))
        await turn.send("asking")
        if self.busy:
            self.busy -= 1
            raise TryLater(self.seconds)
        return f"{text}: {asked.value}"

    def note(self, text: str) -> str:
        return f"noted {text}"


async def begin(client: TestClient, person: Person, text: str) -> Receipt:
    """Say something that is put off."""
    (receipt,) = await client.deliver_all([person.event(text)])
    await is_put_off(client)
    return receipt


async def is_put_off(client: TestClient) -> None:
    """Return once a turn waits for its time."""
    while not parts_of(client).fences.are_put_off:
        await asyncio.sleep(0)


def shown(client: TestClient) -> list[str]:
    return [message.text for message in client.platform.delivered if not message.preview]


async def test_an_event_that_is_put_off_begins_anew_when_its_time_has_come() -> None:
    """Nothing of its turn is kept but its steps; what comes after it waits; others do not."""
    service = Service(busy=1)
    async with TestClient(service.bot) as client:
        alice = client.user("alice")
        first = await begin(client, alice, "a")
        (later,) = await client.deliver_all([alice.event("/note it")])
        assert await texts(client.user("bob"), "/note that") == ["noted that"]
        await client.advance(HOUR - 1)
        assert shown(client) == ["noted that"]
        await client.advance(1)
        await asyncio.gather(first.settled(), later.settled())
        assert shown(client) == ["noted that", "asking", "a: 1", "noted it"]
        assert service.steps == ["a"]


@pytest.mark.parametrize("killed", [False, True])
async def test_a_wait_outlives_the_process(*, killed: bool) -> None:
    """It stops as fast as ever; after a crash nobody waits for it, and it is not blamed."""
    service = Service(busy=1)
    async with TestClient(service.bot) as client:
        alice = client.user("alice")
        await begin(client, alice, "a")
        await client.advance(HOUR / 2)
        for _ in range(4):
            if killed:
                await client.crash()
                await client.start()
            else:
                await client.restart()
            await is_put_off(client)
        assert await texts(client.user("bob"), "/note that") == ["noted that"]
        await client.advance(HOUR / 2 - 1)
        (later,) = await client.deliver_all([alice.event("/note it")])
        assert shown(client) == ["noted that"]
        await client.advance(2)
        await later.settled()
        assert shown(client) == ["noted that", "asking", "a: 1", "noted it"]
        assert service.steps == ["a"]


@pytest.mark.parametrize("restarted", [False, True])
async def test_cancel_ends_the_wait(*, restarted: bool) -> None:
    """That of its own person alone; it says so, once, and nothing of the turn is kept."""
    service = Service(busy=1)
    async with TestClient(service.bot) as client:
        alice, bob = client.user("alice", chat="room"), client.user("bob", chat="room")
        first = await begin(client, alice, "a")
        if restarted:
            await client.restart()
            await is_put_off(client)
        (other,) = await client.deliver_all([bob.event("/cancel")])
        await client.advance(1)
        assert shown(client) == []
        assert await texts(alice, "/cancel") == ["Given up. Nothing was changed."]
        await other.settled()
        if not restarted:
            await first.settled()
        assert await texts(alice, "/cancel") == []
        assert await texts(alice, "b") == ["asking", "b: 1"]


async def test_what_came_before_a_turn_was_put_off_may_end_the_wait() -> None:
    """Whoever gives up while the handler runs has given up all the same."""
    bot, began, go_on = Interface(id="bot"), asyncio.Event(), asyncio.Event()

    @bot.on_message
    async def ask(text: str) -> None:
        began.set()
        await go_on.wait()
        raise TryLater(HOUR)

    async with TestClient(bot) as client:
        alice = client.user("alice")
        await client.deliver_all([alice.event("a")])
        await began.wait()
        cancelling = asyncio.create_task(texts(alice, "/cancel"))
        await client.advance(1)
        go_on.set()
        assert await cancelling == ["Given up. Nothing was changed."]


async def test_an_event_that_interrupts_ends_the_wait() -> None:
    """As it ends the turn while that runs."""
    bot = Interface(id="bot")

    @bot.on_message(overlap="interrupt")
    async def ask(text: str) -> str:
        if text == "busy":
            raise TryLater(HOUR)
        return text

    async with TestClient(bot) as client:
        alice = client.user("alice")
        first = await begin(client, alice, "busy")
        assert await texts(alice, "free") == ["free"]
        await first.settled()


async def test_what_is_put_off_too_often_is_a_dead_letter() -> None:
    """Ten times; then it fails as any turn does."""
    service = Service(busy=100, seconds=60)
    async with TestClient(service.bot, raise_errors=False) as client:
        first = await begin(client, client.user("alice"), "a")
        for _ in range(10):
            await is_put_off(client)
            assert shown(client) == []
            await client.advance(60)
        await first.settled()
        assert shown(client) == [FAILED]
        assert service.busy == 100 - 11
        ((told,),) = query(client, "SELECT error FROM dead_letters")
        assert told == "TryLater: it was put off 10 times, and it asks to be tried again in 60 s"


async def test_a_share_of_a_limit_is_taken_once() -> None:
    """And while a turn is put off it takes none."""
    bot, busy = Interface(id="bot"), [True]

    @bot.on_message(limits="1/minute")
    def ask(text: str) -> str:
        if busy and busy.pop():
            raise TryLater(HOUR)
        return text

    async with TestClient(bot) as client:
        alice = client.user("alice")
        first = await begin(client, alice, "a")
        assert await texts(client.user("alice", chat="room"), "b") == ["b"]
        await client.advance(HOUR)
        await first.settled()
        assert shown(client) == ["b", "a"]


async def test_a_clock_that_is_set_back_delays_nothing() -> None:
    """What was waited for has been waited for."""
    service = Service(busy=1)
    async with TestClient(service.bot) as client:
        first = await begin(client, client.user("alice"), "a")
        client.clock.set(client.clock.time() - 7 * 24 * HOUR)
        await client.advance(HOUR)
        await first.settled()
        assert shown(client) == ["asking", "a: 1"]


@pytest.mark.parametrize("seconds", [-1.0, 24 * HOUR + 1, float("nan")])
def test_a_turn_is_put_off_for_a_day_at_most(seconds: float) -> None:
    """Anything else is the author's mistake."""
    with pytest.raises(ValueError, match="0 to 86400 seconds"):
        TryLater(seconds)
