"""A text becomes the value that an annotation stands for, wherever it is read, or is refused."""

import asyncio
import enum
import typing
from collections.abc import Awaitable, Callable, Sequence
from datetime import date, datetime
from decimal import Decimal
from types import SimpleNamespace
from typing import Annotated, Any, Literal, NewType, Optional

import msgspec
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from msgspec import Meta
from msgspec.structs import replace
from support import FAILED, texts

from chatstate import (
    Arg,
    Attachment,
    BindingError,
    Button,
    Chat,
    ChatInterface,
    File,
    Interface,
    Message,
    PerUser,
    Ref,
    Reply,
    State,
    User,
)
from chatstate.bot.annotations import essence
from chatstate.bot.arguments import argument
from chatstate.bot.handlers import Handler
from chatstate.bot.kinds import input_of
from chatstate.bot.questions import Given
from chatstate.bot.reading import reader
from chatstate.chat.settings import setting
from chatstate.language.en import ENGLISH
from chatstate.language.sentences import Sentence
from chatstate.signature import parameters
from chatstate.state.bound import States
from chatstate.testing import TestClient

ALICE = User("1", "Alice")
ROOM = Chat("room")


class Colour(enum.Enum):
    RED = "r"
    DARK_BLUE = "b"


class Level(enum.IntEnum):
    LOW = 1
    HIGH = 2


Percent = NewType("Percent", int)
WORD = r"[A-Za-z0-9.+-]{1,8}"

TYPES: list[Any] = [
    str,
    int,
    float,
    bool,
    Percent,
    int | None,
    Annotated[int, Meta(ge=0, le=5)],
    Annotated[Annotated[int, Meta(gt=0)], "nested", Meta(lt=4)],
    Annotated[int, Meta(multiple_of=3)] | None,
    Annotated[float, Meta(ge=0.5, description="a share")],
    Annotated[str, Meta(min_length=2, max_length=4)],
    Annotated[str, Meta(pattern="^[a-z]+$", examples=["abc"])],
    Literal["add", "Subtract"],
    Annotated[Literal["a", "A", "b"], "a letter"],
    Optional[Literal[1, 2]],  # noqa: UP045 - the older spelling is another type
    Colour,
    Level,
    date,
    Decimal,
    Annotated[Decimal, Meta(ge=0, multiple_of=0.1)],
    list[int],
    Annotated[list[Annotated[int, Meta(ge=0)]], Meta(min_length=1, max_length=2)],
]
TRUTH = {
    **dict.fromkeys(("yes", "y", "true", "on", "1"), True),
    **dict.fromkeys(("no", "n", "false", "off", "0"), False),
}
WORDS = [
    *("0", "1", "2", "3", "-1", "6", "0.5", "2.5", ".5", "7.", "1e3", "1e400", "nan", "inf", "+3"),
    *(
        "yes",
        "No",
        "add",
        "ADD",
        "multiply",
        "a",
        "A",
        "B",
        "ab",
        "abcde",
        "red",
        "Dark_Blue",
        "low",
        "2026-11-27",
        "2026-02-30",
        "1,2",
        "1,,x",
        ",",
    ),
]


Got = list[Any]


def taking(type_: Any, got: Got) -> Callable[..., str]:
    """Return a function whose last parameter `it` is annotated so, and noted."""

    def take(it: Any) -> str:
        got.append(it)
        return "taken"

    take.__annotations__["it"] = type_
    return take


def fitting(type_: Any, text: str) -> Any:
    """Return the value of a text, its bounds judged by `msgspec`; `...` if there is none."""
    plain = int if type_ is Percent else type_
    for value in meanings(essence(type_), text):
        if isinstance(value, Decimal):  # whose bounds `msgspec` does not judge
            return value if plain is Decimal or (value >= 0 and value * 10 % 1 == 0) else ...
        try:
            msgspec.convert(value.value if isinstance(value, enum.Enum) else value, plain)
        except msgspec.ValidationError:
            continue
        return value
    return ...


def numbers(text: str) -> list[int]:
    return [int(part) for part in text.split(",") if part]


MEANINGS: dict[Any, Callable[[str], Any]] = {
    int: int,
    float: float,
    Decimal: Decimal,
    date: lambda text: datetime.strptime(text, "%Y-%m-%d").date(),  # noqa: DTZ007 - it has no zone
}


def meanings(meant: Any, text: str) -> list[Any]:
    """Return what a text might mean, as a value of a plain type."""
    if meant is str:
        return [text]
    if meant is bool:
        return [value for name, value in TRUTH.items() if name == text.casefold()]
    if meant in (int, float, Decimal, date, list[int]) or typing.get_origin(meant) is list:
        if text.strip("0123456789.e+-,") or text == "1e400":
            return []
        try:
            return [MEANINGS.get(meant, numbers)(text)]
        except (ValueError, ArithmeticError):
            return []
    members = typing.get_args(meant) or [*meant]
    named = {
        member.name.lower() if isinstance(member, enum.Enum) else str(member): member
        for member in members
    }
    exact = [value for name, value in named.items() if name == text]
    return exact or [value for name, value in named.items() if name.casefold() == text.casefold()]


# Each way in, up to the handler: returns what the handler is given, or raises what is told


def bound(handler: Handler, text: str, answers: Sequence[Any] = (), **fields: Any) -> Any:
    message = Message(f"/take {text}", ALICE, ROOM, **fields)
    turn = SimpleNamespace(message=message, text=text, slots=[], arguments=(), answers=answers)
    positional, _ = handler.bind(SimpleNamespace(**vars(turn), turn=turn))
    return positional[-1]


def an_argument(type_: Any, text: str) -> Any:
    return bound(Handler(taking(type_, []), States(), command="take"), text)


def an_option(type_: Any, text: str) -> Any:
    handler = Handler(taking(type_, []), States(), command="take")
    return bound(handler, "", arguments={"it": text})


def a_message(type_: Any, text: str) -> Any:
    return bound(Handler(taking(type_, []), States()), text)


def an_input(type_: Any, text: str) -> Any:
    return bound(Handler(taking(type_, []), States(), inputs=["text"], outputs=["text"]), text)


def an_answer(type_: Any, text: str) -> Any:
    handler = Handler(form_of(type_, []), States(), inputs=["number", "text"], outputs=["text"])
    assert handler.form
    _, asked = handler.form.questions(ENGLISH)
    answer = asyncio.run(asked.read(Given(text), not_fetched, ENGLISH))
    return bound(handler, text, [7, answer])


async def not_fetched(attachment: Attachment) -> File:
    raise AssertionError(attachment)


def a_setting(type_: Any, text: str) -> Any:
    return set_by(None, type_, text)


def an_additional_input(type_: Any, text: str) -> Any:
    return set_by("text", type_, text)


def set_by(given: str | None, type_: Any, text: str) -> Any:
    def fn(it: Any = None) -> None: ...

    found = setting(fn, parameters(fn)[0], type_, given)
    message = Message(text, ALICE, ROOM)
    found.read(text, message)
    return found.value({"it": text}, message)


def form_of(type_: Any, got: Got) -> Callable[..., str]:
    take = taking(type_, got)

    def fill(first: int, it: Any) -> str:
        return take(it)

    fill.__annotations__["it"] = type_
    return fill


WAYS = [an_argument, an_option, a_message, an_input, an_answer, a_setting, an_additional_input]


def told(type_: Any, text: str) -> str:
    """Return the sentence that refuses a text."""
    with pytest.raises(Sentence) as error:
        reader(type_).read(text)
    return str(error.value)


@settings(deadline=None)
@example(Literal["a", "A"], "a")
@given(st.sampled_from(TYPES), st.sampled_from(WORDS) | st.from_regex(WORD, fullmatch=True))
def test_every_way_in_reads_alike(type_: Any, text: str) -> None:
    """A handler gets the value that `msgspec` lets pass, or the person is told why not."""
    expected = fitting(type_, text)
    for way in WAYS:
        value, sentence = outcome(way, type_, text)
        assert (value, type(value)) == (expected, type(expected)), way
        assert expected is not ... or told(type_, text) in sentence, way


def outcome(way: Callable[[Any, str], Any], type_: Any, text: str) -> tuple[Any, str]:
    """Return what a handler gets, or `...` and what the person is told."""
    try:
        return way(type_, text), ""
    except Sentence as error:
        return ..., str(error)


# Each way in, from the platform to the handler


Path = Callable[[Any, str, Got], Awaitable[str]]


async def said(bot: Interface, *lines: str) -> str:
    """Return the last answer to some lines."""
    async with TestClient(bot) as client:
        alice = client.user("alice")
        return [await texts(alice, line) for line in lines][-1][0]


async def by_command(type_: Any, text: str, got: Got) -> str:
    bot = Interface(id="bot")
    bot.command(name="take")(taking(type_, got))
    return await said(bot, f"/take {text}")


async def by_option(type_: Any, text: str, got: Got) -> str:
    bot = Interface(id="bot")
    bot.command(name="take")(taking(type_, got))
    async with TestClient(bot) as client:
        event = client.user("alice").event("/take")
        message = replace(event.message, arguments={"it": text})
        (reply,) = await client.deliver(replace(event, message=message))
    return reply.text


async def by_message(type_: Any, text: str, got: Got) -> str:
    bot = Interface(id="bot")
    bot.on_message(taking(type_, got))
    return await said(bot, text)


async def by_button(type_: Any, text: str, got: Got) -> str:
    bot = Interface(id="bot")
    bot.on_message(taking(type_, got))
    return await pressed(bot, Button("Take", text))


async def by_commands_button(type_: Any, text: str, got: Got) -> str:
    bot = Interface(id="bot")
    bot.command(name="take")(taking(type_, got))
    return await pressed(bot, Button("Take", command=f"/take {text}"))


async def pressed(bot: Interface, button: Button) -> str:
    bot.command(name="show")(lambda: Reply("Here:", buttons=[button]))
    async with TestClient(bot) as client:
        alice = client.user("alice")
        await alice.say("/show")
        (reply,) = await alice.press("Take")
    return reply.text


async def by_position(type_: Any, text: str, got: Got) -> str:
    return await said(Interface(taking(type_, got), "text", "text", id="bot"), text)


async def by_form(type_: Any, text: str, got: Got) -> str:
    bot = Interface(form_of(type_, got), ["number", "text"], "text", id="bot")
    return await said(bot, "hello", "7", text)


async def by_setting(type_: Any, text: str, got: Got) -> str:
    return await set_to(ChatInterface(chatting(type_, got), id="bot"), text)


async def by_additional_input(type_: Any, text: str, got: Got) -> str:
    return await set_to(
        ChatInterface(chatting(type_, got), additional_inputs=["text"], id="bot"), text
    )


def chatting(type_: Any, got: Got) -> Callable[..., Any]:
    unset = object()
    take = taking(type_, got)

    def chat(message: str, history: list[Any], it: Any = unset) -> str:
        return "left as it is" if it is unset else str(take(it))

    chat.__annotations__["it"] = type_
    return chat


async def set_to(bot: Interface, text: str) -> str:
    async with TestClient(bot) as client:
        alice = client.user("alice")
        answer = await texts(alice, f"/settings it {text}")
        taken = await texts(alice, "hi")
    return taken[0] if taken == ["taken"] else answer[0]


PATHS: list[Path] = [
    by_command,
    by_option,
    by_message,
    by_button,
    by_commands_button,
    by_position,
    by_form,
    by_setting,
    by_additional_input,
]


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.__name__)
@pytest.mark.parametrize(
    ("type_", "fits", "value", "fails", "why"),
    [
        (Annotated[int, Meta(ge=0, le=5)], "3", 3, "9", "“9” is too large. Send 5 or less."),
        (
            Literal["add", "subtract"],
            "Add",
            "add",
            "multiply",
            "“multiply” is not one of add, subtract. Send one like add.",
        ),
    ],
    ids=["bounds", "choices"],
)
async def test_every_path_from_a_platform_is_checked(
    path: Path, type_: Any, fits: str, value: Any, fails: str, why: str
) -> None:
    """What fits comes to the handler; what does not is told, and the handler is not called."""
    got: Got = []
    assert await path(type_, fits, got) == "taken"
    assert got == [value]
    assert (await path(type_, fails, got)).startswith(why)
    assert got == [value]


# By position, the input says how a text is read, and the annotation what it may be


@pytest.mark.parametrize(
    ("name", "type_", "text", "expected"),
    [
        ("text", str | int, "7", "7"),
        ("text", Annotated[int, Meta(le=5)], "5", 5),
        ("number", float, "7", 7),
        ("number", int | float, "7.5", 7.5),
        ("number", Annotated[float, Meta(le=5)] | None, "5", 5),
        ("number", Literal[1, 2], "2", 2),
        ("number", Level, "low", Level.LOW),
        ("checkbox", Annotated[bool, "agreed"], "yes", True),
        ("json", list[int], "[1]", [1]),
        ("json", Annotated[list[int], Meta(max_length=1)], "[1]", [1]),
        ("json", dict[str, Level], '{"a": 1}', {"a": Level.LOW}),
    ],
    ids=str,
)
def test_an_input_gives_what_its_annotation_admits(
    name: str, type_: Any, text: str, expected: Any
) -> None:
    """A union that admits what the input gives gets that."""
    value = input_of(name, type_).heard(text, ())
    assert (value, type(value)) == (expected, type(expected))


@pytest.mark.parametrize(
    ("name", "type_", "text", "why"),
    [
        ("number", int, "7.5", "is not a whole number"),
        ("number", Annotated[float, Meta(le=5)], "5.5", "Send 5 or less"),
        ("number", Literal[1, 2], "3", "is not one of 1, 2"),
        ("json", list[int], '["a"]', r"Expected `int`, got `str` - at `\$\[0\]`"),
        ("json", Annotated[list[int], Meta(max_length=1)], "[1, 2]", "length <= 1"),
    ],
)
def test_an_input_that_its_annotation_does_not_admit_is_told(
    name: str, type_: Any, text: str, why: str
) -> None:
    """The handler never gets what its parameter cannot be."""
    with pytest.raises(Sentence, match=why):
        input_of(name, type_).heard(text, ())


@pytest.mark.parametrize(
    ("name", "type_", "why"),
    [
        ("text", dict[str, str], "no text can give"),
        ("text", Annotated[User, Arg], "no text can give"),
        ("number", str, 'input "number" gives no'),
        ("number", bool, 'input "number" gives no'),
        ("number", Literal["a"], 'input "number" gives no'),
        ("checkbox", int, 'input "checkbox" gives no'),
        ("json", dict[str, int] | dict[str, str], "no JSON can give"),
        ("image", list[int], r"a file is no list\[int\]; possible: str \(its path\)"),
    ],
)
def test_an_annotation_that_an_input_cannot_give_is_an_error(
    name: str, type_: Any, why: str
) -> None:
    """It is told when the bot is made, with the parameter's name."""

    def fn(it: Any) -> None: ...

    fn.__annotations__["it"] = type_
    with pytest.raises(BindingError, match=rf"parameter 'it' of fn\(\): {why}"):
        Interface(fn, name, "text", id="bot")


@pytest.mark.parametrize(
    ("inputs", "example", "why"),
    [
        ("number", "seven", "“seven” is not a number"),
        (["number", "text"], [7, "multiply"], "“multiply” is not one of add, subtract"),
        (["number", "text"], [7], "must be a list of 2 values, for First, It"),
        (["number", "text"], 7, "must be a list of 2 values, for First, It"),
    ],
)
def test_an_example_that_does_not_fit_is_an_error(inputs: Any, example: Any, why: str) -> None:
    """It is told when the bot is made, not when somebody presses its button."""
    take = taking(int, []) if inputs == "number" else form_of(Literal["add", "subtract"], [])
    with pytest.raises(BindingError, match=rf"example .* {why}"):
        Interface(take, inputs, "text", id="bot", examples=[example])


# What else an annotation tells


@pytest.mark.parametrize(
    "type_",
    [
        Annotated[str, Meta(ge=1)],
        Annotated[bool, Meta(le=1)],
        Annotated[Literal["a"], Meta(max_length=1)],
    ],
    ids=str,
)
def test_bounds_that_no_such_value_has_are_an_error(type_: Any) -> None:
    """They are told at registration, where nobody waits for an answer."""
    with pytest.raises(BindingError, match=r"parameter 'it': .* makes no sense"):
        argument("it", type_, optional=False)


def test_choices_that_are_written_alike_are_an_error() -> None:
    """One of them could never be chosen."""
    with pytest.raises(BindingError, match="are written alike"):
        reader(Literal["1", 1])


@pytest.mark.parametrize(
    ("type_", "sentence"),
    [
        (Annotated[int, Meta(ge=1)], "“0” is too small. Send 1 or more."),
        (Annotated[float, Meta(gt=0)], "“0” is too small. Send more than 0."),
        (Annotated[float, Meta(le=-0.5)], "“0” is too large. Send -0.5 or less."),
        (Annotated[int, Meta(lt=0)], "“0” is too large. Send less than 0."),
        (Annotated[int, Meta(multiple_of=2)], "“1” is no multiple of 2."),
        (Annotated[str, Meta(min_length=2)], "“0” is too short. Send at least 2 characters."),
        (Annotated[str, Meta(max_length=0)], "“0” is too long. Send at most 0 characters."),
        (
            Annotated[str, Meta(pattern="[a-z]", examples=["abc"])],
            "“0” does not look right. Send something like abc.",
        ),
        (
            Annotated[str, Meta(pattern="[a-z]", description="a name")],
            "“0” does not look right. Send something like a name.",
        ),
        (
            Annotated[str, Meta(pattern="[a-z]")],
            "“0” does not look right. Send something like [a-z].",
        ),
    ],
    ids=str,
)
def test_what_is_out_of_bounds_is_told(type_: Any, sentence: str) -> None:
    """The sentence says what would be possible."""
    assert told(type_, sentence[1]) == sentence


@pytest.mark.parametrize(
    ("type_", "least", "most"),
    [
        (int, None, None),
        (Annotated[int, Meta(ge=0, le=5)], 0, 5),
        (Annotated[int, Meta(gt=0, lt=5)], 1, 4),
        (Annotated[NewType("Age", Annotated[int, Meta(ge=0)]), Meta(le=2)], 0, 2),
        (Annotated[float, Meta(gt=0, lt=5)], 0, 5),
    ],
    ids=str,
)
def test_a_platform_is_told_of_bounds(type_: Any, least: float | None, most: float | None) -> None:
    """A platform that asks for arguments by itself can hold people to them."""
    option = argument("it", type_, optional=False).option
    assert (option.least, option.most) == (least, most)


async def test_a_last_choice_with_spaces_takes_the_rest_of_the_line() -> None:
    """Else nobody could choose it."""
    got: Got = []
    assert await by_command(Literal["one", "two words"], "two words", got) == "taken"
    assert got == ["two words"]


Small = Annotated[int, Meta(le=5)]


@pytest.mark.parametrize(
    "type_",
    [
        PerUser[Ref[Small]],
        PerUser[Annotated[Ref[int], Meta(le=5)]],
        Annotated[PerUser[Ref[int]], Meta(le=5)],
        Annotated[Ref[int], State(scope="user", type=Small)],
    ],
    ids=str,
)
async def test_a_state_is_held_to_its_bounds(type_: Any) -> None:
    """Wherever they stand in the annotation; a turn that breaks them changes nothing."""
    bot = Interface(id="bot")

    def add(it: Any) -> str:
        it.value += 3
        return str(it.value)

    add.__annotations__["it"] = type_
    bot.on_message(add)
    async with TestClient(bot, raise_errors=False) as client:
        alice = client.user("alice")
        assert await texts(alice, "add") == ["3"]
        assert await texts(alice, "add") == [FAILED]
