"""Selects, suggestions and cards as data: what they may hold, and what is refused when made."""

from typing import Any

import pytest

from chatstate import (
    Button,
    Card,
    Contact,
    File,
    Location,
    Markdown,
    Option,
    Poll,
    Reply,
    Select,
    ShareContact,
    ShareLocation,
    Sticker,
)

LONG = "x" * 101
POLL = Poll("Lunch?", ["Pizza", "No"])
SURROGATE = "half a surrogate pair"
ADDRESS = "https://example.com/page"


@pytest.mark.parametrize(
    "address",
    [
        "https://example.com",
        "http://example.com:8080/a?b=c#d",
        "https://münchen.example/größe",
        "https://127.0.0.1/",
        "https://example.com/" + "x" * 492,
    ],
)
def test_a_button_opens_an_address_of_the_web(address: str) -> None:
    """Of at most 512 characters."""
    assert Button("Site", url=address).url == address


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("example.com", "an address such as"),
        ("javascript:alert(1)", "an address such as"),
        ("tg://user?id=1", "an address such as"),
        ("https://localhost/", "an address such as"),
        ("https://", "an address such as"),
        ("https://[broken", "an address such as"),
        ("https://example.com/a b", "an address such as"),
        ("https://example.com/\n", "an address such as"),
        ("https://example.com/" + "x" * 493, "at most 512 characters, not 513"),
        ("https://example.com/\ud800", SURROGATE),
        (7, "must be a str, not int"),
    ],
)
def test_what_no_platform_opens_is_refused(address: Any, said: str) -> None:
    """Rather than losing the whole message later."""
    with pytest.raises((ValueError, TypeError), match=said):
        Button("Site", url=address)


@pytest.mark.parametrize(
    ("made", "said"),
    [
        (lambda: Button("a", "b", url=ADDRESS), "has a value and a url; give one of them"),
        (lambda: Button("a", command="/b", url=ADDRESS), "a command and a url"),
        (lambda: Button("a", style="red"), "style='red' is none of"),  # type: ignore[arg-type]  # it is refused
    ],
)
def test_a_button_does_one_thing(made: Any, said: str) -> None:
    """And looks like one of four."""
    with pytest.raises(ValueError, match=said):
        made()


def test_options_may_be_texts() -> None:
    """Each sends what it shows, as one without a value does."""
    select = Select(["a", Option("B", "b")], max_values=2)
    assert select.choices == (Option("a"), Option("B", "b"))
    assert [option.sends for option in select.choices] == ["a", "b"]
    assert Select(["a"]).is_of_one
    assert not select.is_of_one


@pytest.mark.parametrize(
    ("made", "error", "said"),
    [
        (lambda: Select("ab"), TypeError, "must be a list of Option or str, not str"),
        (lambda: Select([7]), TypeError, "holds Option or str, not int"),  # type: ignore[list-item]  # it is refused
        (lambda: Select([]), ValueError, "1 to 25 options, not 0"),
        (lambda: Select([f"{n}" for n in range(26)]), ValueError, "1 to 25 options, not 26"),
        (lambda: Select(["a", Option("b", "a")]), ValueError, "two options .* send 'a'"),
        (lambda: Select(["a"], LONG), ValueError, "at most 100 characters"),
        (lambda: Select(["a"], max_values=2), ValueError, "no more than the 1 options"),
        (lambda: Select(["a"], min_values=0, max_values=0), ValueError, "must be in order"),
        (lambda: Select(["a", "b"], min_values=2), ValueError, "must be in order"),
        (lambda: Select(["a"], min_values=-1), ValueError, "must be in order"),
        (lambda: Select(["a"], max_values=True), TypeError, "must be an int, not bool"),
        (
            lambda: Select([Option("a", chosen=True), Option("b", chosen=True)]),
            ValueError,
            "more than 1 options",
        ),
        (lambda: Select(["a"], choices=["b"]), TypeError, "no argument choices: what can be"),  # type: ignore[call-arg]  # it is refused
        (lambda: Option(""), ValueError, "1 to 80 characters"),
        (lambda: Option("a", ""), ValueError, "sends 0 characters; 1 to 4000"),
        (lambda: Option("a", 7), TypeError, "must be a str, not int"),  # type: ignore[arg-type]  # it is refused
        (lambda: Option("a", "b", LONG), ValueError, "101 characters; at most 100"),
        (lambda: Option("a", default=True), TypeError, "what is marked .* is chosen="),  # type: ignore[call-arg]  # it is refused
    ],
)
def test_what_cannot_be_chosen_from_is_an_error(
    made: Any, error: type[Exception], said: str
) -> None:
    """Where it is made, with what is wrong."""
    with pytest.raises(error, match=said):
        made()


@pytest.mark.parametrize(
    ("fields", "error", "said"),
    [
        ({"suggestions": "Yes"}, TypeError, "must be a list of str, not str"),
        ({"suggestions": [Button("a")]}, TypeError, "holds str, ShareContact and .*, not Button"),
        ({"suggestions": [""]}, ValueError, "a suggestion has 1 to 80 characters"),
        ({"suggestions": [ShareContact("x" * 81)]}, ValueError, r"ShareContact\.label has 1 to 80"),
        ({"suggestions": [ShareLocation()] * 26}, ValueError, "at most 25 suggestions, not 26"),
        ({"suggestions": ["a"], "buttons": [Button("b")]}, ValueError, "buttons or suggestions, n"),
        ({"suggestions": ["a"], "select": Select(["b"])}, ValueError, "buttons or suggestions, n"),
        ({"suggestions": ["a"], "edit": "1"}, ValueError, "come with a new message"),
        ({"suggestions": ["a"], "text": ""}, ValueError, "buttons hang on a text"),
        ({"select": ["a"]}, TypeError, r"Reply\.select must be a Select, not list"),
        ({"select": Select(["a"]), "text": ""}, ValueError, "buttons hang on a text"),
        ({"card": "a"}, TypeError, r"Reply\.card must be a Card, not str"),
        ({"location": (1, 2)}, TypeError, r"Reply\.location must be a Location, not tuple"),
        ({"location": Location(91, 0)}, ValueError, "from -90 to 90 degrees, not 91"),
        ({"location": Location(0, float("nan"))}, ValueError, "from -180 to 180 degrees, not nan"),
        ({"location": Location("1", 0)}, TypeError, "latitude must be a number, not str"),  # type: ignore[arg-type]  # it is refused
        ({"location": Location(1, 2, "", "Street")}, ValueError, r"Location\.title has 1 to 256"),
        ({"contact": Contact("", "Bob")}, ValueError, r"Contact\.phone has 1 to 256 characters"),
        ({"contact": Contact("+49", " ")}, ValueError, r"Contact\.name has 1 to 256 characters"),
        ({"poll": Poll("?", ["a"])}, ValueError, "a Poll has 2 to 10 options, not 1"),
        ({"poll": Poll("?", ["a"] * 11)}, ValueError, "a Poll has 2 to 10 options, not 11"),
        ({"poll": Poll("?", ["a", "b" * 56])}, ValueError, "an option of a Poll has 1 to 55"),
        ({"poll": Poll("", ["a", "b"])}, ValueError, r"Poll\.question has 1 to 300 characters"),
        ({"poll": Poll("?", "ab")}, TypeError, "must be a list of str, not str"),
        ({"poll": POLL, "contact": Contact("1", "B")}, ValueError, "a contact or a poll, not both"),
        ({"sticker": "👍"}, TypeError, r"Reply\.sticker must be a Sticker or a File, not str"),
        ({"sticker": Sticker("")}, ValueError, r"Sticker\.id has 1 to 256 characters"),
        ({"sticker": Sticker("1", 7)}, TypeError, r"Sticker\.emoji must be a str, not int"),  # type: ignore[arg-type]  # it is refused
        ({"sticker": File(b"a"), "poll": POLL}, ValueError, "a poll or a sticker, not both"),
        ({"sticker": Sticker("1"), "edit": "1"}, ValueError, "a sticker comes with a new message"),
        ({"poll": POLL, "edit": "1"}, ValueError, "a poll comes with a new message"),
        ({"poll": POLL, "text": "", "buttons": [Button("b")]}, ValueError, "hang on a text"),
        (
            {"card": Card(image=ADDRESS), "buttons": [Button("b")], "text": ""},
            ValueError,
            "or a card with words",
        ),
    ],
)
def test_what_cannot_hang_on_a_reply_is_an_error(
    fields: dict[str, Any], error: type[Exception], said: str
) -> None:
    """Where it is made, with what is wrong."""
    with pytest.raises(error, match=said):
        Reply(**{"text": "x", **fields})


def test_suggestions_of_a_reply_are_those_of_the_moment_it_was_made() -> None:
    """Whoever made the list may change it later; so it is with fields and options."""
    suggestions, fields, options = ["a"], {"a": "b"}, ["a", "b"]
    poll = Poll("?", options)
    reply = Reply("x", suggestions=suggestions, card=Card(fields=fields), poll=poll)
    suggestions.append("b")
    options.append("c")
    assert poll.options == ("a", "b")
    fields["c"] = "d"
    assert reply.suggestions == ("a",)
    assert reply.card
    assert reply.card.fields == {"a": "b"}


@pytest.mark.parametrize(("given", "colour"), [(0, 0), (0xFFFFFF, 0xFFFFFF), ("#ff8800", 0xFF8800)])
def test_a_colour_is_a_number_or_six_digits(given: Any, colour: int) -> None:
    """Of red, green and blue."""
    assert Card(title="x", colour=given).colour == colour


@pytest.mark.parametrize(
    ("fields", "error", "said"),
    [
        ({}, ValueError, "a Card shows something"),
        ({"title": "x" * 257}, ValueError, r"Card\.title has at most 256 characters, not 257"),
        ({"title": Markdown("x")}, TypeError, r"Card\.title must be a str, not Markdown"),
        ({"text": Markdown("x" * 4097)}, ValueError, r"Card\.text has at most 4096"),
        ({"footer": "x" * 2049}, ValueError, r"Card\.footer has at most 2048"),
        ({"fields": [("a", "b")]}, TypeError, r"Card\.fields must be a dict, not list"),
        ({"fields": {7: "b"}}, TypeError, "the name of a Card's field must be a str"),
        ({"fields": {"a": 7}}, TypeError, r"Card\.fields\['a'\] must be a str, not int"),
        ({"fields": {"a": " "}}, ValueError, "has a name and says something"),
        ({"fields": {"": "b"}}, ValueError, "has a name and says something"),
        ({"fields": {"a": "x" * 1025}}, ValueError, "at most 1024 characters"),
        ({"fields": {f"{n}": "x" for n in range(26)}}, ValueError, "at most 25 fields, not 26"),
        (
            {"text": "x" * 4096, "footer": "x" * 1905},
            ValueError,
            "6000 characters in all, not 6001",
        ),
        ({"url": ADDRESS}, ValueError, "give the Card a title"),
        ({"title": "x", "url": "x"}, ValueError, r"Card\.url is an address"),
        ({"image": "sky.png"}, ValueError, r"Card\.image is an address"),
        ({"image": File(b"x", "a.txt")}, ValueError, "must be a picture; 'a.txt' is text/plain"),
        ({"title": "x", "colour": "red"}, ValueError, r"Card\.colour is like 0xFF8800"),
        ({"title": "x", "colour": 0x1000000}, ValueError, r"Card\.colour is like 0xFF8800"),
        ({"title": "x", "color": 1}, TypeError, "Card has no argument color: it is colour="),
    ],
)
def test_what_no_card_can_hold_is_an_error(
    fields: dict[str, Any], error: type[Exception], said: str
) -> None:
    """Where it is made, with what is wrong."""
    with pytest.raises(error, match=said):
        Card(**fields)
