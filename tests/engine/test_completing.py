"""What may be typed for an argument of a command, told while it is being typed."""

import asyncio
import logging
from typing import Annotated, Any

import pytest

from chatstate import (
    Chat,
    Command,
    CommandOption,
    Complete,
    Global,
    Interface,
    Ref,
    User,
    UserError,
)
from chatstate.adapter import being_typed
from chatstate.testing import TestClient

CITIES = ["Berlin", "Bern", "Bonn"]


def cities(typed: str, user: User, chat: Chat, more: Global[list[str]]) -> list[str]:
    """Return what begins so: of a list, and of a state."""
    assert (user.name, chat.kind) == ("alice", "private")
    return [city for city in [*CITIES, *more] if city.lower().startswith(typed.lower())]


def weather(fn: Any = cities, **options: Any) -> Interface:
    bot = Interface(id="bot")
    show = bot.group("show")

    @show.command(name="weather", **options)
    def tell(days: int, city: Annotated[str, Complete(fn)]) -> str:
        return f"{city} in {days} days"

    @bot.command
    def add(city: str, more: Global[list[str]]) -> None:
        more.append(city)

    return bot


async def test_what_may_be_typed_is_offered() -> None:
    """By a function of what has been typed, which may read states."""
    async with TestClient(weather()) as client:
        alice = client.user("alice")
        await alice.say("/add Bergen")
        assert await alice.complete("/show weather 3 ber") == ["Berlin", "Bern", "Bergen"]
        assert await alice.complete("/show weather 3 ") == [*CITIES, "Bergen"]
        assert await alice.complete("/show weather 3 x") == []
        assert client.platform.delivered == []
        with pytest.raises(LookupError, match="nothing is offered for the end of '/show weather'"):
            await alice.complete("/show weather")


async def test_an_answer_need_not_be_among_what_was_offered() -> None:
    """What is typed is taken as it is."""
    async with TestClient(weather()) as client:
        (reply,) = await client.user("alice").say("/show weather 2 New York")
        assert reply.text == "New York in 2 days"


def changes(typed: str, seen: Global[Ref[int]]) -> list[str]:
    seen.value += 1
    return [typed]


def fails(typed: str) -> list[str]:
    raise ValueError(typed)


def refuses(typed: str) -> list[str]:
    raise UserError("No.")


@pytest.mark.parametrize(
    ("fn", "told"),
    [(changes, "it may only read state"), (fails, "raised ValueError"), (refuses, "")],
)
async def test_what_fails_offers_nothing(
    fn: Any, told: str, caplog: pytest.LogCaptureFixture
) -> None:
    """And is told in the log; a person is told nothing while they type."""
    async with TestClient(weather(fn), raise_errors=False) as client:
        with caplog.at_level(logging.ERROR):
            assert await client.user("alice").complete("/show weather 1 a") == []
        assert told in caplog.text
        assert bool(told) == bool(caplog.text)
        assert client.platform.delivered == []


async def test_what_a_handler_raises_is_raised_in_a_test() -> None:
    """As by any other verb."""
    async with TestClient(weather(fails)) as client:
        with pytest.raises(ValueError, match="a"):
            await client.user("alice").complete("/show weather 1 a")


async def test_nothing_is_offered_to_those_who_may_not_use_the_command() -> None:
    """What there is may be as private as what it does."""

    def is_alice(user: User) -> bool:
        return user.name == "alice"

    async with TestClient(weather(lambda typed: [typed], allow=is_alice)) as client:
        assert await client.user("alice").complete("/show weather 1 a") == ["a"]
        assert await client.user("bob").complete("/show weather 1 a") == []


async def test_only_the_newest_of_what_one_person_types_is_answered() -> None:
    """What was typed meanwhile is of no use any more; others wait for nobody."""
    gate, asked = asyncio.Event(), list[str]()

    async def slow(typed: str) -> list[str]:
        asked.append(typed)
        await gate.wait()
        return [typed]

    async with TestClient(weather(slow)) as client:
        alice, bob = client.user("alice"), client.user("bob")
        typing = [
            asyncio.create_task(who.complete(f"/show weather 1 {typed}"))
            for who, typed in ((alice, "B"), (alice, "Be"), (alice, "Ber"), (bob, "x"))
        ]
        while len(asked) < 2:
            await asyncio.sleep(0)
        gate.set()
        assert await asyncio.gather(*typing) == [["B"], None, ["Ber"], ["x"]]
        assert sorted(asked) == ["B", "Ber", "x"]


async def test_a_bot_that_is_included_offers_what_it_offered() -> None:
    """Its completions come with its commands."""
    outer = Interface(id="outer")
    outer.include(weather())
    async with TestClient(outer) as client:
        assert await client.user("alice").complete("/show weather 3 Bo") == ["Bonn"]


COMMANDS = [
    Command("vote", "", options=(CommandOption("choice"),)),
    Command("give", "", options=(CommandOption("who", "person"), CommandOption("size", "whole"))),
    Command("set up", "", options=(CommandOption("key"), CommandOption("value"))),
    Command("help", ""),
]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("/vote ", ("vote", "choice", {"choice": ""})),
        ("/VOTE two words", ("vote", "choice", {"choice": "two words"})),
        ("/give @b", ("give", "who", {"who": "@b"})),
        ("/give @bob ", ("give", "size", {"who": "@bob", "size": ""})),
        ("/give @bob  1", ("give", "size", {"who": "@bob", "size": "1"})),
        ('/set up "a key" th', ("set up", "value", {"key": "a key", "value": "th"})),
        ("/set up a", ("set up", "key", {"key": "a"})),
        *(
            (line, None)
            for line in ("", "vote", "/vote", "/votes x", "/set x", "/help x", "hi /vote x")
        ),
        ("/give @bob 1 more", None),
    ],
)
def test_a_line_tells_which_argument_is_being_typed(line: str, expected: Any) -> None:
    """As the bot would read it."""
    found = being_typed(line, COMMANDS)
    told = found and (found.command.name, found.option.name, found.arguments)
    assert told == expected
