"""What handlers return, and what the framework itself says."""

import math
from typing import Any

import pytest

from chatstate import BindingError, Reply, ReplyError
from chatstate.bot.kinds import output_of
from chatstate.bot.returns import Returns, replies
from chatstate.language.en import ENGLISH
from chatstate.language.sentences import Sentence, replaced, say


@pytest.mark.parametrize(
    ("returned", "expected"),
    [
        ("hi", [Reply("hi")]),
        ("", [Reply("")]),
        ("*not* <b>markup</b>", [Reply("*not* <b>markup</b>")]),
        (None, []),
        (Reply("hi"), [Reply("hi")]),
        ([], []),
        (["a", Reply("b"), None, ["c"]], [Reply("a"), Reply("b"), Reply("c")]),
    ],
    ids=repr,
)
def test_what_a_handler_returns_is_its_replies(returned: Any, expected: list[Reply]) -> None:
    """A string, a Reply, a list of these, or nothing."""
    assert replies(returned) == expected


@pytest.mark.parametrize(
    ("returned", "named"),
    [(7, "int"), (("a", "b"), "tuple"), ({"a": 1}, "dict"), (b"x", "bytes"), (["a", 7], "int")],
    ids=repr,
)
def test_what_is_no_reply_is_an_error(returned: Any, named: str) -> None:
    """The error names the type that was returned, and what is possible."""
    with pytest.raises(
        ReplyError, match=f"returned {named}; possible: str, Markdown, StyledText, Reply"
    ):
        replies(returned)


def test_the_text_of_a_reply_is_a_string() -> None:
    """A Reply of anything else is an error where it is made."""
    with pytest.raises(
        TypeError, match=r"Reply\.text must be a str, Markdown or StyledText, not int"
    ):
        Reply(7)  # type: ignore[arg-type]  # that is the point


@pytest.mark.parametrize(
    ("name", "value", "texts"),
    [
        ("text", "hi", ["hi"]),
        ("text", 7, ["7"]),
        ("text", 7.5, ["7.5"]),
        ("text", None, []),
        ("text", ["a", "b"], ["a", "b"]),
        ("textbox", "hi", ["hi"]),
        ("number", 7, ["7"]),
        ("number", 7.5, ["7.5"]),
        ("number", 10**400, [str(10**400)]),
        ("number", None, []),
        ("json", {"a": [1, "ü"]}, ['{\n  "a": [\n    1,\n    "ü"\n  ]\n}']),
        ("json", None, ["null"]),
    ],
    ids=lambda value: repr(value)[:30],
)
def test_an_output_shows_a_value(name: str, value: Any, texts: list[str]) -> None:
    """`text`, `number` and `json` show what they are for."""
    assert output_of(name)(value, Returns()) == [Reply(text) for text in texts]


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("text", {"text": 1}, "text of a message is int"),
        ("number", "7", "takes a finite number, not '7'"),
        ("number", math.nan, "takes a finite number, not nan"),
        ("number", math.inf, "takes a finite number, not inf"),
        pytest.param("json", {"a": object()}, "cannot show dict", id="json-object"),
        ("json", "\ud800", "cannot show str"),
    ],
    ids=repr,
)
def test_an_output_refuses_what_it_is_not_for(name: str, value: Any, said: str) -> None:
    """The error says what the output takes, and what it got."""
    with pytest.raises(ReplyError, match=said):
        output_of(name)(value, Returns())


@pytest.mark.parametrize("name", ["movie", "", ["text"], None], ids=repr)
def test_an_output_that_is_none_is_an_error(name: Any) -> None:
    """The error names what is possible."""
    with pytest.raises(BindingError, match=r"is no output; possible: text, .*state, State"):
        output_of(name)


def test_a_sentence_can_be_replaced() -> None:
    """A replacement is said in place of ours, with its blanks filled; the others stay."""
    sentences = replaced({"not_a_number": "{text} ist keine Zahl."})
    assert say(sentences, "not_a_number", text="“x”") == "“x” ist keine Zahl."
    assert sentences["failed"] == ENGLISH["failed"]


def test_a_sentence_is_an_error_that_says_itself() -> None:
    """A raised sentence has its text, its name and its values."""
    sentence = Sentence("not_whole", text="“7.5”")
    assert str(sentence) == "“7.5” is not a whole number. Send one like 7."
    assert (sentence.name, sentence.values) == ("not_whole", {"text": "“7.5”"})


def test_what_fills_a_blank_is_not_read_again() -> None:
    """Braces that a person sends are shown as they are."""
    assert "“{text}”" in str(Sentence("not_a_number", text="“{text}”"))


def test_a_sentence_that_does_not_exist_is_an_error() -> None:
    """A misspelt name is told, with those there are."""
    with pytest.raises(BindingError, match="there is no sentence 'fail'; there are failed, "):
        replaced({"fail": "Oops"})


@pytest.mark.parametrize(
    "text", ["Oops {error}", "Oops {", "Oops {}", "Oops {text.x}", "Oops {text:d}", 7], ids=repr
)
def test_a_replacement_that_could_not_be_said_is_an_error_at_once(text: Any) -> None:
    """A blank that nothing fills is told where the sentence is given, with those there are."""
    with pytest.raises(BindingError, match=r"sentence 'nobody' .* its blanks are: \{text\}"):
        replaced({"nobody": text})


@pytest.mark.parametrize("name", ENGLISH)
def test_every_sentence_may_be_replaced_by_itself(name: str) -> None:
    """Our own sentences keep our own rules."""
    assert replaced({name: ENGLISH[name]}) == ENGLISH
