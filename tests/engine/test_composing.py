"""Bots made of bots."""

from collections.abc import Callable
from typing import Any

import pytest
from support import query, texts

from chatstate import (
    BindingError,
    ChatInterface,
    Global,
    Interface,
    PerUser,
    Ref,
    State,
    Turn,
    UserError,
)
from chatstate.testing import TestClient


def counter(id: str | None = None, command: str = "count") -> Interface:
    """Make a bot of one command that counts."""
    bot = Interface(id=id)

    @bot.command(name=command)
    def count(counted: PerUser[Ref[int]]) -> str:
        """Count."""
        counted.value += 1
        return str(counted.value)

    return bot


def talker(id: str = "talker") -> Interface:
    """Make a bot that answers messages and edits."""
    bot = Interface(id=id)

    @bot.on_message
    def talk(text: str) -> str:
        return f"{text}!"

    @bot.on_edit
    def edited(text: str) -> str:
        return f"{text}, now"

    return bot


async def test_what_is_included_answers_and_keeps_its_state() -> None:
    """Commands, messages, edits and state of a router are the bot's, after a restart too."""
    bot = Interface(id="bot", title="Bot")
    bot.include(counter())
    bot.include(talker())
    async with TestClient(bot) as client:
        alice = client.user("alice")
        assert await texts(alice, "/count") == ["1"]
        assert await texts(alice, "hi") == ["hi!"]
        assert [reply.text for reply in await alice.say("hi", kind="edit")] == ["hi, now"]
        await client.restart()
        assert await texts(alice, "/count") == ["2"]
        assert await texts(alice, "/help") == [
            "Bot\n\nCommands:\n/count - Count.\n/help - Show this help."
        ]


async def test_state_is_kept_under_the_including_bots_id() -> None:
    """A router needs no id of its own."""
    bot = Interface(id="bot")
    bot.include(counter("tools"))
    async with TestClient(bot) as client:
        await client.user("alice").say("/count")
        assert query(client, "SELECT bot, name FROM states") == [("bot", "counted")]


async def test_a_router_of_a_router_is_included_too() -> None:
    """What is included takes along what it includes."""
    bot, middle = Interface(id="bot"), Interface(id="middle")
    middle.include(counter())
    bot.include(middle)
    async with TestClient(bot) as client:
        assert await texts(client.user("alice"), "/count") == ["1"]


async def test_the_same_state_in_two_routers_is_one() -> None:
    """Who declares it alike means the same value."""
    bot = Interface(id="bot")
    bot.include(counter("a"))
    bot.include(counter("b", "again"))
    async with TestClient(bot) as client:
        assert await texts(client.user("alice"), "/count") == ["1"]
        assert await texts(client.user("alice"), "/again") == ["2"]


async def test_a_router_may_serve_several_bots_and_alone() -> None:
    """Each bot that includes it has its own values."""
    tools = counter("tools")
    bots = [Interface(id="one"), Interface(id="two"), tools]
    for bot in bots[:2]:
        bot.include(tools)
    for bot in bots:
        async with TestClient(bot) as client:
            assert await texts(client.user("alice"), "/count") == ["1"]


async def test_a_router_finds_its_own_states_by_their_type() -> None:
    """`turn.state(int)` means the router's one, though the bot has another of that type."""
    tools = Interface(id="tools")

    @tools.command
    async def mine(turn: Turn, of_tools: Global[Ref[int]]) -> str:
        value = await turn.state(int)
        value.value += 1
        return f"{of_tools.value}"

    bot = Interface(id="bot")

    @bot.command
    def other(of_bot: Global[Ref[int]]) -> str:
        return str(of_bot.value)

    bot.include(tools)
    async with TestClient(bot) as client:
        alice = client.user("alice")
        assert await texts(alice, "/mine") == ["1"]
        assert await texts(alice, "/mine") == ["2"]
        assert await texts(alice, "/other") == ["0"]


async def test_a_bot_reaches_the_states_of_what_it_includes() -> None:
    """`turn.state` of the including bot finds what only the router declares."""
    bot = Interface(id="bot")
    bot.include(counter())

    @bot.command
    async def look(turn: Turn) -> str:
        return str((await turn.state(int)).value)

    async with TestClient(bot) as client:
        alice = client.user("alice")
        await alice.say("/count")
        assert await texts(alice, "/look") == ["1"]


async def test_a_form_and_a_chat_can_be_included() -> None:
    """What a bot of one function brings with it comes along: /cancel, /undo."""

    def add(a: float, b: float) -> float:
        return a + b

    form = Interface(add, ["number", "number"], ["number"], id="form")
    bot = Interface(id="bot")
    bot.include(form)
    async with TestClient(bot) as client:
        alice = client.user("alice")
        assert await texts(alice, "go") == ["A? (1 of 2; /cancel gives up)"]
        assert await texts(alice, "/cancel") == ["Given up. Nothing was changed."]
        for said in ("go", "1"):
            await alice.say(said)
        await client.restart()
        assert await texts(alice, "2") == ["3"]

    def parrot(message: str, history: list[Any]) -> str:
        return f"{len(history)} {message}"

    chatty = Interface(id="chatty")
    chatty.include(ChatInterface(parrot, id="parrot"))
    async with TestClient(chatty) as client:
        alice = client.user("alice")
        assert await texts(alice, "a") == ["0 a"]
        assert await texts(alice, "/undo") == ["Taken back."]
        assert await texts(alice, "b") == ["0 b"]


# Clashes


def test_a_command_of_both_is_an_error_that_names_both() -> None:
    """Nothing is included then."""
    bot, other = counter("shop"), counter("tools")
    with pytest.raises(BindingError, match=r"both count\(\) in \S+ of 'shop' and count\(\)"):
        bot.include(other)
    assert [route.name for route in bot.routes] == ["/help", "/start", "/cancel", "/count"]


def test_a_clash_deep_inside_names_the_bot_it_is_in() -> None:
    """Not the one that was included on the way."""
    bot, middle = counter("shop"), Interface(id="middle")
    middle.include(counter("tools"))
    with pytest.raises(BindingError, match="of 'tools' answer /count; keep one"):
        bot.include(middle)


def test_two_handlers_of_messages_are_an_error_that_names_both() -> None:
    """Only one can have the message."""
    bot = talker("shop")
    with pytest.raises(
        BindingError, match=r"talk\(\) in \S+ of 'shop' and talk\(\) in \S+ of 'tools'"
    ):
        bot.include(talker("tools"))


def test_different_states_of_one_name_are_an_error_that_names_both() -> None:
    """Also one `State` under two names."""

    def routed(fn: Callable[..., Any], id: str) -> Interface:
        bot = Interface(id=id)
        bot.command(name=id)(fn)
        return bot

    def per_user(visits: PerUser[Ref[int]]) -> None: ...
    def everybodys(visits: Global[Ref[int]]) -> None: ...

    shop = routed(per_user, "shop")
    with pytest.raises(BindingError, match="'shop' cannot include 'tools': two different states"):
        shop.include(routed(everybodys, "tools"))

    shared = State([])

    def by_first(text: str, a: Any) -> None: ...
    def by_second(text: str, b: Any) -> None: ...

    left = Interface(by_first, ["text", shared], "text", id="left")
    right = Interface(id="right")
    right.include(Interface(by_second, ["text", shared], "text", id="inner"))
    with pytest.raises(BindingError, match="one State is named both 'a' and 'b'"):
        left.include(right)


def test_a_command_after_the_inclusion_clashes_too() -> None:
    """The order makes no difference."""
    bot = Interface(id="shop")
    bot.include(counter("tools"))
    with pytest.raises(BindingError, match=r"count\(\) in \S+ answers /count already"):
        bot.command(name="count")(lambda: "")


def test_a_routers_help_takes_the_place_of_ours() -> None:
    """As if the bot itself had registered it."""
    helpful = Interface(id="helpful")
    helpful.command(name="help")(lambda: "mine")
    bot = Interface(id="bot")
    bot.include(helpful)
    bot.include(counter())
    assert [command.name for command in bot.commands] == ["help", "count"]


def test_a_bot_cannot_include_itself() -> None:
    """Neither at once nor by way of another."""
    bot, other = Interface(id="bot"), Interface(id="other")
    with pytest.raises(BindingError, match="'bot' cannot include itself"):
        bot.include(bot)
    other.include(bot)
    with pytest.raises(BindingError, match="'bot' is included in 'other' already"):
        bot.include(other)


def test_a_bot_cannot_be_included_twice() -> None:
    """Neither at once nor by way of another."""
    bot, middle, tools = Interface(id="bot"), Interface(id="middle"), counter("tools")
    bot.include(tools)
    with pytest.raises(BindingError, match="'tools' is part of bot 'bot' already"):
        bot.include(tools)
    middle.include(tools)
    with pytest.raises(BindingError, match="'tools' is part of bot 'bot' already"):
        bot.include(middle)


@pytest.mark.parametrize("name", ["command", "on_message", "on_edit", "on_join", "middleware"])
def test_nothing_is_added_to_what_is_included(name: str) -> None:
    """It would be lost, so it is refused, and the error says what to do."""

    async def late(call_next: Any = None) -> Any: ...

    bot, tools = Interface(id="bot"), Interface(id="tools")
    bot.include(tools)
    with pytest.raises(BindingError, match=r"'tools' is included in 'bot' already.*before"):
        getattr(tools, name)(late)


# concurrency_limit


@pytest.mark.parametrize("limit", [0, -1, 1.5, "2"])
def test_a_limit_of_turns_is_a_whole_number(limit: Any) -> None:
    """The error says so."""

    def talk(text: str) -> str:
        return text

    with pytest.raises(BindingError, match="use a whole number above 0"):
        Interface(id="bot").on_message(concurrency_limit=limit)(talk)


def test_an_unknown_option_is_an_error() -> None:
    """It names what there is."""
    options: Any = {"concurency_limit": 1}

    def talk(text: str) -> str:
        return text

    for register in (Interface(id="bot").on_message, Interface(id="bot").command):
        with pytest.raises(TypeError, match=r"no option 'concurency_limit'.*concurrency_limit"):
            register(**options)(talk)
    with pytest.raises(TypeError, match="no option"):
        Interface(talk, id="bot", **options)


def test_an_option_of_no_function_is_an_error() -> None:
    """What would be without effect is told."""
    with pytest.raises(BindingError, match="timeout: of which function"):
        Interface(id="bot", timeout=5)


async def test_a_user_error_of_a_router_is_told() -> None:
    """A router's handler is a handler like any."""
    tools, bot = Interface(id="tools"), Interface(id="bot")

    @tools.command
    def no() -> None:
        raise UserError("Not that.")

    bot.include(tools)
    async with TestClient(bot) as client:
        assert await texts(client.user("alice"), "/no") == ["Not that."]
