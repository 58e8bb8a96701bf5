"""What a newcomer writes, who knows another library, is answered with what is right here."""

import functools
from collections.abc import Callable
from typing import Annotated, Any, cast

import pytest
from support import FAILED, texts

from chatstate import (
    BindingError,
    Button,
    ChatInterface,
    Interface,
    PerUser,
    Ref,
    State,
)
from chatstate.testing import TestClient


def hello(message: str) -> str:
    return f"hello {message}"


def bye(message: str) -> str:
    return f"bye {message}"


def make() -> Any:
    """Return a bot to which a type checker lets pass anything, as those do who have none."""
    return Interface(id="bot")


def answered_twice(bot: Any) -> None:
    bot.on_message(hello)
    bot.on_message(bye)


def named_twice(bot: Any) -> None:
    bot.command(hello)
    bot.command(name="hello")(bye)


WORDS: list[tuple[Callable[[Any], Any], str]] = [
    (lambda bot: bot.command("named"), "@bot.command(name='named')"),
    (lambda bot: bot.on_message("hi"), "is given as @bot.on_message(text='hi')"),
    (lambda bot: bot.group(hello), 'write config = bot.group("config"), then @config.command'),
    (lambda bot: bot.on_menu(hello), "give a title of 1 to 32 letters"),
    (lambda bot: bot.on_edit("hi"), "'hi' cannot be a handler: it is no function"),
    (lambda _: Interface(cast("Any", "polls")), "a name is id='polls'"),
    (lambda bot: bot.include("tools"), "include takes a bot, not str"),
    (lambda _: Interface(title=cast("Any", 5)), "title=5: use a text"),
    (lambda _: Interface(description=cast("Any", ["a"])), "description=['a']: use a text"),
    (lambda _: Interface(id=cast("Any", 7)), "id=7: use a text"),
    (lambda _: Interface(sentences=cast("Any", ["failed"])), "use a dict of sentences by name"),
    (lambda _: Interface(hello, timeout=cast("Any", "5")), "use a number of seconds above 0"),
    (
        lambda _: ChatInterface(hello, max_messages=cast("Any", "5")),
        "use a number above 0, or None",
    ),
]


@pytest.mark.parametrize(("guess", "answer"), WORDS, ids=[answer for _, answer in WORDS])
def test_a_wrong_declaration_says_what_is_right(guess: Callable[[Any], Any], answer: str) -> None:
    """At once, where it is written."""
    with pytest.raises(BindingError) as error:
        guess(make())
    assert answer in str(error.value)


def test_two_handlers_of_messages_are_both_named() -> None:
    """With the line that each is at, and what to do."""
    with pytest.raises(
        BindingError,
        match=r"hello\(\) in test_guesses\.py:\d+ gets each message already, so bye\(\) in "
        r"test_guesses\.py:\d+ would get none; register the one before that has a filter",
    ):
        answered_twice(make())


def test_two_commands_of_a_name_are_both_named() -> None:
    """With the line that each is at, and what to do."""
    with pytest.raises(
        BindingError,
        match=r"hello\(\) in test_guesses\.py:\d+ answers /hello already, so bye\(\) in "
        r"test_guesses\.py:\d+ cannot answer /hello; give it a name of its own: @bot\.command",
    ):
        named_twice(make())


@pytest.mark.parametrize(
    ("name", "answer"),
    [
        ("launch", 'write bot.run("console"), or "telegram", "discord"'),
        ("queue", "what is said to a bot is queued always"),
        ("run_polling", "write bot.run("),
        ("start", "write await bot.serve("),
        ("message_handler", "write @bot.on_message, or @bot.command"),
    ],
)
def test_a_method_of_another_library_names_the_one_here(name: str, answer: str) -> None:
    """It is an `AttributeError` as any, so that `hasattr` tells the truth."""
    bot = make()
    with pytest.raises(AttributeError) as error:
        getattr(bot, name)
    assert f"'Interface' object has no attribute {name!r}: " in str(error.value)
    assert answer in str(error.value)
    assert not hasattr(bot, name)


def test_a_method_of_nobody_is_missing_as_usual() -> None:
    """There is nothing to say about it."""
    with pytest.raises(AttributeError, match=r"^'Interface' object has no attribute 'lunch'$"):
        make().lunch()


# State where it is not looked for


STATE: Any = State([])


def by_default(text: str, h: list[str] = STATE) -> None: ...
def by_default_alone(text: str, h=STATE) -> None: ...  # type: ignore[no-untyped-def]  # authors
def by_class(text: str, h: State) -> None: ...
def by_object(text: str, h: Any) -> None: ...
def by_mark(text: str, h: Annotated[list[str], State]) -> None: ...


by_object.__annotations__["h"] = STATE


@pytest.mark.parametrize("inputs", [None, ["text", "state"]], ids=["annotated", "by position"])
@pytest.mark.parametrize(
    "fn", [by_default, by_default_alone, by_class, by_object, by_mark], ids=lambda fn: fn.__name__
)
def test_a_state_that_is_no_annotation_is_told(fn: Any, inputs: Any) -> None:
    """Else it would be taken for text, or for a default."""
    with pytest.raises(BindingError) as error:
        Interface(fn, inputs, inputs and "text", id="bot")
    assert f"parameter 'h' of {fn.__name__}(): a State stands in an annotation" in str(error.value)
    assert "as in h: Annotated[list[str], State(...)]; or among inputs=" in str(error.value)


def test_a_scope_without_a_type_is_told() -> None:
    """`PerUser` alone does not say what is kept."""

    def fn(h: PerUser) -> None: ...  # type: ignore[type-arg]  # it is refused

    with pytest.raises(BindingError, match=r"PerUser needs a type, as in PerUser\[list\[str\]\]"):
        Interface(fn, id="bot")


def test_a_ref_without_a_scope_is_told() -> None:
    """A `Ref` alone does not say for whom it is kept."""

    def fn(h: Ref[int]) -> None: ...

    with pytest.raises(BindingError, match=r"say whose it is, as in PerUser\[Ref\[int\]\]"):
        Interface(fn, id="bot")


async def test_a_ref_by_position_needs_no_scope() -> None:
    """Its `State` is among the inputs."""

    def count(_text: str, n: Ref[int]) -> str:
        n.value += 1
        return str(n.value)

    async with TestClient(Interface(count, ["text", State(5)], "text", id="bot")) as client:
        assert await texts(client.user("alice"), "hi") == ["6"]


@pytest.mark.parametrize("version", [1, 2])
async def test_a_stored_type_that_changed_names_the_way_to_change_it(
    caplog: pytest.LogCaptureFixture, version: int
) -> None:
    """The log names `version=` and a migration; the person gets one sentence, the value stays."""
    steps: dict[int, Any] = {step: lambda value: value for step in range(1, version)}
    state = functools.partial(State, name="n", version=version, migrations=steps)

    def before(n: Annotated[Ref[str], state()]) -> str:
        n.value += "a"
        return n.value

    def after(n: Annotated[Ref[int], state()]) -> str:
        n.value += 1
        return str(n.value)

    bots = [Interface(before, id="bot"), Interface(after, id="bot")]
    async with TestClient(bots[0], raise_errors=False) as client:
        alice = client.user("alice")
        assert await texts(alice, "hi") == ["a"]
        client.bot = bots[1]
        await client.restart()
        assert await texts(alice, "hi") == [FAILED]
        client.bot = bots[0]
        await client.restart()
        assert await texts(alice, "hi") == ["aa"]
    written = ", ".join(f"{step}: function" for step in range(1, version + 1))
    assert (
        "state 'n': what is stored does not fit int: Expected `int`, got `str`; if its type has "
        "changed, raise version= and write a migration: "
        f"State(..., version={version + 1}, migrations={{{written}}})"
    ) in caplog.text


# Buttons


@pytest.mark.parametrize(
    ("argument", "answer"),
    [
        ("callback_data", "what it sends is value="),
        ("custom_id", "what it sends is value="),
        ("text", "what stands on it is label="),
        ("link", "the address that it opens is url="),
    ],
)
def test_another_librarys_argument_of_a_button_names_the_one_here(
    argument: str, answer: str
) -> None:
    """It is a `TypeError`, as for any argument that there is not."""
    given: dict[str, Any] = {argument: "yes"}
    with pytest.raises(TypeError, match=f"Button has no argument {argument}: {answer}"):
        Button("Yes", **given)


def test_an_unknown_argument_of_a_button_is_an_error_as_usual() -> None:
    """There is nothing to say about it; what is wrong with a known one is said as before."""
    with pytest.raises(TypeError, match=r"^Unexpected keyword argument 'colour'$"):
        Button("Yes", colour="red")  # type: ignore[call-arg]  # it is refused
    with pytest.raises(TypeError, match=r"Button\.label must be a str, not int"):
        Button(cast("Any", 5))
