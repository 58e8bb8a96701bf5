"""The default that a parameter has in Python holds, wherever chatstate fills the parameter."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Annotated, Any

import pytest
from support import texts

from chatstate import BindingError, File, Global, Interface, PerMember, PerUser, Ref, State
from chatstate.bot.handlers import Handler
from chatstate.state.bound import States
from chatstate.testing import TestClient


@dataclass
class Cart:
    items: list[str] = field(default_factory=list)


def bot_of(fn: Callable[..., Any]) -> Interface:
    bot = Interface(id="bot")
    bot.on_message(fn)
    return bot


def plain(n: PerUser[Ref[int]] = 5) -> str:  # type: ignore[assignment]  # as authors write it
    n.value += 1
    return str(n.value)


def typed(n: PerUser[Ref[int]] = Ref(5)) -> str:  # noqa: B008 - it is copied
    n.value += 1
    return str(n.value)


def declared(n: Annotated[Ref[int], State(scope="user", name="number")] = Ref(5)) -> str:  # noqa: B008 - a default is what is tested
    n.value += 1
    return str(n.value)


def untyped(n: PerUser[Ref[Any]] = Ref(5)) -> str:  # noqa: B008 - a default is what is tested
    n.value += 1
    return str(n.value)


@pytest.mark.parametrize("fn", [plain, typed, declared, untyped], ids=lambda fn: fn.__name__)
async def test_a_state_begins_with_its_parameters_default(fn: Callable[..., Any]) -> None:
    """For each session anew, and the state goes on from there."""
    async with TestClient(bot_of(fn)) as client:
        alice, bob = client.user("alice"), client.user("bob")
        assert [await texts(alice, "a"), await texts(alice, "b")] == [["6"], ["7"]]
        await client.restart()
        assert [await texts(alice, "c"), await texts(bob, "d")] == [["8"], ["6"]]


async def test_a_default_that_can_change_is_copied_afresh() -> None:
    """What one person puts into it is in nobody else's, nor in the function's."""
    begin = Cart(["bag"])

    def put(item: str, cart: PerMember[Cart] = begin) -> str:
        cart.items.append(item)
        return ", ".join(cart.items)

    async with TestClient(bot_of(put)) as client:
        assert await texts(client.user("alice"), "tea") == ["bag, tea"]
        assert await texts(client.user("bob"), "jam") == ["bag, jam"]
    assert begin == Cart(["bag"])


async def test_a_default_may_be_made_by_a_function() -> None:
    """As that of a `State`, it is called for each session."""
    numbers = iter(range(10))

    def show(n: PerUser[Ref[int]] = lambda: next(numbers)) -> str:  # type: ignore[assignment]  # a default is what is tested
        return str(n.value)

    async with TestClient(bot_of(show)) as client:
        assert await texts(client.user("alice"), "a") == ["0"]
        assert await texts(client.user("bob"), "b") == ["1"]
        assert await texts(client.user("alice"), "c") == ["0"]


@pytest.mark.parametrize("given", ["state", State(), State(scope="user", name="n")], ids=str)
async def test_by_position_too(given: Any) -> None:
    """`"state"`, and a `State` without default, begin with the parameter's."""

    def count(_text: str, n: int = 5) -> tuple[str, int]:
        return str(n), n + 1

    async with TestClient(Interface(count, ["text", given], ["text", "state"], id="bot")) as client:
        alice = client.user("alice")
        assert [await texts(alice, "a"), await texts(alice, "b")] == [["5"], ["6"]]


async def test_by_position_a_states_own_default_comes_first() -> None:
    """As in Gradio, where a function's default is for whoever calls it elsewhere."""

    def count(_text: str, n: int = 5) -> tuple[str, int]:
        return str(n), n + 1

    async with TestClient(Interface(count, ["text", State(1)], ["text", "state"])) as client:
        assert await texts(client.user("alice"), "a") == ["1"]


def test_a_default_here_and_there_is_an_error() -> None:
    """Which of them holds would be a guess."""

    def fn(n: Annotated[Ref[int], State(3)] = 5) -> None: ...  # type: ignore[assignment]  # it is refused

    with pytest.raises(
        BindingError, match=r"parameter 'n' of fn\(\): it has a default, and so has"
    ):
        bot_of(fn)


def test_a_default_that_the_type_cannot_be_is_an_error() -> None:
    """It is told at registration, not to the first person."""

    def fn(n: PerUser[Ref[int]] = "five") -> None: ...  # type: ignore[assignment]  # it is refused

    with pytest.raises(BindingError, match=r"fn\(\): the default of state 'n': .*Expected `int`"):
        bot_of(fn)


def test_two_defaults_of_a_state_are_an_error() -> None:
    """A state has one, whichever handler comes first."""
    bot = Interface(id="bot")

    @bot.command
    def show(n: Global[Ref[int]] = Ref(5)) -> str:  # noqa: B008 - a default is what is tested
        return str(n.value)

    def reset(n: Global[Ref[int]]) -> None:
        n.value = 0

    with pytest.raises(BindingError, match=r"default 5, and global int, default 0\); rename one"):
        bot.command(reset)


def test_two_defaults_of_a_shared_state_are_an_error() -> None:
    """Also if it is one `State`, given by position."""
    shared = State(scope="chat", name="seen")
    states = States()

    def show(_text: str, seen: Any = ["a"]) -> str:  # noqa: B006 - it is copied
        return str(seen)

    def other(_text: str, seen: Any = ["b"]) -> str:  # noqa: B006 - a default is what is tested
        return str(seen)

    Handler(show, states, inputs=["text", shared], outputs=["text"])
    with pytest.raises(BindingError, match="two different states are named 'seen'"):
        Handler(other, states, inputs=["text", shared], outputs=["text"])


# What is no state


async def test_a_message_without_text_gives_a_parameters_default() -> None:
    """A picture alone is no number, and none was demanded."""

    def count(n: int = 5) -> str:
        return str(n)

    async with TestClient(bot_of(count)) as client:
        alice = client.user("alice")
        assert [await texts(alice, " "), await texts(alice, "7")] == [["5"], ["7"]]
        assert await texts(alice, "x") == ["“x” is not a number. Send one like 7 or 7.5."]


async def test_a_message_without_file_gives_a_parameters_default() -> None:
    """Nobody is asked for a file that need not be."""

    def name(file: File = File(b"data", "default.txt")) -> str:  # noqa: B008 - a default is what is tested
        return file.name

    async with TestClient(bot_of(name)) as client:
        alice = client.user("alice")
        assert await texts(alice, "none") == ["default.txt"]
        sent = client.platform.upload("sent.txt", b"data", "text/plain")
        (reply,) = await alice.say("", files=[sent])
        assert reply.text == "sent.txt"
