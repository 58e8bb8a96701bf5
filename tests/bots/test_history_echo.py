"""history-echo: session state, each person's own."""

from pathlib import Path

import pytest

import chatstate_bots.history_echo as module
from chatstate.testing import Person, TestClient
from chatstate_bots.history_echo import bot


async def said(person: Person, *texts: str) -> str:
    """Say all of it, and return the last answer."""
    for text in texts:
        (reply,) = await person.say(text)
    return reply.text


async def test_previous_messages_are_listed_newest_first() -> None:
    """The third answer holds the second and the first message."""
    async with TestClient(bot) as client:
        answer = await said(client.user("alice"), "hi", "again", "third")
    assert answer == "Current message: third\nPrevious messages:\n1. again\n2. hi"


async def test_the_first_message_has_none_before_it() -> None:
    """The first answer says so."""
    async with TestClient(bot) as client:
        answer = await said(client.user("alice"), "hi")
    assert answer == "Current message: hi\nPrevious messages: none"


async def test_history_survives_a_restart() -> None:
    """It is kept in the store, not in memory."""
    async with TestClient(bot) as client:
        alice = client.user("alice")
        await said(alice, "hi", "again")
        await client.restart()
        answer = await said(alice, "third")
    assert answer == "Current message: third\nPrevious messages:\n1. again\n2. hi"


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (("alice", None, None), ("bob", None, None)),
        (("alice", "room", None), ("bob", "room", None)),
        (("alice", None, None), ("alice", "room", None)),
        (("alice", "room", None), ("alice", "room", "topic")),
    ],
    ids=["two people", "two in a group", "private and group", "group and thread"],
)
async def test_nothing_leaks(
    first: tuple[str, str | None, str | None], second: tuple[str, str | None, str | None]
) -> None:
    """Neither to others nor elsewhere."""
    async with TestClient(bot) as client:
        here, there = (
            client.user(name, chat=chat, thread=thread) for name, chat, thread in (first, second)
        )
        await said(here, "hi")
        answer = await said(there, "hello")
    assert answer == "Current message: hello\nPrevious messages: none"


async def test_anything_is_repeated_as_it_is() -> None:
    """Empty, of many lines, with markup and braces: nothing is read into it."""
    texts = ["", "two\nlines", "*bold* <b>{0}</b> %s", "/usr/bin", "😀"]
    async with TestClient(bot) as client:
        alice = client.user("alice")
        answers = [(await alice.say(text))[0].text.splitlines()[0] for text in texts]
    assert answers == [f"Current message: {text}".splitlines()[0] for text in texts]


def test_the_file_is_short() -> None:
    """A bot is a function and one call."""
    assert len(Path(module.__file__).read_text().splitlines()) <= 40
