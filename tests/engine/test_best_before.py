"""What is stale is not sent: a reply that could not be begun before its time was over."""

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace
from support import query, texts

from chatstate import Chat, File, Interface, Markdown, Reply, RetryAfter, Turn
from chatstate.adapter import Part, Post
from chatstate.markup import pages
from chatstate.stores.base import Request
from chatstate.testing import FakePlatform, TestClient
from chatstate.testing.platform import FULL

SOON = timedelta(minutes=5)
LONG = "\n\n".join(f"{number} " + "word " * 30 for number in range(8))


class Narrow(FakePlatform):
    """A platform whose messages are short."""

    def __init__(self) -> None:
        super().__init__(capabilities=replace(FULL, text_limit=200))

    def render(self, post: Post) -> Sequence[Part]:
        shown = pages(post, 200, lambda text: len(text.text))
        return [part for page in shown for part in super(Narrow, self).render(page)]


def weather_bot() -> Interface:
    """Return a bot that says what is soon stale, and something that is not."""
    bot = Interface(id="weather")

    @bot.command
    def weather() -> list[Any]:
        return [Reply("Sunny!", best_before=SOON), "Bye!"]

    @bot.command
    def long() -> list[Any]:
        return [Reply(Markdown(LONG), best_before=SOON), "Bye!"]

    @bot.command
    async def both(turn: Turn) -> None:
        await turn.send(Reply("Sunny!", best_before=SOON), to=Chat("other"))
        turn.later(timedelta(seconds=1), Reply("Still sunny!", best_before=SOON))

    return bot


def said(client: TestClient) -> list[str]:
    """Return all that the bot has said."""
    return [reply.text for reply in client.platform.delivered]


def letters(client: TestClient) -> list[tuple[str, int]]:
    """Return the kinds of dead letters, and which parts they were."""
    return query(client, "SELECT kind, part FROM dead_letters ORDER BY id")


async def outage(client: TestClient, command: str, seconds: float, step: float = 20) -> None:
    """Say something while the platform cannot be reached for so long."""
    client.platform.fail_next(RetryAfter(seconds))
    tried = client.platform.tries
    await client.deliver_all([client.user("alice").event(command)])
    while client.platform.tries == tried:  # else time might pass before it is begun
        await client.clock.advance(0)
    while query(client, "SELECT 1 FROM outbox"):
        await client.clock.advance(step)


async def test_a_reply_in_time_is_sent() -> None:
    """As any other, when nothing is in its way."""
    async with TestClient(weather_bot()) as client:
        assert await texts(client.user("alice"), "/weather") == ["Sunny!", "Bye!"]
        assert letters(client) == []


async def test_after_an_outage_what_is_stale_is_not_sent() -> None:
    """It is a dead letter of a kind of its own, which can be sent all the same."""
    async with TestClient(weather_bot()) as client:
        await outage(client, "/weather", 600)
        assert said(client) == ["Bye!"]
        assert letters(client) == [("stale", 0)]
        ((letter, error),) = query(client, "SELECT id, error FROM dead_letters")
        assert "best_before" in error
        await client._store.ask(Request(verb="retry", number=letter))
        while len(said(client)) < 2:
            await client.clock.advance(1)
        assert said(client) == ["Bye!", "Sunny!"]


async def test_within_its_time_it_is_sent_after_an_outage() -> None:
    """The time counts from the commit."""
    async with TestClient(weather_bot()) as client:
        await outage(client, "/weather", 100, step=0.5)
        assert said(client) == ["Sunny!", "Bye!"]


@pytest.mark.parametrize(("hours", "expected"), [(0, ["Sunny!", "Bye!"]), (1, ["Bye!"])])
async def test_a_process_that_was_down_sends_nothing_stale(
    tmp_path: Path, hours: int, expected: list[str]
) -> None:
    """What it had owed and not begun has the time that it had."""
    url = f"sqlite:///{tmp_path / 'weather.db'}"
    async with TestClient(weather_bot(), store=url) as client:
        await outage_until_crash(client, "/weather")
        await client.clock.jump(hours * 3600.0)
        await client.start()
        while query(client, "SELECT 1 FROM outbox"):
            await client.clock.advance(1)
        assert said(client) == expected


async def outage_until_crash(client: TestClient, command: str) -> None:
    """Let the process be killed while it waits for the platform."""
    client.platform.fail_next(RetryAfter(10_000))
    await client.deliver_all([client.user("alice").event(command)])
    begun = "SELECT begun_at FROM outbox WHERE part = 0"
    while not client.platform.tries or query(client, begun) != [(None,)]:
        await client.clock.advance(0)
    await client.crash()


async def test_all_parts_of_a_reply_are_stale_together() -> None:
    """None of a long one is sent, and what follows is."""
    async with TestClient(weather_bot(), platform=Narrow()) as client:
        await outage(client, "/long", 600)
        assert said(client) == ["Bye!"]
        kinds = letters(client)
        assert len(kinds) > 3
        assert kinds == [("stale", part) for part in range(len(kinds))]


async def test_a_reply_that_was_begun_is_sent_to_its_end() -> None:
    """Though its other parts have to wait for longer than its time."""
    async with TestClient(weather_bot(), platform=Narrow()) as client:
        alice = client.user("alice")
        await client.deliver_all([alice.event("/long")])
        while not said(client):
            await client.clock.advance(0)
        shown = len(said(client))
        client.platform.fail_next(RetryAfter(3600))
        while query(client, "SELECT 1 FROM outbox"):
            await client.clock.advance(100)
        assert shown < len(said(client))
        assert said(client)[-1] == "Bye!"
        assert letters(client) == []


async def test_one_that_may_have_been_sent_is_not_dropped() -> None:
    """What was begun is not stale: it is in doubt, and that is judged by the policy."""
    async with TestClient(weather_bot()) as client:
        client.platform.lose_next()
        await outage(client, "/weather", 3600)
        assert said(client)[0] == "Sunny!"
        assert letters(client) == []


async def test_what_is_sent_elsewhere_or_later_has_its_time_too() -> None:
    """By `turn.send`, and by a timer: from the commit in which it is owed."""
    async with TestClient(weather_bot()) as client:
        client.platform.fail_next(RetryAfter(600), times=2)
        await client.deliver_all([client.user("alice").event("/both")])
        while len(letters(client)) < 2:
            await client.clock.advance(20)
        assert said(client) == []
        assert [kind for kind, _ in letters(client)] == ["stale", "stale"]


@pytest.mark.parametrize(
    ("given", "error"),
    [(5, TypeError), (timedelta(0), ValueError), (timedelta(-1), ValueError)],
)
def test_a_time_is_checked_when_a_reply_is_made(given: Any, error: type[Exception]) -> None:
    """It is a timedelta above 0."""
    with pytest.raises(error, match="best_before"):
        Reply("x", best_before=given)


async def test_a_file_that_is_stale_stays_for_who_sends_it_again(tmp_path: Path) -> None:
    """As that of any dead letter."""
    bot = Interface(id="bot")

    @bot.command
    def picture() -> Reply:
        return Reply(files=[File(b"x", "a.txt")], best_before=SOON)

    async with TestClient(bot) as client:
        await outage(client, "/picture", 600)
        assert [kind for kind, _ in letters(client)] == ["stale"]
        turns = [turn for (turn,) in query(client, "SELECT turn FROM dead_letters")]
        assert list(await client._store.owing(turns)) == turns
