"""What Discord tells of besides messages, commands and presses: `@bot.on("discord:...")`."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import discord
import pytest
from adapters.discord_bots import running, texts
from adapters.discord_driver import TOKEN, addresses, cut, discord_server, mend
from servers.discord_server import DiscordServer
from servers.discord_world import Channel, Guild, Person

from chatstate import (
    AdapterError,
    Chat,
    Interface,
    Message,
    MessageRef,
    PerMember,
    Reaction,
    Ref,
    Turn,
    User,
)
from chatstate.engine import Engine
from chatstate.stores.sqlite import SQLiteStore
from chatstate_discord import DiscordAdapter
from chatstate_discord.receive.others import other, own_place
from chatstate_discord.receive.wire import Place, Unreadable
from chatstate_discord.updates import REACTIONS

Json = dict[str, Any]
ROOM, NOW = Place(Chat("11", "group", "room")), 1_790_000_000.0
ALICE = {"id": "42", "username": "alice", "global_name": "Alice"}
alice = User("42", "Alice")


def told(kind: str, raw: Json, place: Place | None = None) -> tuple[User, Chat, str | None]:
    """Return by whom and where something was done."""
    event = other(kind, raw, place or own_place(kind, raw), "99", "s/7", NOW)
    assert event
    said = event.message
    meant = "reaction" if kind in REACTIONS else "other"
    assert (event.id, said.update, said.kind) == (f"{kind}/s/7", f"discord:{kind}", meant)
    assert (said.raw, said.text) == (raw, "")
    return said.sender, said.chat, said.thread


REACTION = {
    "user_id": "42",
    "channel_id": "11",
    "message_id": "5",
    "guild_id": "10",
    "emoji": {"id": None, "name": "👍"},
}
THREAD = {"id": "12", "parent_id": "11", "type": 11, "guild_id": "10", "owner_id": "42"}
IN_PRIVATE, NOBODY, NOWHERE = Chat("@42", "private", "Alice"), User(""), Chat("")


@pytest.mark.parametrize(
    ("kind", "raw", "place", "meaning"),
    [
        (
            "message_reaction_add",
            {**REACTION, "member": {"user": ALICE, "nick": "Al"}},
            ROOM,
            (User("42", "Al"), ROOM.chat, None),
        ),
        ("message_reaction_remove", REACTION, ROOM, (User("42"), ROOM.chat, None)),
        ("message_delete", {"id": "5", "channel_id": "11"}, ROOM, (NOBODY, ROOM.chat, None)),
        ("guild_ban_add", {"guild_id": "10", "user": ALICE}, None, (alice, IN_PRIVATE, None)),
        (
            "presence_update",
            {"guild_id": "10", "user": {"id": "42"}, "status": "idle"},
            None,
            (User("42"), Chat("@42", "private"), None),
        ),
        ("guild_role_create", {"guild_id": "10", "role": {}}, None, (NOBODY, NOWHERE, None)),
        ("invite_create", {"inviter": ALICE, "code": "x"}, ROOM, (alice, ROOM.chat, None)),
        ("thread_create", THREAD, None, (User("42"), Chat("11", "group"), "12")),
        (
            "channel_create",
            {"id": "13", "type": 0, "name": "new", "guild_id": "10"},
            None,
            (NOBODY, Chat("13", "group", "new"), None),
        ),
    ],
)
def test_it_is_told_by_whom_and_where(
    kind: str, raw: Json, place: Place | None, meaning: Any
) -> None:
    """As far as Discord tells; without a channel in private, and without anybody nowhere."""
    assert told(kind, raw, place) == meaning


@pytest.mark.parametrize(
    ("raw", "emoji"),
    [
        ({"id": None, "name": "👍"}, "👍"),
        ({"name": "👍"}, "👍"),
        ({"id": "77", "name": "party"}, "<:party:77>"),
        ({"id": "78", "name": "spin", "animated": True}, "<a:spin:78>"),
        ({"id": "79", "name": None}, "<:_:79>"),
    ],
)
def test_a_reaction_is_one_that_can_be_given_back(raw: Json, emoji: str) -> None:
    """As `React` takes it; one of a guild that is deleted has no name."""
    for kind, added, removed in (
        ("message_reaction_add", (emoji,), ()),
        ("message_reaction_remove", (), (emoji,)),
    ):
        event = other(kind, {**REACTION, "emoji": raw}, ROOM, "99", "s/7", NOW)
        assert event
        assert event.message.reaction == Reaction(added, removed, MessageRef("5"))


def test_what_the_bot_itself_does_is_nothing() -> None:
    """Its own reactions, too."""
    assert (
        other("message_reaction_add", {**REACTION, "user_id": "99"}, ROOM, "99", "s/7", 0) is None
    )


def test_what_is_not_as_documented_is_told_all_the_same() -> None:
    """Where it was; by whom cannot be read."""
    with pytest.raises(Unreadable) as error:
        other("typing_start", {"member": 5, "user_id": "42"}, ROOM, "99", "s/7", NOW)
    rest = error.value.rest
    assert rest
    assert (rest.message.chat, rest.message.sender) == (ROOM.chat, NOBODY)


# A bot


@pytest.fixture
async def server() -> AsyncIterator[DiscordServer]:
    async with discord_server() as server:
        yield server


@pytest.fixture
def home(server: DiscordServer) -> Guild:
    return server.guild(10, "Home")


@pytest.fixture
def room(server: DiscordServer, home: Guild) -> Channel:
    return server.channel(home, "room", id=11)


@pytest.fixture
def person(server: DiscordServer) -> Person:
    return server.person(42, "Alice")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "bot.db"


def counting(*updates: str) -> Interface:
    """Return a bot that counts what somebody does, and what somebody says."""
    bot = Interface(id="counting")

    def count(message: Message, turn: Turn, seen: PerMember[Ref[int]]) -> str:
        seen.value += 1
        return f"{seen.value}: {message.update or message.text} of {turn.user.id}"

    bot.on_message(count)
    for update in updates:
        bot.on(f"discord:{update}")(count)
    return bot


def reacts(server: DiscordServer, home: Guild, room: Channel) -> None:
    """Let Alice react to a message."""
    raw = {**REACTION, "channel_id": room.id, "guild_id": home.id, "emoji": {"name": "👍"}}
    intent = discord.Intents(guild_reactions=True).value
    server.gateway.dispatch("MESSAGE_REACTION_ADD", home, intent, lambda _: raw)


async def shown(server: DiscordServer, place: Channel, *wanted: str) -> None:
    """Return once so much is shown; fail if it is something else."""
    await server.wait_for(lambda: len(texts(server.messages(place))) >= len(wanted))
    assert texts(server.messages(place)) == list(wanted)


async def test_discord_is_asked_for_what_is_handled(
    server: DiscordServer, home: Guild, room: Channel, path: Path
) -> None:
    """By its intents; it is answered where it happened."""
    async with running(server, counting("message_reaction_add"), path):
        reacts(server, home, room)
        reacts(server, home, room)
        await shown(
            server,
            room,
            "1: discord:message_reaction_add of 42",
            "2: discord:message_reaction_add of 42",
        )


async def test_discord_is_asked_for_nothing_else(server: DiscordServer, path: Path) -> None:
    """A bot that handles no reactions is not told of them."""
    async with running(server, counting(), path):
        (session,) = server.gateway.connected
        assert (
            session.intents
            == discord.Intents(guilds=True, guild_messages=True, dm_messages=True).value
        )


async def test_what_comes_again_is_handled_once(
    server: DiscordServer, home: Guild, room: Channel, path: Path
) -> None:
    """It has its number in the session, by which it is known."""
    async with running(server, counting("message_reaction_add"), path):
        reacts(server, home, room)
        await shown(server, room, "1: discord:message_reaction_add of 42")
        (session,) = server.gateway.connected
        server.gateway.send_raw(session.frames[-1])
        await server.gateway.flushed()
        reacts(server, home, room)
        await shown(
            server,
            room,
            "1: discord:message_reaction_add of 42",
            "2: discord:message_reaction_add of 42",
        )


async def test_what_was_missed_comes_with_the_session(
    server: DiscordServer, home: Guild, room: Channel, path: Path
) -> None:
    """Where the connection was lost, and the session goes on."""
    async with running(server, counting("message_reaction_add"), path):
        await cut(server)
        reacts(server, home, room)
        await mend(server)
        await shown(server, room, "1: discord:message_reaction_add of 42")
        assert server.gateway.resumes


async def test_without_a_channel_it_is_private(
    server: DiscordServer, home: Guild, person: Person, path: Path
) -> None:
    """The person's channel is opened with the first answer, and is the same chat from then on."""
    raw = {"guild_id": home.id, "user": {"id": "42", "username": "alice"}}
    intent = discord.Intents(moderation=True).value
    async with running(server, counting("guild_ban_add"), path):
        for _ in range(2):
            server.gateway.dispatch("GUILD_BAN_ADD", home, intent, lambda _: raw)
        dm = server.dm(person)
        first, second = "1: discord:guild_ban_add of 42", "2: discord:guild_ban_add of 42"
        await shown(server, dm, first, second)
        await server.say(person, dm, "hi")
        await shown(server, dm, first, second, "3: hi of 42")
        opened = [call for call in server.calls if call.route == "POST /users/@me/channels"]
        assert len(opened) == 1


async def test_a_channel_that_is_none_is_none(
    server: DiscordServer, home: Guild, person: Person, path: Path
) -> None:
    """Where Discord names it so: who has left all voice channels is in none."""
    raw = {"guild_id": home.id, "channel_id": None, "user_id": "42", "session_id": "s"}
    intent = discord.Intents(voice_states=True).value
    async with running(server, counting("voice_state_update"), path):
        server.gateway.dispatch("VOICE_STATE_UPDATE", home, intent, lambda _: raw)
        await shown(server, server.dm(person), "1: discord:voice_state_update of 42")


async def test_another_interaction_is_something_else(
    server: DiscordServer, person: Person, room: Channel, path: Path
) -> None:
    """One that is neither a command nor a press has its type's name; nobody waits for it."""
    bot = Interface(id="bot")

    @bot.on_other
    def tell(message: Message) -> str:
        return f"{message.update} of {message.sender.id}"

    async with running(server, bot, path):
        await server._interact(5, person, room, {"custom_id": "x", "components": []})
        await shown(server, room, "discord:modal_submit of 42")


async def test_shards_tell_it_too(server: DiscordServer, path: Path) -> None:
    """Each event has its number in the session of its own shard."""
    homes = [server.guild(number << 22, f"Home {number}") for number in (2, 3)]
    rooms = [server.channel(guild, "room") for guild in homes]
    async with running(server, counting("message_reaction_add"), path, shards=2):
        for home, room in zip(homes, rooms, strict=True):
            reacts(server, home, room)
        for room in rooms:
            await shown(server, room, "1: discord:message_reaction_add of 42")


async def test_a_privileged_intent_that_is_missing_is_explained(
    server: DiscordServer, path: Path
) -> None:
    """What to switch on, and which handler needs it."""
    server.world.disallowed_intents = discord.Intents.presences.flag
    bot = counting("presence_update", "guild_member_update", "message_reaction_add")
    adapter = DiscordAdapter(token=TOKEN, **addresses(server))
    with pytest.raises(AdapterError) as error:
        await Engine(bot, [adapter], SQLiteStore(path)).run()
    assert "lacks the Server Members Intent and the Presence Intent: switch it on" in str(
        error.value
    )
    assert (
        'or do without @bot.on("discord:guild_member_update") and '
        '@bot.on("discord:presence_update")'
    ) in str(error.value)
