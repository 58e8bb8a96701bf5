"""What handlers get of what a lifespan has opened."""

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Annotated, Any, Protocol

import pytest
from support import query, texts

from chatstate import (
    BindingError,
    CallNext,
    ChatInterface,
    Interface,
    Message,
    PerMember,
    Resource,
    State,
    Turn,
)
from chatstate.testing import TestClient


class Model:
    """Something that is opened."""

    def __init__(self, name: str = "model") -> None:
        self.name = name

    def answer(self, text: str) -> str:
        return f"{self.name}: {text}"


class Large(Model):
    """A kind of model."""


def asking(lifespan: Any) -> Interface:
    """Make a bot that asks its model."""
    bot = Interface(id="bot", lifespan=lifespan)

    @bot.on_message
    def ask(text: str, model: Model) -> str:
        return model.answer(text)

    return bot


@dataclass
class Settings:
    """A resource of an author's own type."""

    greeting: str = "Hello"


def yielding(value: Any) -> Any:
    """Return a lifespan that yields a value."""

    @contextlib.asynccontextmanager
    async def lifespan(_bot: Interface) -> AsyncIterator[Any]:
        yield value

    return lifespan


@pytest.mark.parametrize(
    "yielded",
    [
        (Model(), Settings()),
        {"model": Model(), "settings": Settings()},
        (Large("model"), Settings()),
        (Model(), Large("large"), Settings(), None),
    ],
    ids=["tuple", "dict", "subclass", "exact"],
)
async def test_a_parameter_gets_what_is_of_its_type(yielded: Any) -> None:
    """Exactly that, or else what is a kind of it; in whatever the lifespan yields."""
    bot = Interface(id="bot", lifespan=yielding(yielded))

    @bot.command
    async def go(settings: Settings, name: str, *, model: Model) -> str:
        return f"{settings.greeting} {name} {model.name}"

    async with TestClient(bot) as client:
        assert await texts(client.user("alice"), "/go you") == ["Hello you model"]


async def test_several_of_a_type_are_told_apart_by_name() -> None:
    """The parameter's name is the key in the dict."""
    bot = Interface(id="bot", lifespan=yielding({"small": Model("s"), "big": Model("b")}))

    @bot.on_message
    def both(text: str, big: Model, small: Model) -> str:
        return f"{big.name} {small.name}"

    async with TestClient(bot) as client:
        assert await texts(client.user("alice"), "hi") == ["b s"]


async def test_what_is_missing_stops_the_start() -> None:
    """The error names the parameter, and what there is."""
    said = r"'model' of ask\(\): no lifespan has opened a Model; there is Settings"
    with pytest.raises(BindingError, match=said):
        async with TestClient(asking(yielding(Settings()))):
            pass


async def test_what_is_ambiguous_stops_the_start() -> None:
    """The error names the parameter, and says how to choose."""
    said = r"'model' of ask\(\): 2 resources are a Model \(Large, Model\)"
    with pytest.raises(BindingError, match=said):
        async with TestClient(asking(yielding((Large(), _OtherModel())))):
            pass


class _OtherModel(Model):
    pass


_OtherModel.__name__ = "Model"


@pytest.mark.parametrize("hint", [Model | None, Annotated[Model, "the best"] | None])
async def test_a_resource_that_need_not_be_there_is_none(hint: Any) -> None:
    """`Model | None`, or a default."""
    bot = Interface(id="bot", lifespan=yielding(None))

    def maybe(text: str, model: Any, other: Model = Model("default")) -> str:  # noqa: B008 - on purpose
        return f"{model} {other.name}"

    maybe.__annotations__["model"] = hint
    bot.on_message(maybe)
    async with TestClient(bot) as client:
        assert await texts(client.user("alice"), "hi") == ["None default"]


def test_without_a_lifespan_an_unknown_type_is_an_error_at_once() -> None:
    """The error says that a resource would be possible."""
    with pytest.raises(BindingError, match=r"'model' of ask.*a resource \(if the bot has a"):
        asking(None)


class _Answers(Protocol):
    def answer(self, text: str) -> str: ...


@pytest.mark.parametrize("hint", [Model | Settings, _Answers])
def test_what_no_object_can_be_told_to_be_is_an_error_at_once(hint: Any) -> None:
    """It names the parameter."""
    bot = Interface(id="bot", lifespan=yielding(None))

    def ask(text: str, model: Any) -> None: ...

    ask.__annotations__["model"] = hint
    with pytest.raises(BindingError, match="parameter 'model' of ask"):
        bot.on_message(ask)


async def test_a_router_says_resource_if_another_opens_it() -> None:
    """It gets what the including bot has opened; also what a text could give."""
    tools = Interface(id="tools")

    @tools.on_message
    def ask(text: str, model: Resource[Model], token: Resource[str]) -> str:
        return f"{model.answer(text)} {token}"

    bot = Interface(id="bot", lifespan=yielding((Model(), "secret")))
    bot.include(tools)
    async with TestClient(bot) as client:
        assert await texts(client.user("alice"), "hi") == ["model: hi secret"]
    with pytest.raises(BindingError, match="no lifespan has opened a Model; there is nothing"):
        async with TestClient(tools):
            pass


async def test_a_routers_own_resources_come_first() -> None:
    """Two of one type in two bots are no riddle; a bot sees those of what it includes."""
    tools = Interface(id="tools", lifespan=yielding((Model("inner"), Settings("Hi"))))

    @tools.command
    def inner(model: Model) -> str:
        return model.name

    bot = Interface(id="bot", lifespan=yielding(Model("outer")))

    @bot.command
    def outer(model: Model, settings: Settings) -> str:
        return f"{model.name} {settings.greeting}"

    bot.include(tools)
    async with TestClient(bot) as client:
        alice = client.user("alice")
        assert await texts(alice, "/inner") == ["inner"]
        assert await texts(alice, "/outer") == ["outer Hi"]


async def test_middleware_and_turns_get_resources_too() -> None:
    """By a parameter's type, or by `turn.resource`."""
    bot = asking(yielding((Model(), Settings("Hi"))))

    @bot.middleware
    async def greet(settings: Settings, turn: Turn, call_next: CallNext) -> Any:
        return [settings.greeting, turn.resource(Model).name, *await call_next()]

    async with TestClient(bot) as client:
        assert await texts(client.user("alice"), "hi") == ["Hi", "model", "model: hi"]


async def test_a_function_by_position_gets_resources_beside_its_inputs() -> None:
    """What `inputs=` does not fill, and no text can give."""

    def remember(
        message: str, history: list[str], model: Model, turn: Turn
    ) -> tuple[str, list[str]]:
        return model.answer(f"{len(history)} {turn.platform}"), [*history, message]

    bot = Interface(
        remember, ["text", State([])], ["text", "state"], id="bot", lifespan=yielding(Model())
    )
    async with TestClient(bot) as client:
        assert await texts(client.user("alice"), "a") == ["model: 0 test"]
        assert await texts(client.user("alice"), "b") == ["model: 1 test"]


async def test_an_input_is_no_resource() -> None:
    """A state of a class of one's own stays one, if `inputs=` says so."""

    def greet(message: str, settings: Settings, model: Model) -> str:
        settings.greeting += "!"
        return model.answer(settings.greeting)

    inputs: list[str | State] = ["text", State(Settings())]
    bot = Interface(greet, inputs, "text", id="bot", lifespan=yielding(Model()))
    async with TestClient(bot) as client:
        assert await texts(client.user("alice"), "a") == ["model: Hello!"]
        assert query(client, "SELECT name FROM states") == [("settings",)]
    with pytest.raises(BindingError, match="takes 3 inputs"):
        Interface(greet, inputs, "text", id="bot")

    def untyped(message: Any, other: Any, model: Model) -> None: ...

    with pytest.raises(BindingError, match=r"takes 2 inputs \(message, other\)"):
        Interface(untyped, ["text"], "text", id="bot", lifespan=yielding(Model()))


async def test_a_chat_function_gets_resources() -> None:
    """Marked, since its further parameters are settings."""

    def talk(message: str, history: list[Any], model: Resource[Model], times: int = 1) -> str:
        return model.answer(message * times)

    bot = ChatInterface(talk, id="bot", lifespan=yielding(Model()))
    async with TestClient(bot) as client:
        alice = client.user("alice")
        assert await texts(alice, "hi") == ["model: hi"]
        await alice.say("/settings times 2")
        assert await texts(alice, "hi") == ["model: hihi"]


async def test_state_and_resources_go_together() -> None:
    """In one handler, in any order."""
    bot = Interface(id="bot", lifespan=yielding(Model()))

    @bot.on_message
    async def ask(model: Model, message: Message, said: PerMember[list[str]]) -> str:
        said.append(message.text)
        return model.answer(" ".join(said))

    async with TestClient(bot) as client:
        alice = client.user("alice")
        assert await texts(alice, "a") == ["model: a"]
        await client.restart()
        assert await texts(alice, "b") == ["model: a b"]
