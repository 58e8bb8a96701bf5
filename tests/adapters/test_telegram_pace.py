"""How fast the bot writes, on a clock that the tests move."""

import asyncio
import contextlib
from collections.abc import Iterator

import pytest

from chatstate import RetryAfter
from chatstate_telegram.send.pace import Limit, Limits, Pace


class Clock:
    """A clock that jumps to the next moment for which somebody waits, when all wait."""

    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        until = self.now + seconds
        while self.now < until:
            await asyncio.sleep(0)
            self.now += 0.01


class Sent:
    """Notes when a message had its turn."""

    def __init__(self, limits: Limits | None = None) -> None:
        self.clock = Clock()
        self.pace = Pace(limits, self.clock)
        self.times: list[tuple[str, float]] = []

    async def send(self, chat: str) -> None:
        await self.pace.turn(chat)
        self.times.append((chat, self.clock.now - 1000))

    def at(self, chat: str | None = None) -> list[float]:
        return [time for name, time in self.times if chat in (None, name)]


def most_within(times: list[float], seconds: float) -> int:
    """Return how many of the times any window of so many seconds holds."""
    return max(sum(start <= time < start + seconds - 1e-6 for time in times) for start in times)


@pytest.fixture
def sent() -> Iterator[Sent]:
    calls = Sent()
    yield calls
    calls.pace.close()


async def test_a_chat_gets_one_message_a_second(sent: Sent) -> None:
    """In the long run; three may go at once."""
    for _ in range(9):
        await sent.send("1")
    assert sent.at()[:3] == [0, 0, 0]
    assert most_within(sent.at(), 3) == 3


async def test_a_group_gets_twenty_a_minute(sent: Sent) -> None:
    """In any minute."""
    for _ in range(45):
        await sent.send("-7")
    assert most_within(sent.at(), 60) == 20
    assert sent.at()[-1] < 130


async def test_the_account_sends_thirty_a_second(sent: Sent) -> None:
    """To however many chats."""
    await asyncio.gather(*(sent.send(str(chat)) for chat in range(100)))
    assert most_within(sent.at(), 1) == 30
    assert sent.at()[-1] < 4


async def test_one_chat_that_waits_holds_up_no_other(sent: Sent) -> None:
    """Each has a limit of its own."""
    slow = asyncio.gather(*(sent.send("1") for _ in range(9)))
    await sent.send("2")
    assert sent.at("2") == [0]
    await slow


async def test_who_has_just_spoken_goes_before_what_is_owed_from_before(sent: Sent) -> None:
    """A reply waits for a second at most, though hundreds of chats are owed something."""
    owed = asyncio.gather(*(sent.send(f"owed {chat}") for chat in range(300)))
    while not sent.times:
        await asyncio.sleep(0)
    sent.pace.heard("alice")
    await sent.send("alice")
    assert sent.at("alice")[0] < 1.2
    await owed
    assert max(sent.at()) > 9


async def test_what_is_owed_moves_though_everybody_speaks() -> None:
    """Each fifth turn is its own."""
    sent = Sent(Limits(account=Limit(1, 1.0)))
    for chat in range(20):
        sent.pace.heard(f"live {chat}")
    live = asyncio.gather(*(sent.send(f"live {chat}") for chat in range(20)))
    owed = asyncio.gather(*(sent.send(f"owed {chat}") for chat in range(4)))
    await live
    await owed
    order = [name.partition(" ")[0] for name, _ in sent.times]
    assert order.index("owed") <= 5
    assert order.count("owed") == 4
    assert order[-1] == "live"


async def stream(sent: Sent, chat: str, seconds: int) -> int:
    """Show a stream that has something new each second; return how often it was shown."""
    shown = 0
    for _ in range(seconds):
        with contextlib.suppress(RetryAfter):
            sent.pace.preview(chat)
            shown += 1
        sent.clock.now += 1.0
    return shown


async def test_a_stream_is_shown_every_second(sent: Sent) -> None:
    """In a private chat, for as long as it takes; and its end waits for no more than a second."""
    assert await stream(sent, "1", 60) == 60
    ended = sent.clock.now
    await sent.send("1")
    assert sent.clock.now - ended <= 1.0


async def test_a_stream_leaves_a_group_half_of_its_minute(sent: Sent) -> None:
    """Messages get the other half at once."""
    assert await stream(sent, "-7", 60) == 10
    for _ in range(3):
        await sent.send("-7")
    assert max(sent.at()) == pytest.approx(60)


async def test_a_preview_leaves_room_for_messages(sent: Sent) -> None:
    """Two are a little apart, and the second is told when to try again."""
    sent.pace.preview("1")
    with pytest.raises(RetryAfter) as refused:
        sent.pace.preview("1")
    assert 0 < refused.value.seconds <= 1
    await sent.send("1")
    assert sent.at() == [0]


async def test_a_preview_gives_way_while_messages_wait() -> None:
    """For the account's turn."""
    sent = Sent(Limits(account=Limit(1, 1.0)))
    owed = asyncio.gather(*(sent.send(str(chat)) for chat in range(3)))
    await asyncio.sleep(0)
    with pytest.raises(RetryAfter):
        sent.pace.preview("new")
    await owed


async def test_chats_that_are_silent_are_forgotten(sent: Sent) -> None:
    """However many there are, what is remembered is bounded."""
    sent = Sent(Limits(account=Limit(100_000, 0.001)))
    for chat in range(12_000):
        await sent.pace.turn(str(chat))
        sent.pace.heard(str(chat))
        sent.clock.now += 0.01
    assert len(sent.pace._chats) <= 10_001
    assert len(sent.pace._heard) <= 10_001


async def test_who_gives_up_waiting_takes_no_turn() -> None:
    """A message that is not sent any more counts for nothing."""
    sent = Sent(Limits(account=Limit(1, 1.0)))
    await sent.send("1")
    waiting = asyncio.create_task(sent.send("2"))
    await asyncio.sleep(0)
    waiting.cancel()
    await sent.send("3")
    assert sent.at("3")[0] <= 1.1


async def test_who_has_waited_asks_whether_it_still_may(sent: Sent) -> None:
    """Another worker may have taken over what this one would send by then."""
    asked: list[float] = []

    async def assure() -> None:
        asked.append(sent.clock.now)

    sent.pace.assure = assure
    for _ in range(4):
        await sent.send("1")
    assert len(asked) == 1


async def test_workers_divide_what_an_account_may_send() -> None:
    """Together they send no more than one alone."""
    calls = Sent()
    calls.pace.peers = lambda: 3
    await asyncio.gather(*(calls.send(str(chat)) for chat in range(25)))
    assert most_within(calls.at(), 1.0) == 10
    calls.pace.close()
