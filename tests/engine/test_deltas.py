"""Previews on a platform that is shown what is new, not all of it each time."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Any

from msgspec.structs import replace
from support import query

from chatstate import Interface, Markdown, Reply, RetryAfter
from chatstate.adapter import Action, Part, Post, Sent
from chatstate.markup import parse
from chatstate.testing import FakePlatform, TestClient
from chatstate.testing.platform import FULL

DELTA = replace(FULL, preview="delta", edit_pause=0.0)


class Appending(FakePlatform):
    """A platform on which a message grows by pieces; `calls` are the texts it was given, and how.

    A message has room for so many characters as its `room` says.
    """

    def __init__(self, room: int = 10_000) -> None:
        super().__init__(capabilities=DELTA)
        self.room = room
        self.calls: list[tuple[str, bool]] = []

    def render(self, post: Post) -> Sequence[Part]:
        text = post.text
        pieces = [text.cut(at, at + self.room) for at in range(0, len(text.text), self.room)]
        return [
            part
            for piece in pieces
            for part in super(Appending, self).render(replace(post, text=piece))
        ]

    async def perform(self, action: Action) -> Sent:
        if action.preview:
            self.calls.append((action.part.content["text"]["text"], action.continues))
        return await super().perform(action)


class Stream:
    """A bot that yields what the test says, and goes on when it is asked to."""

    def __init__(self, *says: Any) -> None:
        self.bot = Interface(id="stream")
        self.step = asyncio.Semaphore(0)
        self.bot.on_message(timeout=86_400.0)(self.work)  # the clock moves faster than the disk
        self.says = says

    async def work(self, _message: str) -> AsyncIterator[Any]:
        for said in self.says:
            yield said
            await self.step.acquire()

    def end(self) -> None:
        """Let whoever still waits go on to the end: a bot that stops would wait for that."""
        for _ in self.says:
            self.step.release()


def words(said: Any) -> str:
    """Return what a person reads of it."""
    match said:
        case Reply():
            return words(said.text)
        case Markdown():
            return parse(said.text).text
        case str():
            return said
        case _:
            return "".join(map(words, said))


async def shown(stream: Stream, platform: Appending) -> list[tuple[str, bool]]:
    """Return what the platform was given while the answer was written, each step of it."""
    async with TestClient(stream.bot, platform=platform) as client:
        receipts = await client.deliver_all([client.user("alice").event("go")])
        for said in stream.says:
            before = len(platform.calls)
            while len(platform.calls) == before or read(platform) != words(said):
                await client.advance(0.25)
            stream.step.release()
        await receipts[0].settled()
        assert read(platform) == words(stream.says[-1])
    return platform.calls


def read(platform: Appending) -> str:
    """Return what alice reads now."""
    return "".join(message.text for message in platform.shown("private-alice"))


async def test_what_is_new_is_shown() -> None:
    """A text that grows at its end is given once, piece by piece."""
    stream = Stream("one", "one two", "one two three")
    assert await shown(stream, Appending()) == [("one", False), (" two", True), (" three", True)]


async def test_a_text_that_changes_is_shown_as_a_whole() -> None:
    """It may shorten, too; then what is new is again enough."""
    stream = Stream("one two", "One two three", "one", "one more")
    told = [("one two", False), ("One two three", False), ("one", False), (" more", True)]
    assert await shown(stream, Appending()) == told


async def test_a_style_that_is_not_over_is_shown_as_a_whole() -> None:
    """Half of it would be another one; so would be what turns out to be markup."""
    stream = Stream(
        Markdown("a **b"), Markdown("a **b**"), Markdown("a **b** c"), Markdown("a **b** c `d`")
    )
    told = [("a **b", False), ("a b", False), (" c", True), (" d", True)]
    assert await shown(stream, Appending()) == told


async def test_a_block_that_grows_is_shown_as_a_whole() -> None:
    """A piece of one would be a block of its own."""
    stream = Stream(Markdown("```\nab"), Markdown("```\nab\ncd"))
    told = [("ab", False), ("ab\ncd", False)]
    assert await shown(stream, Appending()) == told


async def test_a_text_of_several_messages_is_shown_as_a_whole() -> None:
    """Where it is cut may change with what follows; those that are full are left alone."""
    stream = Stream("abc", "abcd", "abcdefg", "abcdefgh")
    told = [("abc", False), ("d", True), ("abcde", False), ("fg", False), ("fgh", False)]
    assert await shown(stream, Appending(room=5)) == told


async def test_a_rerun_begins_with_all_of_it() -> None:
    """What the message shows is known to nobody after a crash."""
    platform, stream = Appending(), Stream("one", "one two", "one two three")
    async with TestClient(stream.bot, platform=platform) as client:
        await client.deliver_all([client.user("alice").event("go")])
        while not query(client, "SELECT * FROM notes"):
            await client.advance(0.25)
        await client.crash()
        await client.start()
        while len(platform.calls) < 2:
            await client.advance(0.25)
        stream.step.release()
        while len(platform.calls) < 3:
            await client.advance(0.25)
        assert platform.calls == [("one", False), ("one", False), (" two", True)]
        assert read(platform) == "one two"
        stream.end()


async def test_a_platform_that_wants_all_gets_all() -> None:
    """Which is what platforms do if they do not say otherwise."""
    platform = Appending()
    platform.capabilities = replace(FULL, edit_pause=0.0)
    stream = Stream("one", "one two")
    assert await shown(stream, platform) == [("one", False), ("one two", False)]


async def test_after_a_failure_all_of_it_is_shown() -> None:
    """What the message shows now is known to nobody."""
    platform, stream = Appending(), Stream("one", "one two")
    async with TestClient(stream.bot, platform=platform) as client:
        await client.deliver_all([client.user("alice").event("go")])
        while not platform.calls:
            await client.advance(0.25)
        platform.fail_next(RetryAfter(1.0))
        stream.step.release()
        while len(platform.calls) < 3:
            await client.advance(0.25)
        assert platform.calls == [("one", False), (" two", True), ("one two", False)]
        assert read(platform) == "one two"
        stream.end()


async def test_what_is_said_otherwise_is_shown_as_a_whole() -> None:
    """There is nothing new in the text, but in how the message is meant."""
    stream = Stream(Reply("one"), Reply("one", silent=True), Reply("one two", silent=True))
    told = [("one", False), ("one", False), (" two", True)]
    assert await shown(stream, Appending()) == told


async def test_replies_beside_each_other_are_shown_as_wholes() -> None:
    """Which of them a failure leaves unfinished would be known to nobody."""
    stream = Stream(["one", "two"], ["one", "two three"])
    assert await shown(stream, Appending()) == [
        ("one", False),
        ("two", False),
        ("two three", False),
    ]
