"""What a signature tells of what is returned is refused at registration, or accepted for good."""

import dataclasses
import enum
import functools
from collections.abc import (
    AsyncGenerator,
    AsyncIterator,
    Awaitable,
    Callable,
    Coroutine,
    Iterable,
    Iterator,
    Mapping,
    Sequence,
)
from typing import (
    Annotated,
    Any,
    Literal,
    NamedTuple,
    NewType,
    NoReturn,
    Protocol,
    TypedDict,
    TypeVar,
)

import pytest
from PIL import Image
from support import texts

from chatstate import (
    BindingError,
    ChatInterface,
    Delete,
    File,
    Interface,
    Markdown,
    PerUser,
    Ref,
    Reply,
    State,
)
from chatstate.testing import TestClient

T = TypeVar("T")
Said = NewType("Said", str)
Amount = NewType("Amount", int)


class Card(TypedDict):
    text: str
    files: list[str]


@dataclasses.dataclass
class Told:
    content: str


@dataclasses.dataclass
class Point:
    x: int


class Kind(enum.StrEnum):
    A = "a"


class Number(enum.Enum):
    ONE = 1


class Named(Protocol):
    name: str


class Pair(NamedTuple):
    reply: str
    state: list[str]


def returning(type_: Any, kind: str = "sync") -> Callable[..., Any]:
    """Return a function that says it returns, or yields, this."""

    def sync(text: str) -> Any: ...

    async def asynchronous(text: str) -> Any: ...

    def generator(text: str) -> Any:
        yield text

    async def async_generator(text: str) -> Any:
        yield text

    known = {
        "sync": sync,
        "async": asynchronous,
        "yield": generator,
        "async yield": async_generator,
    }
    known[kind].__annotations__["return"] = type_
    return known[kind]


REPLIES: list[Any] = [
    *(str, None, Markdown, Reply, Delete, File, dict, Mapping[str, Any], Card, Told, Said, Kind),
    *(str | None, Reply | str, list[str], list[Reply | File], list, Sequence[str], Image.Image),
    *(
        Any,
        object,
        T,
        NoReturn,
        Literal["a"] | None,
        Annotated[str, "greeting"],
        Named,
        Iterable[str],
    ),
]
NO_REPLIES: list[tuple[Any, str]] = [
    (int, "int, which is no reply: return str(...)"),
    (float, "float, which is no reply: return str(...)"),
    (bool, "bool, which is no reply: return str(...)"),
    (Amount, "int, which is no reply: return str(...)"),
    (str | int, "int, which is no reply: return str(...)"),
    (list[int], "list[int], which is no reply: return str(...)"),
    (list[str | int], "list[str | int], which is no reply: return str(...)"),
    (Literal["a", 1], "Literal['a', 1], which is no reply: return str(...)"),
    (Number, "Number, which is no reply: return str(...)"),
    (Point, "Point, which is no reply: return str(...)"),
    (bytes, "bytes, which is no reply: return File(...)"),
    (
        tuple[str, str],
        "tuple[str, str], which is no reply: return list(...) for several replies, or",
    ),
    (Pair, "Pair, which is no reply: return list(...) for several replies, or"),
    (set[str], "set[str], which is no reply: return list(...) for several replies"),
    (Iterator[str], "Iterator[str], which is no reply: return list(...) for several"),
]


@pytest.mark.parametrize("type_", REPLIES, ids=str)
@pytest.mark.parametrize("kind", ["sync", "async"])
def test_what_may_be_a_reply_is_accepted(type_: Any, kind: str) -> None:
    """Also where the annotation leaves open what it will be."""
    Interface(returning(type_, kind), id="bot")


@pytest.mark.parametrize(("type_", "why"), NO_REPLIES, ids=lambda given: str(given)[:30])
@pytest.mark.parametrize("kind", ["sync", "async"])
def test_what_is_no_reply_is_refused(type_: Any, why: str, kind: str) -> None:
    """With the function, its line, and what to do."""
    with pytest.raises(BindingError) as error:
        Interface(returning(type_, kind), id="bot")
    name = returning(type_, kind).__name__
    assert f"{name}() in test_return_types.py:" in str(error.value)
    assert f" returns {why}" in str(error.value)


@pytest.mark.parametrize(
    ("type_", "kind"),
    [
        (Iterator[str], "yield"),
        (Iterable[str | Reply], "yield"),
        (AsyncIterator[str], "async yield"),
        (AsyncGenerator[str, None], "async yield"),
        (str, "yield"),
        (Awaitable[str], "sync"),
        (Coroutine[Any, Any, str], "sync"),
    ],
    ids=str,
)
def test_a_generator_may_yield_replies(type_: Any, kind: str) -> None:
    """It is judged by what it yields; a function that returns a coroutine by what that does."""
    Interface(returning(type_, kind), id="bot")


@pytest.mark.parametrize(
    ("type_", "kind", "why"),
    [
        (Iterator[int], "yield", "generator() in test_return_types.py:"),
        (Iterator[int], "yield", " yields int, which is no reply"),
        (AsyncIterator[bytes], "async yield", " yields bytes, which is no reply"),
        (Awaitable[int], "sync", " returns int, which is no reply"),
    ],
)
def test_a_generator_of_what_is_no_reply_is_refused(type_: Any, kind: str, why: str) -> None:
    """As a function is."""
    with pytest.raises(BindingError) as error:
        Interface(returning(type_, kind), id="bot")
    assert why in str(error.value)


COUNTED: list[tuple[Any, bool]] = [
    (tuple[str, list[str]], True),
    (tuple[str, ...], True),
    (tuple, True),
    (list[str], True),
    (Sequence[str], True),
    (Pair, True),
    (Any, True),
    (object, True),
    (T, True),
    (NoReturn, True),
    (tuple[str], False),
    (tuple[str, list[str], int], False),
    (tuple[()], False),
    (str, False),
    (None, False),
    (tuple[str, list[str]] | None, False),
    (dict[str, Any], False),
]


@pytest.mark.parametrize(("type_", "fits"), COUNTED, ids=str)
def test_a_tuple_must_be_as_long_as_the_outputs(type_: Any, fits: bool) -> None:
    """What an annotation leaves open is accepted."""

    def fn(text: str, state: Any) -> Any: ...

    fn.__annotations__["return"] = type_
    inputs: list[str | State] = ["text", State([])]
    if fits:
        Interface(fn, inputs, ["text", "state"], id="bot")
        return
    with pytest.raises(
        BindingError,
        match=r"fn\(\) in test_return_types\.py:\d+ returns .*, \d values?, and its outputs are 2",
    ):
        Interface(fn, inputs, ["text", "state"], id="bot")


def test_a_count_is_told_in_words() -> None:
    """Both counts."""
    with pytest.raises(BindingError, match=r"returns tuple\[str\], 1 value, and its outputs are 2"):
        Interface(returning(tuple[str]), ["text"], ["text", "text"], id="bot")
    with pytest.raises(BindingError, match=r"str, int\], 3 values, and its outputs are 2"):
        Interface(returning(tuple[str, str, int]), ["text"], ["text", "text"], id="bot")


def test_a_single_output_shows_what_it_can() -> None:
    """A number, say, in a text output."""
    Interface(returning(int), "text", "text", id="bot")
    Interface(returning(float), "text", "number", id="bot")


# Wherever something that is returned is answered


MOODS = State([], name="moods")


def chatting(message: str, history: list[Any], moods: list[str]) -> str:
    return message


def test_wherever_an_answer_is_returned_it_is_judged() -> None:
    """By commands, edits, chat functions, middleware, `on_error` and `on_expire`, too."""
    bot = Interface(id="bot")
    with pytest.raises(BindingError, match="returns int, which is no reply"):
        bot.command(name="count")(returning(int))
    with pytest.raises(BindingError, match="returns int, which is no reply"):
        bot.on_edit(returning(int))
    with pytest.raises(BindingError, match=r"chatting\(\) in .* returns str, 1 value"):
        ChatInterface(chatting, additional_inputs=[MOODS], additional_outputs=[MOODS], id="bot")

    async def log(call_next: Any) -> int:
        return len(await call_next())

    with pytest.raises(BindingError, match=r"log\(\) in .* returns int, which is no reply"):
        bot.middleware(log)

    with pytest.raises(BindingError, match="returns int, which is no reply"):
        bot.on_error(returning(int))

    def told(value: int) -> int:
        return value

    def fn(n: Annotated[Ref[int], State(ttl=60, on_expire=told)]) -> None: ...

    with pytest.raises(BindingError, match=r"told\(\) in .* returns int, which is no reply"):
        bot.on_message(fn)


async def test_what_a_decorator_makes_of_a_function_is_judged_when_it_is_returned() -> None:
    """Its annotations are those of what it wraps, and may be wrong."""

    def shown(fn: Callable[..., int]) -> Callable[..., str]:
        @functools.wraps(fn)
        def show(*args: Any) -> str:
            return str(fn(*args))

        return show

    @shown
    def count(visits: PerUser[Ref[int]]) -> int:
        visits.value += 1
        return visits.value

    bot = Interface(id="bot")
    bot.on_message(count)
    async with TestClient(bot) as client:
        assert await texts(client.user("alice"), "hi") == ["1"]
