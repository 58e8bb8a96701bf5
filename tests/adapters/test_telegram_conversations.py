"""Whole conversations on Telegram: with the shipped bots and with one that shows everything.

The real engine, on a file; the real `Bot`; in private, in a group and in a topic; by polling and
by webhook.
"""

import contextlib
import socket
from collections.abc import AsyncGenerator, Callable
from pathlib import Path
from typing import Literal, NamedTuple

import pytest
from adapters.telegram_host import adapter_on
from adapters.telegram_show import PNG, bot
from servers.telegram_model import Chat, Message, Person
from servers.telegram_server import TelegramServer

from chatstate import Interface, Reply, Select, ShareContact
from chatstate import Message as Message_
from chatstate.engine import Engine
from chatstate.stores.sqlite import SQLiteStore
from chatstate_bots import history_echo, score_tracker

Way = Literal["polling", "webhook"]
Where = Literal["private", "group", "topic"]
WAYS: list[tuple[Way, Where]] = [
    ("polling", "private"),
    ("polling", "group"),
    ("polling", "topic"),
    ("webhook", "private"),
    ("webhook", "group"),
    ("webhook", "topic"),
]


class Talk(NamedTuple):
    """A person in a chat or a topic with a bot."""

    server: TelegramServer
    person: Person
    chat: Chat
    thread: int | None

    async def say(self, text: str, answers: int = 1) -> list[Message]:
        """Say something to the bot; return what it answers."""
        addressed = text if text.startswith("/") or self.chat.id > 0 else f"@test_bot {text}"
        return await self._answered(
            lambda: self.server.say(self.person, self.chat, addressed, thread=self.thread), answers
        )

    async def press(self, message: Message, label: str) -> list[Message]:
        """Press a button; return what the bot answers. The press itself is answered too."""
        pressed = []
        replies = await self._answered(
            lambda: pressed.append(self.server.press(self.person, message, label)), 1
        )
        await self.server.wait_for(lambda: self.server.answer_to(pressed[0]) is not None)
        return replies

    async def tap(self, message: Message, label: str) -> list[Message]:
        """Tap a quick answer; return what the bot answers."""
        return await self._answered(lambda: self.server.tap(self.person, message, label), 1)

    async def send(self, caption: str) -> list[Message]:
        """Send a file; return what the bot answers."""
        at = self.thread
        return await self._answered(
            lambda: self.server.send(
                self.person, self.chat, "document", b"12345", caption=caption, thread=at
            ),
            1,
        )

    async def _answered(self, act: Callable[[], object], answers: int) -> list[Message]:
        before = len(self.server.messages(self.chat))
        act()
        await self.server.wait_for(lambda: len(self.server.messages(self.chat)) >= before + answers)
        replies = self.server.messages(self.chat)[before:]
        assert all(reply.thread == self.thread for reply in replies)
        return replies


@contextlib.asynccontextmanager
async def talk(bot: Interface, ways: tuple[Way, Where], path: Path) -> AsyncGenerator[Talk]:
    """Run a bot, and be somebody who talks with it."""
    way, where = ways
    async with TelegramServer() as server:
        alice = server.person(1001, "Alice", "alice")
        chat, thread = server.private_chat(alice), None
        if where == "group":
            chat = server.group(-7, "Friends", alice)
        elif where == "topic":
            chat = server.supergroup(-1007, "Forum", alice, is_forum=True)
            server.post(chat, None, {"supergroup_chat_created": True})
            thread = server.topic(chat, "Red")
        options = {}
        if way == "webhook":
            with socket.create_server(("127.0.0.1", 0)) as found:
                address = f"127.0.0.1:{found.getsockname()[1]}"
            options = {"webhook": f"http://{address}/hook", "listen": address}
        engine = Engine(bot, [adapter_on(server, **options)], SQLiteStore(path / "talk.db"))
        await engine.start()
        try:
            yield Talk(server, alice, chat, thread)
        finally:
            await engine.stop()
        assert server.violations == []


def texts(messages: list[Message]) -> list[str]:
    return [message.text for message in messages]


@pytest.mark.parametrize("ways", WAYS, ids=" ".join)
async def test_history_echo(ways: tuple[Way, Where], tmp_path: Path) -> None:
    """It remembers what each person said."""
    async with talk(history_echo.bot, ways, tmp_path) as person:
        assert texts(await person.say("hi")) == ["Current message: hi\nPrevious messages: none"]
        (second,) = texts(await person.say("again"))
        assert second == "Current message: again\nPrevious messages:\n1. hi"


@pytest.mark.parametrize("ways", WAYS, ids=" ".join)
async def test_score_tracker(ways: tuple[Way, Where], tmp_path: Path) -> None:
    """It keeps the best scores."""
    async with talk(score_tracker.bot, ways, tmp_path) as person:
        for score, shown in (("5", "5"), ("7", "7, 5"), ("6", "7, 6, 5")):
            assert texts(await person.say(score)) == [f"Top scores: {shown}"]
        (told,) = texts(await person.say("many"))
        assert "many" in told


@pytest.mark.parametrize("ways", WAYS, ids=" ".join)
async def test_a_bot_that_shows_everything(ways: tuple[Way, Where], tmp_path: Path) -> None:
    """Commands, buttons, Markdown, files both ways, and a stream that is edited."""
    async with talk(bot, ways, tmp_path) as person:
        (votes,) = await person.say("/vote tea")
        assert (votes.text, [label for label, _ in votes.buttons]) == (
            "Votes: tea",
            ["More", "Enough"],
        )
        assert texts(await person.press(votes, "More")) == ["Votes: tea, more"]
        assert texts(await person.press(votes, "Enough")) == ["press 1: Enough"]
        (shown,) = await person.say("/text")
        assert shown.text == "Title\n\nSome strong words and code.\n\n• first\n• second"
        assert [entity["type"] for entity in shown.entities] == ["bold", "bold", "code"]
        words, *files = await person.say("/files", 4)
        assert words.text == "Here:"
        assert [(file.name, file.data) for reply in files for file in reply.files] == [
            ("dot.png", PNG),
            ("1.txt", b"note 1"),
            ("2.txt", b"note 2"),
        ]
        mention = "" if person.chat.id > 0 else "@test_bot "
        assert texts(await person.send(f"{mention}look")) == [
            "message 2: look with notes.txt (5 bytes)"
        ]
        (counted,) = await person.say("/count")
        await person.server.wait_for(lambda: counted.text == "one two three")
        assert bool(counted.edits) != (person.chat.id > 0)  # there it was a draft before


choosing = Interface(id="choosing")


@choosing.on_message
def choose(message: Message_) -> Reply | str:
    """Suggest, then offer a choice of several, then say what was chosen."""
    if message.selected is not None:
        return f"chosen: {message.text}"
    if message.text == "Yes":
        return Reply("Which?", select=Select(["Red", "Blue", "Green"], max_values=2))
    return Reply(
        f"heard {message.text}",
        reply_to=message.id,
        suggestions=["Yes", ShareContact("My number")],
    )


@pytest.mark.parametrize("ways", WAYS, ids=" ".join)
async def test_what_is_suggested_and_chosen_arrives(
    ways: tuple[Way, Where], tmp_path: Path
) -> None:
    """Also in a group in which the bot hears only what is said to it."""
    async with talk(choosing, ways, tmp_path) as person:
        (asked,) = await person.say("hi")
        is_private = person.chat.id > 0
        labels = [suggestion["text"] for suggestion in asked.suggestions]
        assert labels == (["Yes", "My number"] if is_private else ["Yes"])
        assert asked.markup
        assert asked.markup["selective"]
        if is_private:
            assert texts(await person.tap(asked, "My number")) == ["heard Alice +49301234"]
        (offered,) = await person.tap(asked, "Yes")
        for label in ("Green", "Red"):
            person.server.press(person.person, offered, label)
            await person.server.wait_for(lambda: not person.server.open_presses)
        marked = ["✓ Red", "Blue", "✓ Green", "Done"]
        await person.server.wait_for(lambda: [label for label, _ in offered.buttons] == marked)
        assert texts(await person.press(offered, "Done")) == ["chosen: Red, Green"]


async def test_a_link_to_the_bot_begins(tmp_path: Path) -> None:
    """What it adds to /start is taken, in private and where it puts the bot into a group."""
    bot = Interface(id="bot")

    @bot.command
    def start() -> str:
        return "Welcome"

    links: list[tuple[Where, str]] = [("private", "/start ref"), ("group", "/start@test_bot true")]
    for where, said in links:
        (tmp_path / where).mkdir()
        async with talk(bot, ("polling", where), tmp_path / where) as person:
            assert texts(await person.say(said)) == ["Welcome"]
