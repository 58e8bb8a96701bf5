"""A reply of more messages than anybody reads is its first one, and the whole as a file."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from typing import Any

import pytest
from msgspec.structs import replace
from support import query

from chatstate import (
    BindingError,
    Button,
    ChatInterface,
    File,
    Interface,
    Markdown,
    Message,
    Reply,
)
from chatstate.adapter import Part, Post
from chatstate.markup import pages
from chatstate.testing import Delivered, FakePlatform, TestClient
from chatstate.testing.platform import FULL

NOTE = "The answer is long; all of it is in the file."


class Narrow(FakePlatform):
    """A platform with room for sixty characters in a message."""

    def __init__(self, **capabilities: Any) -> None:
        super().__init__(capabilities=replace(FULL, text_limit=60, **capabilities))

    def render(self, post: Post) -> Sequence[Part]:
        shown = pages(post, 60, lambda text: len(text.text))
        return [part for page in shown for part in super(Narrow, self).render(page)]


async def answers(
    answer: Any, platform: FakePlatform | None = None, **options: Any
) -> list[Delivered]:
    """Return what a bot sends that answers so."""
    bot = Interface(id="bot", **options)
    bot.on_message(lambda: answer)
    async with TestClient(bot, platform=platform or Narrow()) as client:
        return await client.user("alice").say("hi")


def words(count: int) -> str:
    """Return a text of as many messages."""
    return " ".join(f"word{number:04}{'x' * 42}" for number in range(count))


@pytest.mark.parametrize("most", [1, 3, 10])
async def test_a_reply_of_too_many_messages_is_its_first_and_a_file(most: int) -> None:
    """The file has all of the text, as it was."""
    text = words(most + 1)
    first, note = await answers(text, max_messages=most)
    assert (first.text, first.files) == (words(1), [])
    assert note.text == NOTE
    assert [(file.name, file.data) for file in note.files] == [("answer.txt", text.encode())]


@pytest.mark.parametrize("most", [1, 3, 10])
async def test_a_reply_of_as_many_is_sent_as_it_is(most: int) -> None:
    """No message less."""
    replies = await answers(words(most), max_messages=most)
    assert " ".join(reply.text for reply in replies) == words(most)


async def test_ten_messages_are_not_too_many() -> None:
    """That is the limit where none is given; None is no limit."""
    assert len(await answers(words(10))) == 10
    assert len(await answers(words(11))) == 2
    assert len(await answers(words(40), max_messages=None)) == 40


async def test_the_file_of_markdown_is_markdown() -> None:
    """The first message is shown with its markup, the file has the source."""
    source = f"**{words(3)}**\n\n{words(9)}"
    first, note = await answers(Markdown(source))
    assert first.text == words(1)
    assert [span.kind for span in first.styled.spans] == ["bold"]
    assert [(file.name, file.data) for file in note.files] == [("answer.md", source.encode())]


async def test_where_there_are_no_files_it_is_all_messages() -> None:
    """Nothing is cut."""
    replies = await answers(words(40), Narrow(files=False))
    assert " ".join(reply.text for reply in replies) == words(40)


async def test_a_file_that_would_be_too_large_is_all_messages() -> None:
    """A note of its size would be no answer."""
    replies = await answers(words(40), Narrow(file_bytes=1000))
    assert " ".join(reply.text for reply in replies) == words(40)


async def test_each_reply_is_counted_by_itself() -> None:
    """Many short ones are as many."""
    replies = await answers([words(2)] * 9 + [words(12), "short"])
    assert [len(reply.files) for reply in replies] == [0] * 19 + [1, 0]


async def test_what_hangs_on_a_long_reply_comes_with_its_file() -> None:
    """Buttons, other files, and how it is meant."""
    files = [File(b"%d" % number, f"{number}.txt") for number in range(10)]
    reply = Reply(words(12), [Button("Yes")], files, reply_to="1", silent=True, ephemeral=True)
    first, *rest = await answers(reply, Narrow())
    (note,) = [message for message in rest if message.files]
    assert (first.reply_to, first.silent, first.ephemeral, first.labels) == ("1", True, True, [])
    assert (note.reply_to, note.silent, note.ephemeral) == (None, True, True)
    assert note.labels == ["Yes"]
    assert [file.name for file in note.files] == ["answer.txt", *(file.name for file in files)]


async def test_a_long_text_may_replace_a_message() -> None:
    """Its first message does, and the file follows."""
    bot = Interface(id="bot")

    @bot.on_message
    def work(message: Message) -> Reply:
        if message.pressed:
            return Reply(words(12), edit=message.pressed)
        return Reply("press", [Button("it")])

    async with TestClient(bot, platform=Narrow()) as client:
        alice = client.user("alice")
        (asked,) = await alice.say("hi")
        first, *_, note = await alice.press("it")
        assert (first.edits, first.text) == (asked.id, words(1))
        assert (note.edits, len(note.files)) == (None, 1)


async def test_a_stream_that_became_long_ends_as_its_first_message_and_a_file() -> None:
    """While it is written no more than the limit is shown; what it showed beyond is removed."""
    bot, gate = Interface(id="bot", max_messages=3), asyncio.Event()

    @bot.on_message
    async def work(message: str) -> AsyncGenerator[str]:
        yield words(2)
        yield words(6)
        await gate.wait()

    async with TestClient(bot, platform=Narrow()) as client:
        saying = asyncio.create_task(client.user("alice").say("hi"))
        chat = "private-alice"
        while len(client.platform.shown(chat)) < 3:
            await client.advance(1)
        await client.advance(5)
        assert [shown.text for shown in client.platform.shown(chat)] == words(3).split()
        gate.set()
        await saying
        first, *_, note = client.platform.shown(chat)
        assert first.text == words(1)
        assert note.files[0].data == words(6).encode()
        assert words(2)[51:] not in [shown.text for shown in client.platform.shown(chat)]


async def test_a_history_has_the_whole_answer() -> None:
    """What the function said, not what was made of it for the platform."""
    bot = ChatInterface(
        lambda message, history: f"{message}, {len(history)}: {words(12)}", id="bot"
    )
    async with TestClient(bot, platform=Narrow()) as client:
        await client.user("alice").say("hi")
        ((history,),) = query(client, "SELECT value FROM states WHERE name = 'history'")
        assert words(12) in history


@pytest.mark.parametrize("most", [0, -1, 2.5, "10", True])
def test_a_limit_that_is_none_is_refused(most: Any) -> None:
    """When the bot is made."""
    with pytest.raises(BindingError, match="max_messages="):
        Interface(id="bot", max_messages=most)


@pytest.mark.parametrize(("before", "most"), [(True, 10), (3, 3), (False, None), (None, 10)])
def test_the_older_name_of_the_limit_is_taken(before: bool | int | None, most: int | None) -> None:
    """`long_as_file=True` is 10 messages, `False` no limit."""
    assert Interface(id="bot", long_as_file=before).max_messages == most
