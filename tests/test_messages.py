"""What a bot says, as data: what it may hold, and what is refused where it is made."""

from pathlib import Path
from typing import Any

import msgspec
import pytest
from support import texts

from chatstate import (
    Button,
    Delete,
    File,
    Interface,
    Markdown,
    Message,
    MessageRef,
    Reply,
    User,
)
from chatstate.messages import Chat, Event
from chatstate.replies import rows_of
from chatstate.testing import FakePlatform, TestClient

A, B = Button("a"), Button("b")
SURROGATE = "half a surrogate pair"


def buttons(count: int, label: str = "x") -> list[Button]:
    return [Button(f"{label}{number}") for number in range(count)]


@pytest.mark.parametrize(
    ("button", "sends"),
    [
        (Button("Yes"), "Yes"),
        (Button("Yes", "1"), "1"),
        (Button("Yes", value="/vote 1"), "/vote 1"),
        (Button("Yes", command="/vote 1"), "/vote 1"),
        (Button("Yes", command="/start"), "/start"),
        (Button("Yes", command="/say two\nlines"), "/say two\nlines"),
        (Button("☂" * 80, "ü" * 4000), "ü" * 4000),
    ],
    ids=lambda value: str(value)[:30],
)
def test_a_button_sends_its_command_its_value_or_its_label(button: Button, sends: str) -> None:
    """In this order, of what it has."""
    assert button.sends == sends


@pytest.mark.parametrize(
    ("made", "error", "said"),
    [
        (lambda: Button(7), TypeError, r"Button\.label must be a str, not int"),  # type: ignore[arg-type]  # it is refused
        (lambda: Button("a", 7), TypeError, "what a button sends must be a str, not int"),  # type: ignore[arg-type]  # it is refused
        (lambda: Button("a", command=b"/x"), TypeError, "must be a str, not bytes"),  # type: ignore[arg-type]  # it is refused
        (lambda: Button(""), ValueError, "Button.label has 1 to 80 characters: ''"),
        (lambda: Button(" \n"), ValueError, "Button.label has 1 to 80 characters"),
        (lambda: Button("x" * 81), ValueError, "Button.label has 1 to 80 characters"),
        (lambda: Button("a", ""), ValueError, "button 'a' sends 0 characters; 1 to 4000 are"),
        (lambda: Button("a", "x" * 4001), ValueError, "button 'a' sends 4001 characters"),
        (lambda: Button("a", "b", "/c"), ValueError, "has a value and a command; give one of"),
        (lambda: Button("a", command="vote"), ValueError, "a command is like /vote, or /vote 1"),
        (lambda: Button("a", command="/"), ValueError, "'/' is none"),
        (lambda: Button("a", command="/ vote"), ValueError, "'/ vote' is none"),
        (lambda: Button("a", command="/vöte"), ValueError, "'/vöte' is none"),
        (lambda: Button("\ud800"), ValueError, SURROGATE),
        (lambda: Button("a", "\udfff"), ValueError, SURROGATE),
    ],
)
def test_what_cannot_be_a_button_is_an_error(made: Any, error: type[Exception], said: str) -> None:
    """Where it is made, with what is wrong."""
    with pytest.raises(error, match=said):
        made()


def test_buttons_of_a_reply_are_those_of_the_moment_it_was_made() -> None:
    """Whoever made the list may change it later."""
    row = [A]
    rows, flat, files = [row], [A], [File(b"x")]
    nested, other = Reply("x", rows), Reply("x", flat, files)
    row += buttons(9)
    rows.append([B])
    flat.append(B)
    files.clear()
    assert rows_of(nested.buttons) == rows_of(other.buttons) == [[A]]
    assert len(other.files) == 1
    assert Reply("x", [A], reply_to="1") == Reply("x", (A,), reply_to="1")


@pytest.mark.parametrize(
    ("given", "rows"),
    [
        ([], []),
        (buttons(1), [1]),
        (buttons(5), [5]),
        (buttons(5, "a long label "), [1, 1, 1, 1, 1]),
        (buttons(6), [6]),
        (buttons(9), [2, 2, 2, 2, 1]),
        (buttons(6, "a long label "), [2, 2, 2]),
        (buttons(25), [5, 5, 5, 5, 5]),
        ([buttons(2), buttons(1)], [2, 1]),
        (buttons(100), [8] * 12 + [4]),
        ((tuple(buttons(2)), buttons(8)), [2, 8]),
    ],
    ids=lambda value: str(len(value)),
)
def test_buttons_are_in_rows(given: Any, rows: list[int]) -> None:
    """As they are given; else short ones beside each other, others below, in their order."""
    found = rows_of(given)
    assert [len(row) for row in found] == rows
    if rows and isinstance(given[0], Button):
        assert [button for row in found for button in row] == given
    Reply("x", given)


@pytest.mark.parametrize(
    ("fields", "error", "said"),
    [
        (
            {"text": None},
            TypeError,
            r"Reply\.text must be a str, Markdown or StyledText, not NoneType",
        ),
        ({"text": b"x"}, TypeError, "not bytes"),
        ({"text": "\ud83c"}, ValueError, SURROGATE),
        ({"buttons": A}, TypeError, "must be a list of Button, not Button"),
        ({"buttons": None}, TypeError, "must be a list of Button, not NoneType"),
        ({"buttons": iter([A])}, TypeError, "must be a list of Button, not list_iterator"),
        ({"buttons": ["Yes"]}, TypeError, "must be a list of Button, or of rows of them"),
        ({"buttons": [A, [B]]}, TypeError, "must be a list of Button, or of rows of them"),
        ({"buttons": [["Yes"]]}, TypeError, r"Reply\.buttons holds Button, not str"),
        ({"buttons": [[]]}, ValueError, "at most 100 buttons, in rows of 1 to 8"),
        ({"buttons": buttons(101)}, ValueError, "at most 100 buttons, in rows of 1 to 8"),
        ({"buttons": [buttons(9)]}, ValueError, "at most 100 buttons, in rows of 1 to 8"),
        ({"buttons": [[A]] * 101}, ValueError, "at most 100 buttons, in rows of 1 to 8"),
        ({"buttons": [A], "text": " \n"}, ValueError, "buttons hang on a text"),
        ({"buttons": [A], "text": Markdown("")}, ValueError, "buttons hang on a text"),
        ({"files": File(b"x")}, TypeError, "must be a list of File, not File"),
        ({"files": "a.txt"}, TypeError, "must be a list of File, not str"),
        ({"files": ["a.txt"]}, TypeError, r"Reply\.files holds File, not str"),
        ({"files": [File(b"x")] * 11}, ValueError, "at most 10 files, not 11"),
        ({"reply_to": 7}, TypeError, r"Reply\.reply_to must be a MessageRef or a message's id, n"),
        ({"edit": Message("x", User("1"), Chat("1"))}, TypeError, r"Reply\.edit .* not Message"),
    ],
)
def test_what_a_reply_cannot_hold_is_an_error(
    fields: dict[str, Any], error: type[Exception], said: str
) -> None:
    """Where it is made, with what is wrong."""
    with pytest.raises(error, match=said):
        Reply(**{"text": "x", **fields})


@pytest.mark.parametrize("message", [None, 7, b"1"])
def test_what_is_deleted_is_a_message(message: Any) -> None:
    """`Delete(message.pressed)` of what is no press says so."""
    with pytest.raises(TypeError, match="Delete takes a MessageRef or a message's id, not "):
        Delete(message)


def test_markdown_is_made_of_text() -> None:
    """Anything else is an error where it is made."""
    with pytest.raises(TypeError, match=r"Markdown\.text must be a str, not int"):
        Markdown(7)  # type: ignore[arg-type]  # that is the point


@pytest.mark.parametrize("given", [Reply("x", [A], reply_to="1"), A, Delete("1"), Markdown("x")])
def test_what_a_bot_says_is_frozen(given: Any) -> None:
    """It can be shared, compared and kept."""
    field = msgspec.structs.fields(given)[0].name
    with pytest.raises(AttributeError):
        setattr(given, field, "other")
    assert hash(given) == hash(msgspec.structs.replace(given))


def test_a_message_comes_back_equal_from_the_inbox() -> None:
    """All that is told of it, as JSON and back."""
    message = Message(
        "hi",
        User("1", "Alice", "de-AT", is_bot=True),
        Chat("2", "group", "Room"),
        "other",
        reply_to=MessageRef("3", "before", User("4")),
        quote="be",
        pressed=MessageRef("5"),
        mentions=(User("6"),),
        raw={"a": [1, None]},
    )
    event = Event("7", message, "token")
    assert msgspec.json.decode(msgspec.json.encode(event), type=Event) == event


@pytest.mark.parametrize("text", ["", " ", "\n\t"])
async def test_an_empty_reply_sends_nothing(text: str) -> None:
    """Neither as a str nor as a Reply, whatever else it has."""
    bot = Interface(id="bot")

    @bot.on_message
    def work(message: str) -> Any:
        return {"str": text, "reply": Reply(text, silent=True), "markdown": Markdown(text)}[message]

    async with TestClient(bot) as client:
        for message in ("str", "reply"):
            assert await texts(client.user("alice"), message) == []
        assert client.platform.tries == 0


async def test_a_reply_has_what_its_author_said_of_it(tmp_path: Path) -> None:
    """What it answers, silence, who may see it: all arrive."""
    bot = Interface(id="bot")

    @bot.on_message
    def work(message: Message) -> list[Reply]:
        assert message.reply_to is None or message.reply_to.text == message.quote == "first"
        return [
            Reply("first", reply_to=message.id),
            Reply("second", silent=True, reply_to=message.reply_to),
            Reply("third", ephemeral=True),
        ]

    async with TestClient(bot) as client:
        alice = client.user("alice")
        first, second, third = await alice.say("hi", event_id="e1")
        assert (first.reply_to, first.silent, first.ephemeral) == ("e1", False, False)
        assert (second.reply_to, second.silent, second.ephemeral) == (None, True, False)
        assert (third.reply_to, third.silent, third.ephemeral) == (None, False, True)
        _, again, _ = await alice.say("hi", reply_to=first)
        assert again.reply_to == first.id


async def test_markdown_arrives_with_its_markup_and_a_str_without() -> None:
    """Whatever characters a str holds, they are shown as they are."""
    bot = Interface(id="bot")

    @bot.on_message
    def work(message: str) -> Any:
        return [Markdown(message), message]

    async with TestClient(bot) as client:
        markdown, plain = await client.user("alice").say("a **b** <i>c</i>")
        assert markdown.text == "a b <i>c</i>"
        assert [(span.kind, span.start, span.end) for span in markdown.styled.spans] == [
            ("bold", 2, 3)
        ]
        assert (plain.text, plain.styled.spans) == ("a **b** <i>c</i>", ())


async def test_a_bot_edits_and_deletes_its_own_messages() -> None:
    """By what a platform calls them, in the order of the answer."""
    bot = Interface(id="bot")

    @bot.on_message
    def work(message: Message) -> Any:
        if message.reply_to is None:
            return ["one", "two"]
        return [Reply("changed", edit=message.reply_to), "three", Delete("message-2")]

    async with TestClient(bot) as client:
        alice = client.user("alice")
        first, _ = await alice.say("hi")
        await alice.say("change", reply_to=first)
        assert [reply.text for reply in client.platform.shown(alice.chat.id)] == [
            "changed",
            "three",
        ]


async def test_where_messages_cannot_be_edited_an_edit_is_a_new_message() -> None:
    """And what should be deleted stays, without an error."""
    bot = Interface(id="bot")

    @bot.on_message
    def work(message: Message) -> Any:
        return [Reply(message.text, edit="message-1"), Delete("message-1")]

    async with TestClient(bot, platform=FakePlatform.without("edit")) as client:
        for text in ("one", "two"):
            assert await texts(client.user("alice"), text) == [text]
        assert [reply.edits for reply in client.platform.delivered] == [None, None]
        assert client.platform.deleted == []
