"""Functions for what somebody has chosen: a message, or a person."""

from typing import Annotated, Any

import pytest
from msgspec.structs import replace
from support import texts

from chatstate import Arg, BindingError, Command, Interface, Message, MessageRef, User
from chatstate.messages import Menu
from chatstate.testing import TestClient

BOB = User("7", "Bob")


def made() -> Interface:
    """Return a bot with an entry in each menu."""
    bot = Interface(id="bot")

    @bot.on_menu("Count words")
    def count(text: str, message: Message) -> str:
        """Count the words of a message."""
        said = message.reply_to
        return f"{len(text.split())} words of {said and said.sender and said.sender.name}"

    @bot.on_menu("Who is it?", of="user", command="who", description={"de": "Wer ist das?"})
    def who(person: Annotated[User, Arg], user: User) -> str:
        return f"{person.name}, says {user.name}"

    return bot


async def answered(client: TestClient, text: str, **changes: Any) -> str:
    event = client.user("alice").event(text)
    event = replace(event, message=replace(event.message, **changes))
    (reply,) = await client.deliver(event)
    return reply.text


async def test_a_function_gets_the_words_of_the_message_that_was_chosen() -> None:
    """It is the one that the command answers, or what is quoted of it."""
    async with TestClient(made()) as client:
        chosen = MessageRef("5", "some words here", BOB)
        assert await answered(client, "/count_words", reply_to=chosen) == "3 words of Bob"
        part = await answered(client, "/count_words", reply_to=chosen, quote="some words")
        assert part == "2 words of Bob"
        said = await texts(client.user("alice"), "/count_words")
        assert said == ["Answer the message that you mean with /count_words."]


async def test_a_function_gets_the_person_who_was_chosen() -> None:
    """Whoever is mentioned, else whose message is answered."""
    async with TestClient(made()) as client:
        assert await answered(client, "/who @bob", mentions=(BOB,)) == "Bob, says alice"
        chosen = MessageRef("5", "", BOB)
        assert await answered(client, "/who", reply_to=chosen) == "Bob, says alice"
        assert await answered(client, "/who", reply_to=MessageRef("5")) == (
            "Mention somebody behind /who, or answer a message of theirs with it."
        )


def test_platforms_are_told_of_menus() -> None:
    """By title, and of what, beside the command that it is elsewhere."""
    count, who, _ = made().commands
    assert count == Command(
        "count_words",
        "Count the words of a message.",
        "/count_words",
        menu=Menu("Count words", "message"),
    )
    assert (who.usage, who.options, who.menu) == ("/who", (), Menu("Who is it?", "user"))
    assert who.description == who.described("de") == "Wer ist das?"


def takes(text: str) -> None: ...


def takes_two(text: str, number: int) -> None: ...


def takes_a_person(who: Annotated[User, Arg]) -> None: ...


@pytest.mark.parametrize(
    ("arguments", "fn", "why"),
    [
        ({"of": "user"}, takes, r"takes\(\) is in the menu of a user, so .* one Annotated"),
        ({}, takes_a_person, "in the menu of a message, so .* it takes one parameter"),
        ({}, takes_two, "in the menu of a message, so .* it takes one parameter"),
        ({"of": "chat"}, takes, 'use "message" or "user"'),
        ({"title": "x" * 33}, takes, "give a title of 1 to 32 letters"),
        ({"title": " "}, takes, "give a title of 1 to 32 letters"),
        ({"title": "Übersetzen"}, takes, r"as in @bot\.on_menu\(\.\.\., command=\.\.\.\)"),
    ],
)
def test_an_entry_that_cannot_be_is_an_error(arguments: dict[str, Any], fn: Any, why: str) -> None:
    """It is told where it is registered."""
    given = {"title": "Title", **arguments}
    bot = Interface(id="bot")
    with pytest.raises(BindingError, match=why):
        bot.on_menu(given.pop("title"), **given)(fn)


async def test_a_function_may_take_nothing() -> None:
    """What was chosen is in its message then."""
    bot = Interface(id="bot")
    bot.on_menu("Report", of="user", command="report")(lambda: "noted")
    async with TestClient(bot) as client:
        assert await answered(client, "/report", mentions=(BOB,)) == "noted"
