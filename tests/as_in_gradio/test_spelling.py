"""What Gradio's authors write as they know it: names of options, and values of any type."""

import datetime as dt
import math
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from support import FAILED, texts

from chatstate import BindingError, ChatInterface, Interface, Reply, State, User
from chatstate.testing import TestClient

# State


async def test_state_has_gradios_names() -> None:
    """`value`, `time_to_live` and `delete_callback` are what they are in Gradio."""
    deleted: list[list[str]] = []
    said = State(value=["begun"], render=True, time_to_live=60, delete_callback=deleted.append)

    def note(message: str, before: list[str]) -> tuple[str, list[str]]:
        return " ".join(before), [*before, message]

    async with TestClient(Interface(note, ["text", said], ["text", said], id="bot")) as client:
        alice = client.user("alice")
        assert await texts(alice, "a") == ["begun"]
        assert await texts(alice, "b") == ["begun a"]
        await client.advance(60)
        assert deleted == [["begun", "a", "b"]]
        assert await texts(alice, "c") == ["begun"]


async def test_what_a_delete_callback_returns_is_not_sent() -> None:
    """Gradio drops it, and nobody in the chat waits for it."""
    total = State(0, name="total", time_to_live=60, delete_callback=str)
    bot = Interface(lambda text, n: (text, n + 1), ["text", total], ["text", total], id="bot")
    async with TestClient(bot) as client:
        await client.user("alice").say("a")
        await client.advance(60)
        assert [reply.text for reply in client.platform.delivered] == ["a"]


@pytest.mark.parametrize("lives", [{}, {"time_to_live": None}, {"time_to_live": math.inf}])
def test_a_delete_callback_without_an_end_is_told_and_passed_over(
    lives: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    """Gradio calls it when a page is closed, and nothing is closed here."""
    assert State(0, delete_callback=print, **lives).lifecycle.on_expire is None
    assert "never called without a time_to_live" in caplog.text


@pytest.mark.parametrize(
    "both",
    [
        {"default": 0, "value": 1},
        {"ttl": 1, "time_to_live": 2},
        {"ttl": 1, "on_expire": print, "delete_callback": print},
    ],
    ids=str,
)
def test_an_option_by_both_of_its_names_is_an_error(both: dict[str, Any]) -> None:
    """The error has both."""
    with pytest.raises(BindingError, match=r"is Gradio's name of .*: give one of them"):
        State(**both)


# Interfaces


def repeat(message: str, _history: Any) -> str:
    return message


BOTS = [(Interface, repr), (ChatInterface, repeat)]


@pytest.mark.parametrize(("make", "fn"), BOTS)
def test_what_only_a_page_has_is_named_in_one_line(
    make: Any, fn: Any, caplog: pytest.LogCaptureFixture
) -> None:
    """It is taken, and has no effect."""
    bot = make(
        fn,
        id="bot",
        api_name="chat",
        flagging_mode="never",
        cache_examples=True,
        theme="soft",
        batch=False,
        concurrency_limit="default",
    )
    assert [record.getMessage() for record in caplog.records] == [
        ("bot 'bot': only a web page has api_name, cache_examples, flagging_mode, theme: not used")
    ]
    assert {route.concurrency_limit for route in bot.routes} == {0}


def test_what_nobody_has_is_an_error() -> None:
    """A word that is neither ours nor Gradio's is a mistake."""
    with pytest.raises(TypeError, match="there is no option 'thema'"):
        Interface(repr, id="bot", thema="soft")  # type: ignore[call-arg]  # as somebody mistypes


@pytest.mark.parametrize("options", [{"batch": True}, {"validator": print}], ids=str)
def test_what_changes_how_the_function_is_called_is_an_error(options: dict[str, Any]) -> None:
    """To pass over it would call the function wrongly."""
    with pytest.raises(BindingError, match="= of Gradio cannot be taken: "):
        Interface(repr, id="bot", **options)


async def test_an_article_stands_below_the_commands() -> None:
    """/help shows it."""
    bot = Interface(repr, id="bot", description="A bot", article="More about it")
    async with TestClient(bot) as client:
        (text,) = await texts(client.user("alice"), "/help")
    assert text == "bot\nA bot\n\nCommands:\n/help - Show this help.\n\nMore about it"


async def test_examples_may_have_labels() -> None:
    """`example_labels` is what stands on the buttons."""
    bot = Interface(repr, "text", "text", id="bot", examples=["a", "b"], example_labels=["A", "B"])
    async with TestClient(bot) as client:
        alice = client.user("alice")
        await alice.say("/start")
        (reply,) = await alice.press("B")
        assert reply.text == "'b'"


@pytest.mark.parametrize("labels", [["A"], ["A", "B", "C"]])
def test_labels_and_examples_must_be_as_many(labels: list[str]) -> None:
    """Else nobody knows which is whose."""
    with pytest.raises(BindingError, match="no labels or one for each"):
        Interface(repr, "text", "text", id="bot", examples=["a", "b"], example_labels=labels)


def test_examples_are_a_list() -> None:
    """The name of a folder of examples is none."""
    for make, fn in BOTS:
        with pytest.raises(BindingError, match="use a list of examples"):
            make(fn, id="bot", examples="examples")


def test_the_history_of_pairs_is_told() -> None:
    """`type="tuples"` would call the function with another history than it gets here."""
    ChatInterface(repeat, id="bot", type="messages")
    with pytest.raises(BindingError, match=r"type='tuples': history is a list of messages"):
        ChatInterface(repeat, id="bot", type="tuples")  # type: ignore[arg-type]  # as older code has it


@pytest.mark.parametrize(
    ("examples", "is_told"),
    [
        (["hi"], False),
        ([{"text": "hi", "files": []}, {"text": ""}], False),
        ([["hi", None]], False),
        ([["hi", 7]], True),
        ([{"text": "hi", "files": ["cat.png"]}, {"text": "", "files": ["dog.png"]}], True),
    ],
    ids=str,
)
async def test_examples_of_a_chat_are_messages(
    examples: list[Any], *, is_told: bool, caplog: pytest.LogCaptureFixture
) -> None:
    """Pressing one says its text; what a button cannot send is told in the log."""
    bot = ChatInterface(lambda message, _history: f"<{message}>", id="bot", examples=examples)
    async with TestClient(bot) as client:
        alice = client.user("alice")
        (reply,) = await alice.say("/start")
        assert reply.labels == ["hi"]
        (reply,) = await alice.press("hi")
        assert reply.text == "<hi>"
    assert ("files and further inputs are not used" in caplog.text) is is_told


# Functions of anything


def joined(*words: Any, **named: Any) -> str:
    return f"{words} {named}"


async def test_a_function_of_any_arguments_gets_its_inputs() -> None:
    """`*args` takes as many as there are; what has a name of its own is not among them."""

    def after_first(first: Any, *rest: Any, user: User) -> str:
        return f"{first} {rest} {user.name}"

    state = State([5], name="state")
    cases: list[tuple[Any, list[str | State], str]] = [
        (joined, ["text"], "('hi',) {}"),
        (joined, ["text", state], "('hi', [5]) {}"),
        (after_first, ["text", state], "hi ([5],) alice"),
        (after_first, [state], "[5] () alice"),
        (str, ["text"], "hi"),
        (max, ["text"], "i"),
    ]
    for fn, inputs, answer in cases:
        bot = Interface(fn, inputs, ["text"], id="bot")
        async with TestClient(bot) as client:
            assert await texts(client.user("alice"), "hi") == [answer]


async def test_inputs_of_any_arguments_are_asked_for() -> None:
    """They are called by their numbers."""
    bot = Interface(joined, ["text", "number"], ["text"], id="bot")
    async with TestClient(bot) as client:
        alice = client.user("alice")
        _, question = await texts(alice, "/start")
        assert question == "Words 1? (1 of 2; /cancel gives up)"
        assert await texts(alice, "a") == ["Words 2? (2 of 2; /cancel gives up)"]
        assert await texts(alice, "7") == ["('a', 7) {}"]


async def test_a_chat_function_of_any_arguments() -> None:
    """It gets the message, the history, and the further states."""
    state = State([5], name="state")
    bot = ChatInterface(joined, id="bot", additional_inputs=[state], markdown=False)
    async with TestClient(bot) as client:
        assert await texts(client.user("alice"), "hi") == ["('hi', [], [5]) {}"]


# Values


class Odd:
    def __str__(self) -> str:
        return "odd"


@pytest.mark.parametrize(
    "value",
    [
        *(True, 1, -2.5, math.nan, Decimal("1.50"), dt.date(2026, 1, 2), b"data", Odd(), Odd),
        *((1, "a"), {"a": 1}, {}, {1, 2}, [1, 2], ["a", 1], [["a", None, Odd]], range(3)),
    ],
    ids=str,
)
async def test_a_text_output_shows_any_value(value: Any) -> None:
    """As `str(value)`."""
    async with TestClient(Interface(lambda _: value, "text", "text", id="bot")) as client:
        assert await texts(client.user("alice"), "hi") == [str(value)]


async def test_a_text_output_shows_replies_as_what_they_are() -> None:
    """What says something in itself is no value to be written out; None says nothing."""
    given: list[Any] = [Reply("a"), ["a", Reply("b")], {"text": "a"}, {"content": "a"}, None, []]
    answers = iter(given)
    async with TestClient(Interface(lambda _: next(answers), "text", "text", id="bot")) as client:
        alice = client.user("alice")
        shown = [await texts(alice, "hi") for _ in given]
    assert shown == [["a"], ["a", "b"], ["a"], ["a"], [], []]


async def test_a_coroutine_that_nobody_awaited_is_no_text() -> None:
    """It is a mistake of the author's, and told as such."""

    async def later() -> str:
        return "later"

    made = []

    async def forget(_message: str) -> Any:
        made.append(later())
        return made[0]

    async with TestClient(
        Interface(forget, "text", "text", id="bot"), raise_errors=False
    ) as client:
        assert await texts(client.user("alice"), "hi") == [FAILED]
    made[0].close()


@pytest.mark.parametrize("value", [1, 1.5, Decimal("1.50"), Fraction(1, 3)])
async def test_a_number_output_shows_any_number(value: Any) -> None:
    """Whatever its type."""
    async with TestClient(Interface(lambda _: value, "text", "number", id="bot")) as client:
        assert await texts(client.user("alice"), "hi") == [str(value)]
