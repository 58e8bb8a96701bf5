"""Kinds of inputs and outputs: those with names, and those that authors make."""

from pathlib import Path
from typing import Annotated, Any, Literal

import pytest
from msgspec import Meta
from support import texts

from chatstate import (
    BindingError,
    File,
    Interface,
    Kind,
    Markdown,
    Reply,
    ReplyError,
    Said,
    UserError,
)
from chatstate.bot.kinds import input_of, output_of
from chatstate.bot.returns import Returns
from chatstate.testing import TestClient

Colour = Literal["red", "blue"]


def read(kind: Any, type_: Any, said: str) -> Any:
    return input_of(kind, type_).heard(said, ())


def show(kind: Any, value: Any) -> list[Any]:
    return output_of(kind)(value, Returns())


@pytest.mark.parametrize(
    ("name", "type_", "said", "value"),
    [
        ("dropdown", Colour, "Red", "red"),
        ("radio", Colour, "blue", "blue"),
        ("checkboxgroup", list[Colour], "red, blue", ["red", "blue"]),
        ("checkboxgroup", Colour, "red", ["red"]),
        ("checkboxgroup", list[Literal["a, b", "c"]], "a, b", ["a, b"]),
        ("slider", Any, "7.5", 7.5),
        ("slider", Annotated[int, Meta(ge=1, le=3)], "3", 3),
        ("code", str, "```python\nx = 1\n```", "x = 1"),
        ("code", str, "x = `1`", "x = `1`"),
        ("dataframe", Any, "a,b\n1,2\n3", [["a", "b"], ["1", "2"], ["3", ""]]),
    ],
)
def test_a_named_input_gives_its_value(name: str, type_: Any, said: str, value: Any) -> None:
    """Each reads what a person types as what it stands for."""
    assert read(name, type_, said) == value


@pytest.mark.parametrize(
    ("kind", "type_", "said", "told"),
    [
        ("dropdown", Colour, "green", "is not one of red, blue"),
        ("checkboxgroup", list[Colour], "red, green", "“green” is not one of"),
        ("slider", Any, "101", "Send 100 or less"),
        ("slider", Annotated[int, Meta(ge=1, le=3)], "0", "Send 1 or more"),
        (Kind(choices=["a", "b"]), Any, "c", "is not one of a, b"),
        (Kind(least=2), Any, "1", "Send 2 or more"),
        (Kind(takes="file"), Any, "no file", "Please send a file"),
    ],
)
def test_what_does_not_fit_is_told(kind: Any, type_: Any, said: str, told: str) -> None:
    """The person is told what is wrong, and what would be right."""
    with pytest.raises(UserError, match=told):
        read(kind, type_, said)


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("dropdown", "red", "red"),
        ("checkboxgroup", ["red", True], "red, yes"),
        ("slider", 7.5, "7.5"),
        ("label", {"cat": 0.25, "dog": 0.75}, "dog\n75% dog\n25% cat"),
        ("label", "dog", "dog"),
        ("highlightedtext", [("Ann", "PER"), (" sings", None)], "Ann [PER] sings"),
        (
            "highlightedtext",
            {"text": "I see Ann.", "entities": [{"entity": "PER", "start": 6, "end": 9}]},
            "I see Ann [PER].",
        ),
        ("html", "<h1>A &amp; B</h1><script>x()</script><p>c<br>d</p>", "A & B\nc\nd"),
        ("html", 'to <a href="https://a.b">there</a>', "to there (https://a.b)"),
    ],
)
def test_a_named_output_shows_a_value_in_words(name: str, value: Any, said: str) -> None:
    """Each says in a text what Gradio's component shows."""
    assert show(name, value) == [Reply(said)]


def test_code_is_shown_as_it_stands() -> None:
    """However many backticks are in it, none ends the block."""
    assert show("code", "a\n```\nb") == [Reply(Markdown("````\na\n```\nb\n````"))]


class Frame:
    """What is like a pandas DataFrame."""

    columns = ("a|b", "c")

    def to_numpy(self) -> "Frame":
        return self

    def tolist(self) -> list[list[Any]]:
        return [["*x*", 1]]


@pytest.mark.parametrize(
    ("value", "lines"),
    [
        ([["x", 1]], ["| 1 | 2 |", "|---|---|", "| x | 1 |"]),
        ({"headers": ["a"], "data": [["x\ny"]]}, ["| a |", "|---|", "| x y |"]),
        (Frame(), ["| a\\|b | c |", "|---|---|", "| \\*x\\* | 1 |"]),
    ],
    ids=["lists", "headers", "frame"],
)
def test_a_table_is_shown_as_a_table(value: Any, lines: list[str]) -> None:
    """Of lists, a dict of headers and data, or a frame; what is in a cell is no markup."""
    assert show("dataframe", value) == [Reply(Markdown("\n".join(lines)))]


class Figure:
    def savefig(self, target: Any, **_options: Any) -> None:
        target.write(b"png")


def test_a_figure_is_shown_as_a_picture() -> None:
    """What can `savefig`, as matplotlib's figures can, is a PNG."""
    assert show("plot", Figure()) == [Reply(files=[File(b"png", "plot.png")])]


def test_a_gallery_shows_captions_with_their_pictures() -> None:
    """Pictures without one are together."""
    a, b, c = (File(name.encode(), f"{name}.png") for name in "abc")
    shown = show("gallery", [a, (b, "B"), c])
    assert [(reply.text, reply.files) for reply in shown] == [("", (a, c)), ("B", (b,))]


@pytest.mark.parametrize("name", ["label", "highlightedtext", "html", "plot"])
def test_what_only_shows_is_no_input(name: str) -> None:
    """It is refused when the bot is made, with what is possible."""
    with pytest.raises(BindingError, match="shows a value and reads none; possible: text"):
        input_of(name, Any)


@pytest.mark.parametrize("name", ["dropdown", "radio", "checkboxgroup"])
def test_choices_have_to_be_told(name: str) -> None:
    """An input to choose from, without choices, is refused when the bot is made."""
    with pytest.raises(BindingError, match="has no choices"):
        input_of(name, str if name == "radio" else Any)


@pytest.mark.parametrize(
    ("name", "value"),
    [("label", {"a": "x"}), ("highlightedtext", 7), ("dataframe", 7), ("plot", 7), ("gallery", 7)],
)
def test_an_output_says_what_it_is_for(name: str, value: Any) -> None:
    """What it cannot show is an error to the author, which names the output."""
    with pytest.raises(ReplyError, match=f'output "{name}"'):
        show(name, value)


@pytest.mark.parametrize(
    "options",
    [{"takes": "clay"}, {"choices": "red"}, {"several": True}, {"least": 2, "most": 1}],
    ids=repr,
)
def test_a_kind_that_makes_no_sense_is_refused(options: Any) -> None:
    """When it is made."""
    with pytest.raises(BindingError):
        Kind(**options)


def test_a_kind_is_made_of_one_that_has_a_name() -> None:
    """It reads and shows as that does."""
    number = Kind.named("number")
    assert number.heard("7", ()) == 7
    assert Kind.named("label").show is not None
    with pytest.raises(BindingError, match="'movie' is no input"):
        Kind.named("movie")


async def test_a_kind_may_say_what_it_is_called() -> None:
    """That is asked for, whatever the parameter is called."""
    bot = Interface(lambda a, b: a + b, [Kind(label="Your name"), "text"], "text", id="bot")
    async with TestClient(bot) as client:
        told = await texts(client.user("alice"), "/start")
    assert told[-1] == "Your name? (1 of 2; /cancel gives up)"


def rgb(said: Said) -> tuple[int, ...]:
    if len(said.text) != 3:
        raise UserError("Send three digits.")
    return tuple(map(int, said.text))


async def test_an_author_makes_a_kind() -> None:
    """It reads an input and shows an output, by the author's own functions."""
    colour = Kind(read=rgb, show=lambda value: Markdown(f"**{sum(value)}**"))
    bot = Interface(lambda value: value, colour, colour, id="bot")
    async with TestClient(bot) as client:
        alice = client.user("alice")
        assert await texts(alice, "12") == ["Send three digits."]
        assert await texts(alice, "123") == ["6"]


async def test_choices_of_a_kind_are_buttons_in_a_form() -> None:
    """They give what they stand for; bounds are told in the question."""
    size = Kind(choices={"small": 1, "large": 10})
    bot = Interface(lambda a, b: str(a * b), [size, Kind(least=0, most=5)], "text", id="bot")
    async with TestClient(bot) as client:
        alice = client.user("alice")
        await alice.say("/start")
        (question,) = await alice.press("large")
        assert question.text == "B, from 0 to 5? (2 of 2; /cancel gives up)"
        assert await texts(alice, "3") == ["30"]


async def test_choices_of_the_only_input_are_buttons_under_start() -> None:
    """Whoever comes sees what there is to choose."""
    async with TestClient(Interface(str.upper, Kind(choices=["a", "b"]), "text", id="b")) as client:
        alice = client.user("alice")
        await alice.say("/start")
        assert (await alice.press("b"))[0].text == "B"


async def test_all_pictures_of_a_message_are_a_gallery() -> None:
    """They come as paths of the turn; another file is told of."""

    def count(pictures: list[Path]) -> str:
        return f"{len(pictures)}: {b''.join(path.read_bytes() for path in pictures)!r}"

    async with TestClient(Interface(count, "gallery", "text", id="bot")) as client:
        alice, upload = client.user("alice"), client.platform.upload
        sent = [upload(f"{name}.png", name.encode(), "image/png") for name in "ab"]
        assert (await alice.say("", files=sent))[0].text == "2: b'ab'"
        (told,) = await alice.say("", files=[upload("a.txt", b"a", "text/plain")])
        assert told.text == "a.txt is no file of this kind: image."
        assert await texts(alice, "none") == ["Please send a file."]


async def test_a_table_may_be_sent_as_a_file() -> None:
    """CSV that was sent is read as what was typed."""
    bot = Interface(lambda rows: rows[1:], "dataframe", "dataframe", id="bot")
    async with TestClient(bot) as client:
        alice = client.user("alice")
        sent = client.platform.upload("t.csv", b"a,b\n1,2", "text/csv")
        assert "1" in (await alice.say("", files=[sent]))[0].text
