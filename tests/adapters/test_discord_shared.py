"""Stickers and polls on Discord: what no waiting sign can become, and what a chat may not have."""

from pathlib import Path
from typing import Any

import pytest
from adapters.discord_bots import running
from servers.discord_server import DiscordServer
from servers.discord_world import Channel, Message, Person

from chatstate import File, Interface, Poll, Reply, Sticker
from chatstate.adapter import Post
from chatstate.text import StyledText
from chatstate_discord.send.parts import render, without_sticker

WAVE = Sticker("77", name="wave_*")
WORDS = "\\:wave\\_\\*:"
POLL = Poll("Lunch?", ("Pizza", "Soup"))


def answering(answer: Any) -> Interface:
    bot = Interface(id="bot")

    @bot.command
    async def go() -> Any:
        """Go."""
        return answer

    @bot.on_message
    async def say() -> Any:
        return answer

    return bot


async def answers(server: DiscordServer, channel: Channel, number: int) -> list[Message]:
    """Return what is shown in a channel, once that is so much."""

    def there() -> list[Message]:
        sent = server.messages(channel)
        return [message for message in sent if not (message.loading or message.deleted)]

    await server.wait_for(lambda: len(there()) == number)
    return there()


@pytest.mark.parametrize(
    ("shared", "stickers", "question"),
    [
        (WAVE, ["77"], None),
        (POLL, [], "Lunch?"),
        (Reply(native={"discord": {"sticker_ids": ["77"]}}, text="x"), ["77"], None),
    ],
    ids=["sticker", "poll", "native"],
)
async def test_what_answers_a_command_is_a_message_of_its_own(
    server: DiscordServer,
    alice: Person,
    room: Channel,
    path: Path,
    shared: Any,
    stickers: list[str],
    question: str | None,
) -> None:
    """The waiting sign, which cannot become one, goes."""
    server.world.stickers["77"] = "wave_*"
    async with running(server, answering(shared), path):
        await server.slash(alice, room, "go")
        (message,) = await answers(server, room, 1)
        await server.wait_for(
            lambda: not any(m.loading and not m.deleted for m in server.messages(room))
        )
    asked = message.poll["question"]["text"] if message.poll else None
    assert (message.stickers, asked) == (stickers, question)


async def test_a_sticker_that_a_chat_may_not_have_is_words(
    server: DiscordServer, alice: Person, path: Path
) -> None:
    """In private, say: Discord has those of the guild alone. Where there is no room, they go."""
    dm = server.dm(alice)
    server.world.stickers["77"] = "wave_*"
    async with running(server, answering(Reply("Hi:", sticker=WAVE)), path):
        await server.say(alice, dm, "hi")
        (message,) = await answers(server, dm, 1)
    assert (message.content, message.stickers) == (f"Hi:\n\n{WORDS}", [])
    (full,) = render(Post(StyledText("x" * 1995), shared=WAVE))
    assert without_sticker(full).content["text"] == "x" * 1995


@pytest.mark.parametrize("ephemeral", [True, False])
async def test_a_follow_up_has_the_words_of_a_sticker(
    server: DiscordServer, alice: Person, room: Channel, path: Path, ephemeral: bool
) -> None:
    """What one person sees, and what is said where the bot may not write, has no stickers."""
    server.world.stickers["77"] = "wave_*"
    if not ephemeral:
        room.denied.add("SEND_MESSAGES")
    async with running(server, answering(Reply("Hi:", sticker=WAVE, ephemeral=ephemeral)), path):
        await server.slash(alice, room, "go")
        (message,) = await answers(server, room, 1)
    assert (message.content, message.ephemeral) == (f"Hi:\n\n{WORDS}", ephemeral)


async def test_a_sticker_that_is_a_file_is_one(
    server: DiscordServer, alice: Person, path: Path
) -> None:
    """Discord takes none from a bot: it is shown as a picture is."""
    dm = server.dm(alice)
    async with running(server, answering(Reply(sticker=File(b"webp", "hi.webp"))), path):
        await server.say(alice, dm, "hi")
        (message,) = await answers(server, dm, 1)
    assert message.files == [("hi.webp", "image/webp", b"webp")]
