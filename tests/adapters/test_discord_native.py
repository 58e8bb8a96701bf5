"""Routes of Discord's that are called by their own names."""

import base64
from collections.abc import Callable
from pathlib import Path
from typing import Any

import discord
import pytest
from adapters.discord_bots import running, texts
from adapters.discord_driver import TOKEN
from servers.discord_faults import SEND, Call
from servers.discord_server import DiscordServer
from servers.discord_world import Channel, Person

from chatstate import File, Interface, Native, ReplyError, Turn
from chatstate.adapter import NativeCall, Post
from chatstate.stores.sqlite import SQLiteStore
from chatstate.text import StyledText
from chatstate_discord import DiscordAdapter
from chatstate_discord.natives import is_repeatable
from chatstate_discord.send import native, parts

NEW = "POST /channels/{channel_id}/messages"
INVITE = "POST /channels/{channel_id}/invites"
PNG = b"\x89PNG\r\n\x1a\n"


def answering(make: Callable[[], Any]) -> Interface:
    """Return a bot that answers whatever is said, and then says that it has."""
    bot = Interface(id="bot")

    @bot.command
    async def go() -> Any:
        """Go."""
        return [make(), "done"]

    return bot


class Talk:
    """Somebody in a room with a bot."""

    def __init__(self, server: DiscordServer, person: Person, room: Channel) -> None:
        self.server, self.person, self.room = server, person, room

    async def go(self) -> None:
        """Let the bot answer, until it is done."""
        await self.server.slash(self.person, self.room, "go")
        await self.server.wait_for(lambda: "done" in texts(self.server.messages(self.room)))

    def calls(self, route: str) -> list[Call]:
        return [call for call in self.server.rest.calls if call.route == route]


@pytest.fixture
def talk(server: DiscordServer, alice: Person, room: Channel) -> Talk:
    return Talk(server, alice, room)


async def test_a_message_says_what_it_was_given(
    server: DiscordServer, talk: Talk, path: Path
) -> None:
    """A body goes to the channel of the chat as it was given, and pings nobody."""
    embed = {"title": "Tea", "description": "@everyone", "color": 255}
    bot = answering(lambda: Native(NEW, on="discord", content="<@42> @everyone", embeds=[embed]))
    async with running(server, bot, path):
        await talk.go()
    (message,) = [shown for shown in server.messages(talk.room) if shown.embeds]
    assert (message.embeds[0]["title"], message.mentions, message.mentions_everyone) == (
        "Tea",
        (),
        False,
    )


async def test_those_whom_ping_lists_are_pinged(
    server: DiscordServer, talk: Talk, path: Path
) -> None:
    """`ping` lets the message ping some of those it mentions."""
    content = "<@42> <@43> @everyone"
    bot = answering(lambda: Native(NEW, on="discord", content=content, ping=["42"]))
    async with running(server, bot, path):
        await talk.go()
    (message,) = [shown for shown in server.messages(talk.room) if shown.content == content]
    assert (message.mentions, message.mentions_everyone) == (("42",), False)


async def test_files_go_beside_a_message(server: DiscordServer, talk: Talk, path: Path) -> None:
    """A file of a list is attached, and one within what is said is named there."""
    picture, table = File(PNG, "tea.png"), File(b"a,b\n", "table.csv")
    embed = {"title": "Tea", "image": {"url": picture}}
    bot = answering(lambda: Native(NEW, on="discord", embeds=[embed], files=[table]))
    async with running(server, bot, path):
        await talk.go()
    (message,) = [shown for shown in server.messages(talk.room) if shown.attachments]
    assert [name for name, _, _ in message.files] == ["tea.png", "table.csv"]
    assert message.embeds[0]["image"]["url"] == "attachment://tea.png"


async def test_where_nothing_is_said_a_file_is_image_data(
    server: DiscordServer, talk: Talk, path: Path
) -> None:
    """A picture of an emoji is within the body; the guild is that of the chat."""
    route = "POST /guilds/{guild_id}/emojis"
    make = lambda: Native(route, on="discord", name="tea", image=File(PNG, "t.png"))  # noqa: E731 - an answer
    async with running(server, answering(make), path):
        await talk.go()
    data = base64.b64encode(PNG).decode()
    assert server.world.emoji == {"tea": f"data:image/png;base64,{data}"}


async def test_a_path_is_filled_in(
    server: DiscordServer, talk: Talk, alice: Person, path: Path
) -> None:
    """Arguments that the path names are in it, as the documentation writes it; a reason is told."""
    route = "PUT /guilds/{guild.id}/bans/{user.id}"
    bot = answering(lambda: Native(route, on="discord", user_id=alice.id, reason="spam, again"))
    async with running(server, bot, path):
        await talk.go()
    assert list(server.world.bans) == [("10", alice.id)]
    (call,) = talk.calls("PUT /guilds/{guild_id}/bans/{user_id}")
    assert (call.body, call.headers["x-audit-log-reason"]) == ({}, "spam%2C again")


@pytest.mark.parametrize(
    "route",
    [
        "PUT /channels/{channel_id}/messages/pins/{message_id}",
        "PUT /channels/{channel_id}/messages/{message_id}/reactions/{emoji_name}/@me",
        "POST /channels/{channel_id}/typing",
    ],
)
async def test_what_takes_no_body_gets_none(
    server: DiscordServer, talk: Talk, path: Path, route: str
) -> None:
    """Where nothing is left of the arguments."""
    said = server.bot_message(talk.room, "said")
    named = {"message_id": said.id, "emoji_name": "👍"}
    given = {name: value for name, value in named.items() if name in route}
    async with running(server, answering(lambda: Native(route, on="discord", **given)), path):
        await talk.go()
    assert [call.body for call in talk.calls(route)] == [None]


def _says_once(call: Call) -> bool:
    return isinstance(call.body, dict) and call.body.get("content") == "once"


async def test_a_message_whose_answer_was_lost_is_found(
    server: DiscordServer, talk: Talk, path: Path
) -> None:
    """Though a call is not repeated, a new message has a nonce: it is neither doubled nor held."""
    bot = answering(lambda: Native(NEW, on="discord", content="once"))
    async with running(server, bot, path):
        server.faults.drop(SEND, when="after", where=_says_once)
        await talk.go()
        assert sorted(texts(server.messages(talk.room))) == ["done", "once"]
    assert await SQLiteStore(path).list("dead") == []


@pytest.mark.parametrize("status", [500, 502])
async def test_what_may_have_been_made_is_not_made_again(
    server: DiscordServer, talk: Talk, path: Path, status: int
) -> None:
    """discord.py repeats a call when Discord has failed; what a POST makes is held instead."""
    bot = answering(lambda: Native(INVITE, on="discord", max_age=60))
    async with running(server, bot, path):
        server.faults.fail(INVITE, status, when="after")
        await talk.go()
    assert len(server.world.invites) == 1
    (letter,) = await SQLiteStore(path).list("dead")
    assert "held: it may have been sent" in str(letter)


async def test_what_must_wait_is_made_when_it_may(
    server: DiscordServer, talk: Talk, path: Path
) -> None:
    """A limit is no doubt: discord.py waits for it, and makes the call then."""
    bot = answering(lambda: Native(INVITE, on="discord", max_age=60))
    async with running(server, bot, path):
        limited = server.faults.rate_limit(INVITE, 0.05)
        await talk.go()
    assert (len(limited.hits), len(server.world.invites)) == (1, 1)


async def test_a_command_without_another_answer_ends(
    server: DiscordServer, talk: Talk, alice: Person, path: Path
) -> None:
    """A call answers no interaction: its waiting sign is taken away."""
    bot = Interface(id="bot")

    @bot.command
    async def go() -> Native:
        """Go."""
        return Native(NEW, on="discord", content="hello")

    async with running(server, bot, path):
        asked = await server.slash(alice, talk.room, "go")
        await server.wait_for(lambda: "hello" in texts(server.messages(talk.room)))
        await server.wait_for(lambda: asked.original is None or asked.original.deleted)


def test_a_reply_adds_to_the_call_that_sends_it() -> None:
    """What is seen comes once, with the last message; flags are joined; an edit has what it can."""
    embed, added = {"title": "Tea"}, {"tts": True, "flags": 4, "embeds": [{"title": "Tea"}]}
    post = Post(StyledText("word " * 500), silent=True, native=added)
    first, last = map(parts.new_message, parts.render(post))
    assert (first["tts"], first["flags"], "embeds" in first) == (True, 4 | parts.SILENT, False)
    assert (last["tts"], last["flags"], last["embeds"]) == (True, 4 | parts.SILENT, [embed])
    changed = parts.changed_message(parts.render(post)[-1])
    assert (changed["embeds"], changed["flags"], "tts" in changed) == ([embed], 4, False)


@pytest.mark.parametrize("own", ["content", "components", "message_reference", "nonce"])
def test_a_reply_replaces_nothing_of_itself(own: str) -> None:
    """What it says, and what hangs on it, are no additions."""
    with pytest.raises(ReplyError, match=f"{own} is told by the reply itself"):
        parts.render(Post(StyledText("hi"), native={own: "x"}))


async def test_a_turn_has_the_librarys_own_client(
    server: DiscordServer, talk: Talk, alice: Person, path: Path
) -> None:
    """`turn.client` is discord.py's `Client`, which knows the guild."""
    bot = Interface(id="bot")

    @bot.command
    async def go(turn: Turn) -> str:
        """Go."""
        client: discord.Client = turn.client
        return "done" if client.get_guild(10) else "unknown"

    async with running(server, bot, path):
        await talk.go()


async def test_without_a_connection_there_is_no_client() -> None:
    """Before it is connected the adapter has none to give."""
    assert DiscordAdapter(token=TOKEN).client is None


def test_a_channel_may_be_what_a_call_tells() -> None:
    """Where a path names none, it is no place to write to: who is in a voice channel is moved."""
    route = "PATCH /guilds/{guild_id}/members/{user_id}"
    part = native.part_of(NativeCall(route, {"user_id": "42", "channel_id": "12"}))
    assert part.content["arguments"] == {"channel_id": "12"}


WRONG: list[tuple[str, dict[str, Any], str]] = [
    (NEW, {"channel_id": "1"}, "write {channel_id} and give none"),
    ("POST /channels/123/messages", {}, "write {channel_id} and give none"),
    ("PUT /guilds/{guild_id}/bans/{user_id}", {}, "needs user_id="),
    (NEW, {"ping": "42"}, "lists those who are pinged"),
]


@pytest.mark.parametrize(("route", "arguments", "told"), WRONG, ids=range(len(WRONG)))
def test_what_is_wrong_with_a_call_is_told(
    route: str, arguments: dict[str, Any], told: str
) -> None:
    """A channel is named by `to=`, and what a path names is given."""
    with pytest.raises(ReplyError, match=told):
        native.part_of(NativeCall(route, arguments))


@pytest.mark.parametrize(
    ("route", "told"),
    [
        ("/channels/{channel_id}/messages", "that is no method; one is like 'POST /ch"),
        ("POST /channels/../messages", "that is no method"),
        ("POST /channels/1/messages?a=b", "that is no method"),
        ("HEAD /channels", "that is no method"),
        ("POST /interactions/1/token/callback", "the adapter itself answers interactions"),
        ("PUT /applications/1/guilds/2/commands", "write @bot.command"),
    ],
)
def test_what_is_no_route_is_refused_when_it_is_made(route: str, told: str) -> None:
    """What is no route, and what the adapter does itself, is an error at once."""
    with pytest.raises(ValueError, match=told):
        Native(route, on="discord")


@pytest.mark.parametrize(
    ("route", "harmless"),
    [
        ("PUT /guilds/{guild_id}/bans/{user_id}", True),
        ("PATCH /guilds/{guild_id}", True),
        ("DELETE /channels/{channel_id}", True),
        ("POST /channels/{channel_id}/typing", True),
        ("POST /channels/{channel_id}/messages/bulk-delete", True),
        (NEW, False),
        (INVITE, False),
    ],
)
def test_what_may_be_repeated(route: str, harmless: bool) -> None:
    """What a POST makes it makes twice; all else may be repeated."""
    assert is_repeatable(route) is harmless
