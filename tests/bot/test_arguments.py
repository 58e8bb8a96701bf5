"""What a person types, to the values a handler takes."""

import enum
import math
from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Annotated, Any, Literal, Optional

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Meta

from chatstate import (
    Arg,
    BindingError,
    Chat,
    CommandOption,
    Complete,
    Interface,
    Message,
    User,
)
from chatstate.bot.arguments import Argument, argument, parse_arguments
from chatstate.bot.reading import json_reader, number, reader, shorten, typed
from chatstate.language.sentences import Sentence


class Colour(enum.Enum):
    RED = "r"
    DARK_BLUE = "b"


ANN = User("17", "Ann")
MESSAGE = Message("", User("1"), Chat("c"), mentions=(ANN, User("18", "bob")))
USAGE = "/do it"
DAY = date(2026, 3, 7)
NO_DATE = "is not a date. Send one like 2026-11-27."
NO_TIME = "is not a time of day. Send one like 14:30."
NO_DURATION = "is not a length of time. Send one like 1h30m or 2 days."


def only(type_: Any, *, optional: bool = False) -> Argument:
    return argument("it", type_, optional=optional)


def parse(arguments: Sequence[Argument], text: str) -> list[Any]:
    return parse_arguments(arguments, text, MESSAGE, USAGE)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("7", 7),
        (" 7 ", 7),
        ("\t7\n", 7),
        ("-7", -7),
        ("+7", 7),
        ("007", 7),
        ("7.5", 7.5),
        ("7.0", 7.0),
        ("7.", 7.0),
        (".5", 0.5),
        ("1e3", 1000.0),
        ("-2.5E-1", -0.25),
        ("٣", 3),
        ("9" * 300, int("9" * 300)),
        ("0" * 5000 + "7", 7.0),
    ],
    ids=lambda value: repr(value)[:20],
)
def test_a_number_is_read(text: str, expected: float) -> None:
    """Whole numbers stay `int`, others are `float`; spaces around do not matter."""
    value = number(text)
    assert value == expected
    assert type(value) is type(expected)


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "abc",
        "7 8",
        "7,5",
        "1_000",
        "0x10",
        "--7",
        ".",
        "e5",
        "½",
        "\uff17\uff0e\uff15",
        *("nan", "NaN", "inf", "-inf", "Infinity", "1e400", "-1e400", "9" * 310, "9" * 5000),
    ],
    ids=lambda value: repr(value)[:20],
)
def test_what_is_no_finite_number_is_refused(text: str) -> None:
    """The person is told what is wrong, with an example."""
    with pytest.raises(Sentence, match=r"is not a number\. Send one like 7 or 7\.5\.") as error:
        number(text)
    assert error.value.name == "not_a_number"
    assert len(str(error.value)) < 100


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("", "An empty message"),
        ("abc", "“abc”"),
        ("x" * 40, f"“{'x' * 40}”"),
        ("x" * 41, f"“{'x' * 39}…”"),
    ],
)
def test_what_was_sent_is_shown_shortened(text: str, shown: str) -> None:
    """A sentence begins with what was sent, as far as that is short."""
    assert str(shorten(text)) == shown


@pytest.mark.parametrize(
    ("text", "expected"), [('{"a": [1, null]}', {"a": [1, None]}), (" 7 ", 7), ('"x"', "x")]
)
def test_json_is_read(text: str, expected: Any) -> None:
    """Any JSON value is read."""
    assert json_reader(Any).read(text) == expected


@pytest.mark.parametrize(
    "text",
    ["", "{", "{'a': 1}", "NaN", "1e400", '"\\ud800"', "\ud800", "[" * 100_000, "9" * 5000],
    ids=lambda value: repr(value)[:20],
)
def test_what_is_no_json_is_refused(text: str) -> None:
    """The person is told what is wrong, with an example."""
    with pytest.raises(Sentence, match=r'Send something like \{"a": \[1, 2\]\}') as error:
        json_reader(Any).read(text)
    assert error.value.name == "not_json"


@pytest.mark.parametrize(
    ("type_", "text", "expected"),
    [
        (str, "two words", "two words"),
        (int, "7", 7),
        (float, "7", 7.0),
        (float, "7.5", 7.5),
        *((bool, text, True) for text in ("yes", "Y", "true", "ON", "1")),
        *((bool, text, False) for text in ("no", "N", "False", "off", "0")),
        (Literal["a", "B"], "b", "B"),
        (Literal[1, 2], "2", 2),
        (Colour, "red", Colour.RED),
        (Colour, "DARK_blue", Colour.DARK_BLUE),
        (Annotated[User, Arg], "@Ann", ANN),
        (Annotated[User, Arg], "ann", ANN),
        pytest.param(Annotated[User, Arg()], "@17", ANN, id="Annotated[User, Arg()]"),
        (Annotated[User, {"unhashable": 1}, Arg], "@17", ANN),
        (int | None, "7", 7),
        (Optional[int], "7", 7),  # noqa: UP045 - the older spelling is another type
        (str | None, "two words", "two words"),
        (Annotated[int, "how many"], "7", 7),
        (Annotated[str, {"unhashable": 1}], "two words", "two words"),
        (Annotated[User, Arg] | None, "@Ann", ANN),
        *((date, text, date(2026, 3, 7)) for text in ("2026-03-07", "7.3.2026", "07.03.2026")),
        (time, "9:05", time(9, 5)),
        (time, "23:59:30", time(23, 59, 30)),
        (datetime, "2026-03-07 9:05", datetime.combine(DAY, time(9, 5))),
        (datetime, "2026-03-07T09:05:30", datetime.combine(DAY, time(9, 5, 30))),
        (datetime, "7.3.2026  9:05", datetime.combine(DAY, time(9, 5))),
        *((timedelta, text, timedelta(hours=1.5)) for text in ("1h30m", "1.5 hours", "90 MIN")),
        (timedelta, "1 week 2 days 3s", timedelta(9, 3)),
        (Decimal, "0.10", Decimal("0.10")),
        (Annotated[Decimal, Meta(gt=0, multiple_of=0.05)], "0.15", Decimal("0.15")),
        (list[str], "red  green", ["red", "green"]),
        (list[str], "New York, Paris,", ["New York", "Paris"]),
        (list[str], '"red, dark" green', ["red, dark", "green"]),
        (list[str], '"a, b", c', ["a, b", "c"]),
        (list[timedelta], "1h 30m, 2 days", [timedelta(hours=1.5), timedelta(2)]),
        (list[datetime], "2026-03-07 9:05", [datetime.combine(DAY, time(9, 5))]),
        (Literal["red wine", "tea"], '"Red wine"', "red wine"),
        (list[Literal[1, 2]] | None, "1 2", [1, 2]),
    ],
    ids=repr,
)
def test_an_argument_is_read(type_: Any, text: str, expected: Any) -> None:
    """Each type is read from what a person would write."""
    (value,) = parse([only(type_)], text)
    assert value == expected
    assert type(value) is type(expected)


@pytest.mark.parametrize(
    ("type_", "text", "said"),
    [
        (int, "x", "“x” is not a number. Send one like 7 or 7.5."),
        (int, "7.5", "“7.5” is not a whole number. Send one like 7."),
        (int, "7.0", "“7.0” is not a whole number. Send one like 7."),
        (float, "nan", "“nan” is not a number. Send one like 7 or 7.5."),
        (bool, "maybe", "“maybe” is neither yes nor no. Send yes or no."),
        (Literal["a", "b"], "c", "“c” is not one of a, b. Send one like a."),
        (Colour, "green", "“green” is not one of red, dark_blue. Send one like red."),
        (Annotated[User, Arg], "@eve", "“@eve” names nobody I know. Mention somebody, like @name."),
        *((date, text, f"“{text}” {NO_DATE}") for text in ("30.2.2026", "today", "7.3.26")),
        *((time, text, f"“{text}” {NO_TIME}") for text in ("24:00", "9", "9:5", "9pm")),
        (
            datetime,
            "2026-03-07",
            "“2026-03-07” is not a date with a time. Send one like 2026-11-27 14:30.",
        ),
        *(
            (timedelta, text, f"“{text}” {NO_DURATION}")
            for text in ("90", "1x", "-1h", "h", "1hm", "999999999w")
        ),
        (Decimal, "1e400", "“1e400” is not a number. Send one like 7 or 7.5."),
        (Annotated[Decimal, Meta(gt=0)], "-0.5", "“-0.5” is too small. Send more than 0."),
        (list[int], "1 x", "“x” is not a number. Send one like 7 or 7.5."),
        (
            Annotated[list[int], Meta(max_length=1)],
            "1 2",
            "“1 2” is too much. Send at most 1 of them.",
        ),
        (
            Annotated[list[int], Meta(min_length=2)],
            "1",
            "“1” is too little. Send at least 2 of them.",
        ),
    ],
    ids=repr,
)
def test_an_argument_that_is_not_understood_is_told_with_an_example(
    type_: Any, text: str, said: str
) -> None:
    """The person is told what is wrong with it, an example, and the command's form."""
    with pytest.raises(Sentence) as error:
        parse([only(type_)], text)
    assert str(error.value) == f"{said} The command is: {USAGE}"


@pytest.mark.parametrize(
    ("types", "text", "expected"),
    [
        ([str, int], '"two words" 7', ["two words", 7]),
        ([str, int], "“two words” 7", ["two words", 7]),
        ([str, int], "„zwei Wörter“ 7", ["zwei Wörter", 7]),
        ([str, int], "«deux mots» 7", ["deux mots", 7]),
        ([str, str], '"" rest', ["", "rest"]),
        ([str, str], '5" wide', ['5"', "wide"]),
        ([str, str], '"open rest', ['"open', "rest"]),
        ([str, str], 'a "rest of it" and "more"', ["a", '"rest of it" and "more"']),
        ([datetime, str], "2026-03-07 9:05 call", [datetime.combine(DAY, time(9, 5)), "call"]),
        (
            [datetime, time],
            "2026-03-07T9:05 10:00",
            [datetime.combine(DAY, time(9, 5)), time(10)],
        ),
        ([timedelta, str], "1h 30 min tea", [timedelta(hours=1.5), "tea"]),
        ([timedelta, str], "5 minutes 2 eggs", [timedelta(minutes=5), "2 eggs"]),
        ([list[int], str], "1,2 rest", [[1, 2], "rest"]),
        ([Literal["red wine"], int], '"red wine" 2', ["red wine", 2]),
    ],
    ids=repr,
)
def test_a_value_with_blanks_is_read_before_others(
    types: list[Any], text: str, expected: list[Any]
) -> None:
    """In quotation marks of any kind; a duration, or a day with its time, without."""
    assert parse(list(map(only, types)), text) == expected


@pytest.mark.parametrize(
    ("type_", "why"),
    [
        (Annotated[datetime, Meta(tz=True)], "a person writes no time zone"),
        (Annotated[Decimal, Meta(min_length=1)], "makes no sense"),
        (Annotated[timedelta, Meta(ge=1)], "makes no sense"),
    ],
    ids=repr,
)
def test_bounds_that_nobody_could_keep_are_errors(type_: Any, why: str) -> None:
    """They are told when the function is registered."""
    with pytest.raises(BindingError, match=why):
        only(type_)


@given(st.timedeltas(timedelta(), timedelta(9999)).map(lambda t: timedelta(t.days, t.seconds)))
def test_a_duration_is_read_as_it_is_shown(duration: timedelta) -> None:
    """What a setting shows as its value can be sent again."""
    assert reader(timedelta).read(typed(duration) or "") == duration


def test_the_last_string_takes_the_rest_of_the_line() -> None:
    """Words before are split off, the rest keeps its spaces and lines."""
    arguments = [only(str), only(int), only(str)]
    assert parse(arguments, " one  2  the rest,\n  and  more ") == [
        "one",
        2,
        "the rest,\n  and  more",
    ]


def test_a_string_that_is_not_last_takes_one_word() -> None:
    """What follows belongs to the next one."""
    assert parse([only(str), only(int)], "one 2") == ["one", 2]


@pytest.mark.parametrize(
    ("text", "expected"), [("1 2", [1, 2]), ("1", [1]), (" 1 ", [1]), ("1\n2", [1, 2])]
)
def test_an_optional_argument_may_be_left_out(text: str, expected: list[int]) -> None:
    """Arguments that are not given are left out of the values."""
    assert parse([only(int), only(int, optional=True)], text) == expected


def test_all_arguments_may_be_left_out_if_optional() -> None:
    """An empty line is no values then."""
    assert parse([only(int, optional=True), only(str, optional=True)], "  ") == []


def test_nothing_may_be_asked_and_given() -> None:
    """A command without arguments takes an empty line."""
    assert parse([], " ") == []


@pytest.mark.parametrize(
    ("arguments", "text", "said"),
    [
        ([only(int)], "", "Something is missing: it. Send it like this: /do it"),
        ([only(int), only(int)], "1", "Something is missing: it. Send it like this: /do it"),
        ([only(str)], "  ", "Something is missing: it. Send it like this: /do it"),
        ([only(int)], "1 2 3", "There is too much: “2 3”. Send it like this: /do it"),
        ([], "x", "There is too much: “x”. Send it like this: /do it"),
    ],
)
def test_too_few_or_too_many_arguments_are_told(
    arguments: list[Argument], text: str, said: str
) -> None:
    """The person is told what is missing or too much, and the command's form."""
    with pytest.raises(Sentence) as error:
        parse(arguments, text)
    assert str(error.value) == said


@pytest.mark.parametrize(
    "type_",
    [
        list[dict[str, int]],
        list[list[int]],
        list,
        dict[str, int],
        int | str,
        bytes,
        User | int,
        object,
        Literal[1] | str,
        [1],
    ],
    ids=repr,
)
def test_a_type_that_no_text_can_give_is_an_error(type_: Any) -> None:
    """The error names the parameter and what is possible."""
    with pytest.raises(BindingError, match=r"parameter 'it': no text can give .*; possible: str,"):
        only(type_)


def test_numbers_read_are_finite() -> None:
    """No number a person sends is NaN or infinite, so that each can be stored."""
    assert math.isfinite(number("1.7976931348623157e308"))


def offers(typed: str) -> list[str]:
    return [typed]


def test_a_platform_is_told_what_an_argument_is() -> None:
    """Its description, and whether the bot offers texts for it."""
    described = Annotated[int | None, Arg(description="how many"), Complete(offers)]
    assert only(described).option == CommandOption(
        "it", "whole", description="how many", completes=True
    )
    person = only(Annotated[User, Arg("whom")]).option
    assert person == CommandOption("it", "person", description="whom")


def test_completions_that_nobody_would_see_are_errors() -> None:
    """Of what offers its choices already, and of what is no command."""
    with pytest.raises(BindingError, match="parameter 'it' has choices, which are offered"):
        only(Annotated[Literal["a"], Complete(offers)])
    bot = Interface(id="bot")
    with pytest.raises(BindingError, match="only arguments of commands are completed"):

        @bot.on_message
        def hear(text: Annotated[str, Complete(offers)]) -> None: ...
