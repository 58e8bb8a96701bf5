"""A bot on Discord: the real discord.py, the engine and a store, against the test server."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import discord
import pytest
from adapters.discord_bots import rich_bot, running, texts
from adapters.discord_driver import TOKEN, addresses, cut, mend
from servers.discord_faults import CALLBACK, DELETE, EDIT_ORIGINAL, FOLLOW_UP, HISTORY, SEND
from servers.discord_server import DiscordServer
from servers.discord_world import Channel, Interaction, Person
from servers.discord_world import Message as Shown

from chatstate import AdapterError, Button, Delete, Interface, Message, Reply, Turn, User
from chatstate.cli.loading import load_bot
from chatstate.engine import Engine
from chatstate.language.en import ENGLISH
from chatstate.stores.sqlite import SQLiteStore
from chatstate_discord import DiscordAdapter, adapter
from chatstate_discord.send import acknowledging


def _with_buttons(message: Shown | None) -> Shown | None:
    return message if message and message.components else None


async def answered(server: DiscordServer, place: Channel, count: int = 1) -> list[Shown]:
    """Return what the bot shows in a place, once there is so much."""

    def shown() -> list[Shown]:
        return [
            message
            for message in server.messages(place)
            if not message.deleted and not message.loading
        ]

    return await server.wait_for(lambda: shown() if len(shown()) >= count else [])


async def acknowledged(server: DiscordServer, press: Interaction) -> None:
    await server.wait_for(lambda: press.response is not None)


def place_of(server: DiscordServer, kind: str, alice: Person, room: Channel) -> Channel:
    if kind == "dm":
        return server.dm(alice)
    if kind == "thread":
        return server.thread(room, alice, "aside")
    return room


PLACES = pytest.mark.parametrize("kind", ["dm", "channel", "thread"])


# Conversations


@PLACES
async def test_a_bot_with_everything(
    server: DiscordServer, alice: Person, room: Channel, path: Path, kind: str
) -> None:
    """Text, markdown, files, commands, buttons and a stream, wherever it is talked to."""
    place = place_of(server, kind, alice, room)
    name = "" if kind == "dm" else f"{server.bot.mention} "
    async with running(server, rich_bot(), path):
        for said in ("hi", "markdown", "file", "/vote 3 it is good"):
            before = len(server.messages(place))
            await server.say(alice, place, name + said)
            await answered(server, place, before + 1)
        upload = ("a.bin", "application/octet-stream", b"12345")
        await server.say(alice, place, name + "look", attachments=[upload])
        voted = (await answered(server, place, 5))[3]
        await server.press(alice, voted, "Again")
        await server.press(alice, voted, "Thanks")
        await answered(server, place, 7)
        await server.slash(alice, place, "count")
        await server.wait_for(lambda: "1 2 3" in texts(server.messages(place)))
        shown = server.messages(place)
        assert texts(shown) == [
            "1: hi",
            "Title\n\nbold and code",
            "Here:",
            "3 it is, since it is good",
            "5 bytes of a.bin",
            "3 it is",
            "5: Thanks",
            "1 2 3",
        ]
        assert shown[2].files == [("table.csv", "text/csv", b"a,b\n")]
        assert [label for label, _ in voted.components] == ["Again", "Thanks"]


@PLACES
@pytest.mark.parametrize("name", ["history-echo", "score-tracker"])
async def test_shipped_bots(
    server: DiscordServer, alice: Person, room: Channel, path: Path, kind: str, name: str
) -> None:
    """They hold a conversation wherever they are talked to."""
    place = place_of(server, kind, alice, room)
    mention = "" if kind == "dm" else f"{server.bot.mention} "
    async with running(server, load_bot(name), path):
        for number, said in enumerate(("3", "5"), 1):
            await server.say(alice, place, mention + said)
            await answered(server, place, number)
        expected = {
            "history-echo": "Current message: 5\nPrevious messages:\n1. 3",
            "score-tracker": "Top scores: 5, 3",
        }
        assert texts(server.messages(place))[-1] == expected[name]


async def test_in_a_guild_it_answers_who_addresses_it(
    server: DiscordServer, alice: Person, room: Channel, path: Path
) -> None:
    """A mention, which is not part of the text, and a reply; nothing else."""
    async with running(server, rich_bot(), path):
        await server.say(alice, room, "not for the bot")
        await server.say(alice, room, f"{server.bot.mention}, hi")
        (first,) = await answered(server, room)
        await server.say(alice, room, "and again", reply_to=first)
        await answered(server, room, 2)
        assert texts(server.messages(room)) == ["1: hi", "2: and again"]


async def test_a_role_of_the_bots_own_means_the_bot(
    server: DiscordServer, alice: Person, room: Channel, path: Path
) -> None:
    """Discord offers it beside the bot when people mention somebody; it is no part of the text."""
    assert room.guild
    async with running(server, rich_bot(), path, groups="all"):
        await server.say(alice, room, f"<@&{room.guild.bot_role}> hi")
        assert texts(await answered(server, room)) == ["1: hi"]


ODD = [
    {"id": "1"},
    {"id": [], "channel_id": {}},
    {"id": "x", "channel_id": "x", "type": 0, "author": {"id": "1", "username": "x"}},
    [],
    {"id": "5", "channel_id": "6", "type": [], "author": None, "timestamp": 10**18},
]


@pytest.mark.parametrize("odd", ODD)
@pytest.mark.parametrize(
    "event",
    [
        "MESSAGE_CREATE",
        "MESSAGE_UPDATE",
        "INTERACTION_CREATE",
        "GUILD_MEMBER_REMOVE",
        "GUILD_DELETE",
    ],
)
async def test_an_event_that_cannot_be_read_ends_no_connection(
    server: DiscordServer, alice: Person, path: Path, event: str, odd: object
) -> None:
    """It is left out, and the next one is answered in the same session."""
    dm = server.dm(alice)
    async with running(server, rich_bot(), path):
        server.gateway.send_raw(json.dumps({"op": 0, "t": event, "s": None, "d": odd}))
        await server.say(alice, dm, "hi")
        assert texts(await answered(server, dm)) == ["1: hi"]
        assert len(server.gateway.identifies) == 1
        assert not server.gateway.resumes


COMMANDS_ROUTE = "GET /applications/{application_id}/commands"
PUT_COMMANDS = "PUT /applications/{application_id}/commands"


@pytest.mark.parametrize("route", [COMMANDS_ROUTE, PUT_COMMANDS])
@pytest.mark.parametrize(
    ("status", "body"), [(200, "<html>"), (200, {"id": "1"}), (404, None), (401, None)]
)
async def test_commands_that_cannot_be_registered_end_no_connection(
    server: DiscordServer, alice: Person, path: Path, route: str, status: int, body: Any
) -> None:
    """It is a courtesy: whatever is answered, the bot can be talked to."""
    dm = server.dm(alice)
    fault = server.faults.fail(route, status, body=body, times=None)
    async with running(server, rich_bot(), path, registers=False):
        await server.wait_for(lambda: fault.hits)
        await server.say(alice, dm, "hi")
        assert texts(await answered(server, dm)) == ["1: hi"]
        assert len(server.gateway.identifies) == 1


async def test_all_messages_need_an_intent_that_is_explained(
    server: DiscordServer, path: Path
) -> None:
    """Where the application lacks it, one line says what to switch on."""
    server.world.disallowed_intents = discord.Intents.message_content.flag
    engine = Engine(
        rich_bot(),
        [DiscordAdapter(token=TOKEN, groups="all", **addresses(server))],
        SQLiteStore(path),
    )
    with pytest.raises(AdapterError, match="lacks the Message Content Intent: switch it on"):
        await engine.run()


async def test_own_and_other_bots_are_not_heard(
    server: DiscordServer, alice: Person, path: Path
) -> None:
    """Nor is anybody's webhook, so that no two bots talk for ever."""
    other = server.person(77, "Other", is_bot=True)
    dm = server.dm(alice)
    async with running(server, rich_bot(), path):
        await server.say(other, dm, "I am a bot")
        await server.say(alice, dm, "hi")
        await answered(server, dm)
        assert texts(server.messages(dm)) == ["1: hi"]


async def test_each_kind_of_message_without_words_is_told_once(
    server: DiscordServer, alice: Person, path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """For who wonders why the bot says nothing to it."""
    caplog.set_level(logging.DEBUG, "chatstate.discord")
    dm = server.dm(alice)
    async with running(server, rich_bot(), path):
        for number in (6, 6, 99):
            await server.say(alice, dm, type=number)
        await server.say(alice, dm, "hi")
        await answered(server, dm)
    told = [record.message for record in caplog.records if '"other"' in record.message]
    assert [line.rpartition(" ")[2] for line in told] == ["6", "99"]


async def test_a_forum_post_is_a_thread(
    server: DiscordServer, alice: Person, room: Channel, path: Path
) -> None:
    """It is answered in its thread, which has its own state."""
    assert room.guild
    forum = server.forum(room.guild, "help")
    async with running(server, rich_bot(), path):
        post, _ = await server.forum_post(forum, alice, "Why?", f"{server.bot.mention} why")
        assert texts(await answered(server, post)) == ["1: why"]


async def test_an_embed_is_no_edit(server: DiscordServer, alice: Person, path: Path) -> None:
    """What Discord adds to a message is not told to `on_edit`; what its writer changes is."""
    bot = rich_bot()

    @bot.on_edit
    def changed(message: str) -> str:
        return f"now {message}"

    dm = server.dm(alice)
    async with running(server, bot, path):
        said = await server.say(alice, dm, "https://example.com/")
        await server.unfurl(said)
        await server.edit(said, "changed")
        await server.unfurl(said)
        await answered(server, dm, 2)
        await server.say(alice, dm, "end")
        await answered(server, dm, 3)
        assert texts(server.messages(dm)) == ["1: https://example.com/", "now changed", "2: end"]


@pytest.mark.parametrize("members", [False, True])
async def test_who_joins_and_leaves_is_told(
    server: DiscordServer,
    alice: Person,
    room: Channel,
    path: Path,
    members: bool,
) -> None:
    """In the channel where Discord greets; who leaves is known with the intent for it alone."""
    bot = Interface(id="lobby")

    @bot.on_join
    def joined(user: User) -> str:
        return f"welcome {user.name}"

    @bot.on_leave
    def left(user: User) -> str:
        return f"goodbye {user.name}"

    assert room.guild
    room.guild.lobby = room
    told = ["welcome Alice", "goodbye Alice"] if members else ["welcome Alice"]
    async with running(server, bot, path, members=members):
        await server.join(room.guild, alice)
        await answered(server, room)
        await server.leave(room.guild, alice)
        assert texts(await answered(server, room, len(told))) == told


# Slash commands


async def test_commands_are_registered_with_their_types(server: DiscordServer, path: Path) -> None:
    """Types, choices, what is required, and descriptions, from annotations and docstrings."""
    async with running(server, rich_bot(), path):
        made = {command["name"]: command for command in server.commands}
    assert made["vote"]["description"] == "Vote for an option."
    assert [(o["name"], o["type"], o["required"]) for o in made["vote"]["options"]] == [
        ("choice", 4, True),
        ("why", 3, False),
    ]
    colour, size, glossy = made["paint"]["options"]
    assert [option["value"] for option in colour["choices"]] == ["red", "blue"]
    assert [option["value"] for option in size["choices"]] == ["big", "small"]
    assert glossy["type"] == 5
    assert [option["type"] for option in made["give"]["options"]] == [6, 10]


async def test_commands_are_registered_when_they_changed(
    server: DiscordServer, alice: Person, path: Path
) -> None:
    """Not at each start."""

    def calls(method: str) -> int:
        return sum(call.route.startswith(f"{method} /applications") for call in server.calls)

    bot = rich_bot()
    for starts, wanted in ((1, 1), (2, 1), (3, 2)):
        if wanted == 2:
            bot.command(hello)
        async with running(server, bot, path):
            await server.wait_for(lambda: calls("GET") == starts and calls("PUT") == wanted)  # noqa: B023 - it is asked here


def hello() -> str:
    """Say hello."""
    return "hello"


@pytest.mark.parametrize(
    ("name", "options", "answer"),
    [
        ("vote", {"choice": 2, "why": "I like it"}, "2 it is, since I like it"),
        ("vote", {"choice": 2}, "2 it is"),
        ("paint", {"colour": "blue", "size": "big", "glossy": True}, "big BLUE True"),
    ],
)
async def test_a_slash_command_is_answered(
    server: DiscordServer,
    alice: Person,
    room: Channel,
    path: Path,
    name: str,
    options: dict[str, object],
    answer: str,
) -> None:
    """By its typed arguments; the answer replaces the waiting sign."""
    async with running(server, rich_bot(), path):
        asked = await server.slash(alice, room, name, options)
        (shown,) = await answered(server, room)
        assert (shown.content, shown is asked.original, asked.response) == (answer, True, 5)


async def test_a_person_is_an_argument(
    server: DiscordServer, alice: Person, room: Channel, path: Path
) -> None:
    """Whoever is chosen, whatever they are called."""
    bob = server.person(43, "Bob the Great")
    async with running(server, rich_bot(), path):
        await server.slash(alice, room, "give", {"who": bob, "amount": 2.5})
        assert texts(await answered(server, room)) == ["2.5 for Bob the Great (43)"]


async def test_a_bad_argument_is_told_to_the_person_alone(
    server: DiscordServer, alice: Person, room: Channel, path: Path
) -> None:
    """At once and without a waiting sign, and no turn runs."""
    bot = Interface(id="strict")

    @bot.command
    def roll(dice: str, bonus: int = 0) -> str:
        return f"{dice} {bonus}"

    async with running(server, bot, path):
        server.commands[0]["options"][0]["required"] = False  # as it was in an older version
        asked = await server.slash(alice, room, "roll", {})
        await acknowledged(server, asked)
        assert (asked.response, asked.ephemeral) == (4, True)
        assert asked.original
        assert "dice" in asked.original.content


async def test_a_busy_conversation_is_acknowledged_in_time(
    server: DiscordServer, alice: Person, room: Channel, path: Path
) -> None:
    """Though a turn before it takes long, and the answer comes much later."""
    gate = asyncio.Event()
    bot = rich_bot()

    @bot.command
    async def slow() -> str:
        """Take long."""
        await gate.wait()
        return "slow"

    async with running(server, bot, path):
        first = await server.slash(alice, room, "slow")
        second = await server.slash(alice, room, "vote", {"choice": 1})
        for press in (first, second):
            await acknowledged(server, press)
            assert press.acknowledged_after is not None
            assert press.acknowledged_after < 1
        gate.set()
        assert texts(await answered(server, room, 2)) == ["slow", "1 it is"]


async def test_a_slow_store_does_not_cost_the_answer(
    server: DiscordServer, alice: Person, room: Channel, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is not stored in time is acknowledged all the same."""
    monkeypatch.setattr(acknowledging, "PATIENCE", 0.02)
    gate = asyncio.Event()
    async with running(server, rich_bot(), path) as engine:
        ingest = engine._store.ingest

        async def slow(*args: Any, **options: Any) -> object:
            await gate.wait()
            return await ingest(*args, **options)

        monkeypatch.setattr(engine._store, "ingest", slow)
        asked = await server.slash(alice, room, "vote", {"choice": 1})
        await acknowledged(server, asked)
        gate.set()
        assert texts(await answered(server, room)) == ["1 it is"]


async def test_an_answer_for_the_person_alone(
    server: DiscordServer, alice: Person, room: Channel, path: Path
) -> None:
    """Nobody else sees so much as a waiting sign."""
    async with running(server, rich_bot(), path):
        asked = await server.slash(alice, room, "secret")
        await server.wait_for(lambda: asked.original and asked.original.content)
        assert asked.original
        assert (asked.original.content, asked.original.ephemeral) == ("psst", True)
        assert (asked.response, asked.followups) == (5, [])
        said = await server.slash(alice, room, "vote", {"choice": 1})
        await server.wait_for(lambda: said.original and said.original.content)
        assert said.original
        assert not said.original.ephemeral


async def test_a_slow_answer_for_the_person_alone(
    server: DiscordServer, alice: Person, room: Channel, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It takes the place of the waiting sign, which all could see: nobody knew what would come."""
    monkeypatch.setattr(acknowledging, "ANSWER_SECONDS", 0.01)
    gate = asyncio.Event()
    bot = Interface(id="slow")

    @bot.command
    async def secret() -> Reply:
        """Say something for you alone, after a while."""
        await gate.wait()
        return Reply("psst", ephemeral=True)

    async with running(server, bot, path):
        asked = await server.slash(alice, room, "secret")
        await acknowledged(server, asked)
        assert asked.original
        assert not asked.original.ephemeral
        gate.set()
        (shown,) = await server.wait_for(lambda: asked.followups)
        assert (shown.content, shown.ephemeral) == ("psst", True)
        assert asked.original.deleted


async def test_a_command_that_is_no_more_is_answered(
    server: DiscordServer, alice: Person, room: Channel, path: Path
) -> None:
    """For the person alone, in a guild too: it is this bot's, and nobody else answers it."""
    async with running(server, rich_bot(), path):
        pass
    server.faults.fail(PUT_COMMANDS, 400, times=None)
    async with running(server, Interface(lambda text: text, id="new"), path.with_name("new.db")):
        asked = await server.slash(alice, room, "vote", {"choice": 1})
        await acknowledged(server, asked)
        assert asked.original
        told = ENGLISH["unknown_command"].format(command="vote")
        assert (asked.original.content, asked.original.ephemeral) == (told, True)


async def test_the_token_of_an_interaction_is_nowhere(
    server: DiscordServer,
    alice: Person,
    room: Channel,
    path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Whoever has it may answer for the bot: it is in no log, whatever is told of a call."""
    with caplog.at_level(logging.DEBUG):
        async with running(server, rich_bot(), path):
            for route in (EDIT_ORIGINAL, FOLLOW_UP, CALLBACK):
                server.faults.rate_limit(route, 0.01)
                server.faults.fail(route, 503)
            asked = await server.slash(alice, room, "vote", {"choice": 1})
            await server.wait_for(lambda: asked.original and asked.original.content)
            message = server.bot_message(room, "Choose", [("Yes", "yes")])
            pressed = await server.press(alice, message, "Yes")
            await server.wait_for(lambda: pressed.followups)
    text = "\n".join(record.getMessage() for record in caplog.records)
    assert "We are being rate limited" in text
    assert "/callback" in text
    for made in (asked, pressed):
        assert made.token not in text


async def test_a_command_without_an_answer_ends(
    server: DiscordServer, alice: Person, room: Channel, path: Path
) -> None:
    """Its waiting sign, which only the person sees, goes away."""
    async with running(server, rich_bot(), path):
        asked = await server.slash(alice, room, "quiet")
        await server.wait_for(lambda: asked.original and asked.original.deleted)
        assert asked.original
        assert asked.original.ephemeral


async def test_a_stream_replaces_the_waiting_sign(
    server: DiscordServer, alice: Person, room: Channel, path: Path
) -> None:
    """From its first preview to the whole, in one message."""
    gate = asyncio.Event()
    bot = Interface(id="stream")

    @bot.command
    async def tell() -> AsyncIterator[str]:
        """Tell something long."""
        yield "once"
        await gate.wait()
        yield "once upon a time"

    async with running(server, bot, path):
        asked = await server.slash(alice, room, "tell")
        await server.wait_for(lambda: asked.original and asked.original.content == "once")
        gate.set()
        await server.wait_for(lambda: asked.original and asked.original.content != "once")
        assert texts(server.messages(room)) == ["once upon a time"]


async def test_a_command_may_edit_another_message(
    server: DiscordServer, alice: Person, room: Channel, path: Path
) -> None:
    """Then nothing is left of its waiting sign."""
    bot = Interface(id="editor")

    @bot.command
    def say(text: str) -> str:
        """Say something."""
        return text

    @bot.command
    def change(message: str) -> Reply:
        """Say it differently."""
        return Reply("changed", edit=message)

    async with running(server, bot, path):
        await server.slash(alice, room, "say", {"text": "first"})
        (first,) = await answered(server, room)
        asked = await server.slash(alice, room, "change", {"message": first.id})
        await server.wait_for(lambda: first.content == "changed")
        await server.wait_for(lambda: asked.original and asked.original.deleted)
        assert texts(server.messages(room)) == ["changed"]


async def test_after_a_quarter_of_an_hour_the_answer_is_a_message(
    server: DiscordServer, alice: Person, room: Channel, path: Path
) -> None:
    """As the interaction's token is over by then."""
    gate = asyncio.Event()
    bot = rich_bot()

    @bot.command
    async def slow() -> str:
        """Take long."""
        await gate.wait()
        return "at last"

    async with running(server, bot, path):
        asked = await server.slash(alice, room, "slow")
        await acknowledged(server, asked)
        server.advance(server.limits.interaction_token + 1)
        gate.set()
        (shown,) = await answered(server, room)
        assert (shown.content, shown is asked.original) == ("at last", False)


async def test_an_interaction_is_answered_after_a_restart(
    server: DiscordServer, alice: Person, room: Channel, path: Path
) -> None:
    """By another process, which has its token from the store."""
    bot = rich_bot()
    gate = asyncio.Event()

    @bot.command
    async def slow() -> str:
        """Take long."""
        await gate.wait()
        return "at last"

    async with running(server, bot, path) as engine:
        asked = await server.slash(alice, room, "slow")
        await acknowledged(server, asked)
        engine.request_stop()
        engine.request_stop()
    gate.set()
    async with running(server, bot, path):
        (shown,) = await answered(server, room)
        assert (shown.content, shown is asked.original) == ("at last", True)


async def test_an_acknowledgement_whose_answer_is_lost_was_one(
    server: DiscordServer, alice: Person, room: Channel, path: Path
) -> None:
    """The second try is told that it was acknowledged already, which is success."""
    async with running(server, rich_bot(), path):
        lost = server.faults.drop(CALLBACK, when="after", reset=True)
        asked = await server.slash(alice, room, "vote", {"choice": 1})
        assert texts(await answered(server, room)) == ["1 it is"]
        assert (len(lost.hits), asked.response) == (1, 5)


async def test_a_lost_answer_to_a_command_is_repeated(
    server: DiscordServer, alice: Person, room: Channel, path: Path
) -> None:
    """It replaces the same message, so nothing is shown twice."""
    async with running(server, rich_bot(), path):
        server.faults.drop(EDIT_ORIGINAL, when="after", reset=True)
        await server.slash(alice, room, "vote", {"choice": 1})
        await server.say(alice, room, f"{server.bot.mention} hi")
        assert texts(await answered(server, room, 2)) == ["1 it is", "1: hi"]


# Buttons


async def test_a_dead_button_is_told_to_the_person_alone(
    server: DiscordServer, alice: Person, room: Channel, path: Path
) -> None:
    """A forged one, or one of another bot's time."""
    message = server.bot_message(room, "Choose", [("Yes", "yes")])
    async with running(server, rich_bot(), path):
        pressed = await server.press(alice, message, "Yes")
        (told,) = await server.wait_for(lambda: pressed.followups)
        assert (told.content, told.ephemeral) == (ENGLISH["dead_button"], True)


async def test_equal_buttons_can_be_told_apart(
    server: DiscordServer, alice: Person, path: Path
) -> None:
    """Discord refuses equal custom ids; a bot may send the same value by two buttons."""
    bot = Interface(
        lambda message: Reply(message, buttons=[Button("A", "x"), Button("B", "x")]),
        inputs=["text"],
        outputs=["text"],
        id="same",
    )
    dm = server.dm(alice)
    async with running(server, bot, path):
        await server.say(alice, dm, "hi")
        (shown,) = await answered(server, dm)
        for number, label in enumerate(("A", "B"), 2):
            await server.press(alice, shown, label)
            assert texts(await answered(server, dm, number))[-1] == "x"


async def test_what_replaces_a_hidden_message_is_hidden(
    server: DiscordServer, alice: Person, room: Channel, path: Path
) -> None:
    """Whoever has closed it meanwhile gets it anew, alone."""
    bot = Interface(id="hidden")

    @bot.command
    def secret(turn: Turn) -> Reply:
        """Say something for you alone."""
        pressed = turn.message.pressed
        return Reply("psst", [Button("On", command="/secret")], edit=pressed, ephemeral=not pressed)

    async with running(server, bot, path):
        asked = await server.slash(alice, room, "secret")
        hidden = await server.wait_for(lambda: _with_buttons(asked.original))
        server.faults.fail(EDIT_ORIGINAL, 404, code=10008)
        assert hidden
        pressed = await server.press(alice, hidden, "On")
        (told,) = await server.wait_for(lambda: pressed.followups)
        assert (told.content, told.ephemeral) == ("psst", True)
        assert not [shown for shown in server.messages(room) if not shown.ephemeral]


@pytest.mark.parametrize("code", [10003, 10008])
async def test_what_is_gone_need_not_be_deleted(
    server: DiscordServer, alice: Person, path: Path, code: int
) -> None:
    """The message, or its channel with it: that is a success."""
    bot = Interface(id="tidy")

    @bot.on_message
    def answer(message: Message) -> Reply | Delete:
        return Delete(message.pressed) if message.pressed else Reply("?", [Button("Close")])

    dm = server.dm(alice)
    async with running(server, bot, path) as engine:
        await server.say(alice, dm, "hi")
        (shown,) = await answered(server, dm)
        gone = server.faults.fail(DELETE, 404, code=code)
        await server.press(alice, shown, "Close")
        await server.wait_for(lambda: gone.hits)
        await engine.settle(5.0)
    assert await SQLiteStore(path).list("dead") == []


# Sending


async def test_a_reply_pings_nobody(
    server: DiscordServer, alice: Person, room: Channel, path: Path
) -> None:
    """Whatever a text names, that is said to all or to one."""
    async with running(server, rich_bot(), path):
        await server.say(alice, room, f"{server.bot.mention} @everyone {alice.mention}")
        (shown,) = await answered(server, room)
        assert (shown.mentions, shown.mentions_everyone) == ((), False)


async def test_each_message_has_a_nonce_of_its_own(
    server: DiscordServer, alice: Person, path: Path
) -> None:
    """By which it is recognised; they are short enough for Discord."""
    dm = server.dm(alice)
    async with running(server, rich_bot(), path):
        for number, text in enumerate(("hi", "ho"), 1):
            await server.say(alice, dm, text)
            await answered(server, dm, number)
        sends = [call for call in server.calls if call.route == SEND]
        nonces = {call.body["nonce"] for call in sends if isinstance(call.body, dict)}
        assert len(nonces) == 2
        assert all(len(nonce) <= 25 for nonce in nonces)


async def test_another_store_has_other_nonces(
    server: DiscordServer, alice: Person, tmp_path: Path
) -> None:
    """Whoever begins anew, with the same numbers of events, is not taken for a repetition."""
    dm = server.dm(alice)
    for number in (1, 2):
        async with running(server, rich_bot(), tmp_path / f"{number}.db"):
            await server.say(alice, dm, "hi")
            assert texts(await answered(server, dm, number)) == ["1: hi"] * number


async def test_where_it_may_not_write_it_answers_by_the_interaction(
    server: DiscordServer, alice: Person, room: Channel, path: Path
) -> None:
    """A press in a channel that the bot may not speak in gets its answer."""
    async with running(server, rich_bot(), path):
        await server.slash(alice, room, "vote", {"choice": 1})
        (shown,) = await answered(server, room)
        room.denied.add("SEND_MESSAGES")
        await server.press(alice, shown, "Thanks")
        assert texts(await answered(server, room, 2))[-1] == "1: Thanks"
        assert [call for call in server.calls if call.route == FOLLOW_UP]


# Connections


async def test_a_bad_token_is_one_clear_line(path: Path, server: DiscordServer) -> None:
    """It says where to get one, and never the token itself."""
    wrong = TOKEN.replace("tests", "nobody")
    engine = Engine(
        rich_bot(), [DiscordAdapter(token=wrong, **addresses(server))], SQLiteStore(path)
    )
    with pytest.raises(AdapterError, match="refuses the bot's token") as raised:
        await engine.run()
    assert wrong not in str(raised.value)
    assert server.violations == []


async def test_the_token_is_nowhere(
    server: DiscordServer, alice: Person, path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Neither in logs, however much they tell, nor in the store."""
    with caplog.at_level(logging.DEBUG):
        async with running(server, rich_bot(), path):
            await server.slash(alice, server.dm(alice), "vote", {"choice": 1})
            await answered(server, server.dm(alice))
            await cut(server)
            await mend(server)
            await server.say(alice, server.dm(alice), "hi")
            await answered(server, server.dm(alice), 2)
    assert TOKEN not in caplog.text
    assert "Attempting a reconnect" in caplog.text
    assert "Traceback" not in caplog.text
    assert all(
        TOKEN.encode() not in file.read_bytes() for file in path.parent.iterdir() if file.is_file()
    )


@pytest.mark.parametrize("token", ["", "no dots", "abc.def.ghi", "MTIzNDU2Nzg5"])
def test_what_is_no_token_is_told_at_once(token: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Before anything is connected."""
    monkeypatch.delenv("CHATSTATE_DISCORD_TOKEN", raising=False)
    with pytest.raises(AdapterError, match="CHATSTATE_DISCORD_TOKEN"):
        DiscordAdapter(token=token)


@pytest.mark.parametrize(
    ("close", "told"), [(4004, "token is not valid"), (4011, "too many guilds"), (4013, "intents")]
)
async def test_a_final_close_ends_it(
    server: DiscordServer, path: Path, close: int, told: str
) -> None:
    """With one line that says why."""
    server.gateway.identify_close = close
    with pytest.raises(AdapterError, match=told):
        await Engine(
            rich_bot(), [DiscordAdapter(token=TOKEN, **addresses(server))], SQLiteStore(path)
        ).run()


TROUBLES = [
    "resumable",
    "lost session",
    "op 7",
    "op 9",
    "garbage",
    "refused",
    "503",
    "unreadable event",
]


@pytest.mark.parametrize("trouble", TROUBLES)
async def test_what_is_said_during_trouble_is_answered_once(
    server: DiscordServer, alice: Person, room: Channel, path: Path, trouble: str
) -> None:
    """Whatever becomes of the connection: it is made again, and what was missed is read back."""
    dm = server.dm(alice)
    async with running(server, rich_bot(), path):
        await server.say(alice, dm, "zero")
        await server.say(alice, room, f"{server.bot.mention} zero")
        await answered(server, dm)
        await answered(server, room)
        identified = len(server.gateway.identifies)
        await make(trouble, server)
        await server.say(alice, dm, "one")
        await server.say(alice, room, f"{server.bot.mention} one")
        if trouble == "refused":
            await mend(server)
        await answered(server, dm, 2)
        await answered(server, room, 2)
        await server.say(alice, dm, "two")
        await answered(server, dm, 3)
    assert texts(server.messages(dm)) == ["1: zero", "2: one", "3: two"]
    assert texts(server.messages(room)) == ["1: zero", "2: one"]
    resumes = trouble in ("resumable", "op 7", "unreadable event", "refused")
    assert (len(server.gateway.identifies) == identified) == resumes


async def make(trouble: str, server: DiscordServer) -> None:
    """Let something happen to the connection."""
    gateway = server.gateway
    match trouble:
        case "resumable":
            await gateway.disconnect()
        case "lost session":
            await gateway.disconnect(4000, forget=True)
        case "op 7":
            gateway.ask_to_reconnect()
        case "op 9":
            gateway.invalidate()
        case "garbage":
            gateway.send_raw("{")
        case "refused":
            await cut(server)
        case "503":
            gateway.upgrade_errors = 2
            await gateway.disconnect(4000, forget=True)
        case _:
            gateway.send_raw('{"op":0,"t":"MESSAGE_CREATE","s":null,"d":{"id":"1"}}')


async def test_a_failed_first_connection_is_survived(
    server: DiscordServer, alice: Person, path: Path
) -> None:
    """It is tried again, with growing pauses."""
    server.gateway.upgrade_errors = 3
    async with running(server, rich_bot(), path):
        await server.say(alice, server.dm(alice), "hi")
        assert texts(await answered(server, server.dm(alice))) == ["1: hi"]


async def test_a_session_that_never_begins_is_given_up(
    server: DiscordServer, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Discord may leave out READY; another connection is made then."""
    monkeypatch.setattr(adapter, "_READY_SECONDS", 0.05)
    monkeypatch.setattr(adapter, "_READY_SECONDS_PER_SHARD", 0.0)
    server.gateway.readies = False
    engine = Engine(
        rich_bot(), [DiscordAdapter(token=TOKEN, **addresses(server))], SQLiteStore(path)
    )
    await engine.start()
    waiting = asyncio.create_task(engine.wait())
    await server.wait_for(lambda: len(server.gateway.identifies) > 1)
    server.gateway.readies = True
    monkeypatch.setattr(adapter, "_READY_SECONDS", 5.0)
    await server.wait_until_connected()
    engine.request_stop()
    await waiting
    await engine.stop()


async def test_what_may_not_be_read_back_is_left_out(
    server: DiscordServer,
    alice: Person,
    room: Channel,
    path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """With a line in the log, and without asking Discord for it."""
    async with running(server, rich_bot(), path):
        await server.say(alice, room, f"{server.bot.mention} one")
        await answered(server, room)
    room.denied.add("READ_MESSAGE_HISTORY")
    await server.say(alice, room, f"{server.bot.mention} two")
    asked = len([call for call in server.calls if call.route == HISTORY])
    with caplog.at_level(logging.INFO, "chatstate.discord"):
        async with running(server, rich_bot(), path):
            await server.say(alice, server.dm(alice), "hi")
            await answered(server, server.dm(alice))
    assert len([call for call in server.calls if call.route == HISTORY]) == asked
    assert "channel 11 may not be read" in caplog.text


async def test_what_was_said_meanwhile_comes_before_what_is_said_now(
    server: DiscordServer, alice: Person, path: Path
) -> None:
    """Live messages of a channel wait until it is read back."""
    dm = server.dm(alice)
    async with running(server, rich_bot(), path):
        await server.say(alice, dm, "zero")
        await answered(server, dm)
    for number in range(120):
        await server.say(alice, dm, f"missed {number}")
    stalled = server.faults.stall(HISTORY)
    async with running(server, rich_bot(), path):
        await server.wait_for(lambda: stalled.hits)
        await server.say(alice, dm, "now")
        stalled.release()
        shown = texts(await answered(server, dm, 122))
    assert shown[-2:] == ["121: missed 119", "122: now"]
    assert len(shown) == 122


async def test_a_day_is_read_back_by_discords_time(
    server: DiscordServer, alice: Person, path: Path
) -> None:
    """What is older is stale, and not answered."""
    dm = server.dm(alice)
    async with running(server, rich_bot(), path):
        await server.say(alice, dm, "zero")
        await answered(server, dm)
    await server.say(alice, dm, "stale")
    server.advance(25 * 3600)
    await server.say(alice, dm, "missed")
    async with running(server, rich_bot(), path):
        assert texts(await answered(server, dm, 2)) == ["1: zero", "2: missed"]


WRONG_CLOCKS = pytest.mark.parametrize("hours", [-48, 48], ids=["it is ahead", "it is behind"])


@WRONG_CLOCKS
async def test_what_was_missed_is_read_back_whatever_the_machines_clock_says(
    server: DiscordServer, alice: Person, room: Channel, path: Path, hours: int
) -> None:
    """In private and in groups; ids are compared with Discord's own time."""
    server.advance(hours * 3600)
    dm, said = server.dm(alice), f"{server.bot.mention} "
    async with running(server, rich_bot(), path):
        await server.say(alice, dm, "zero")
        await server.say(alice, room, f"{said}zero")
        await answered(server, dm)
        await answered(server, room)
    await server.say(alice, dm, "missed")
    await server.say(alice, room, f"{said}missed")
    async with running(server, rich_bot(), path):
        for place in (dm, room):
            assert texts(await answered(server, place, 2)) == ["1: zero", "2: missed"]


@WRONG_CLOCKS
async def test_a_command_is_answered_by_its_token_whatever_the_machines_clock_says(
    server: DiscordServer, alice: Person, room: Channel, path: Path, hours: int
) -> None:
    """The waiting sign becomes the answer."""
    server.advance(hours * 3600)
    async with running(server, rich_bot(), path):
        asked = await server.slash(alice, room, "count")
        (shown,) = await answered(server, room)
        assert shown is asked.original


async def test_a_history_that_fails_is_asked_for_again(
    server: DiscordServer, alice: Person, path: Path
) -> None:
    """Until it can be read; meanwhile nothing of the channel is taken in."""
    dm = server.dm(alice)
    async with running(server, rich_bot(), path):
        await server.say(alice, dm, "zero")
        await answered(server, dm)
    await server.say(alice, dm, "missed")
    server.faults.fail(HISTORY, 503, times=2)
    async with running(server, rich_bot(), path):
        assert texts(await answered(server, dm, 2)) == ["1: zero", "2: missed"]


async def test_shards_are_as_asked_for(
    server: DiscordServer, alice: Person, room: Channel, path: Path
) -> None:
    """Each has its guilds; private chats are on the first."""
    assert room.guild
    far = server.channel(server.guild(1 << 22, "Far"), "far")
    async with running(server, rich_bot(), path, shards="2"):
        for place in (room, far):
            await server.say(alice, place, f"{server.bot.mention} hi")
            await answered(server, place)
        await server.say(alice, server.dm(alice), "hi")
        await answered(server, server.dm(alice))
        shards = sorted(identify["shard"] for identify in server.gateway.identifies)
        assert shards == [[0, 2], [1, 2]]


async def test_shards_are_as_many_as_discord_advises(
    server: DiscordServer, alice: Person, path: Path
) -> None:
    """If nothing is said of them."""
    server.application.shards = 3
    async with running(server, rich_bot(), path):
        await server.wait_until_connected(3)
        await server.say(alice, server.dm(alice), "hi")
        await answered(server, server.dm(alice))


async def test_a_lost_shard_is_read_back(server: DiscordServer, alice: Person, path: Path) -> None:
    """When its session cannot be resumed."""
    far = server.channel(server.guild(1 << 22, "Far"), "far")
    async with running(server, rich_bot(), path, shards="2"):
        await server.say(alice, far, f"{server.bot.mention} zero")
        await answered(server, far)
        await server.gateway.disconnect(4000, forget=True)
        await server.say(alice, far, f"{server.bot.mention} one")
        assert texts(await answered(server, far, 2)) == ["1: zero", "2: one"]


@pytest.mark.parametrize("ends", ["session", "process"])
async def test_the_first_words_in_a_guild_are_read_back(
    server: DiscordServer, alice: Person, room: Channel, path: Path, ends: str
) -> None:
    """Though nothing was ever heard: the bot was there before they were said."""
    async with running(server, rich_bot(), path):
        if ends == "session":
            await server.gateway.disconnect(4000, forget=True)
            await server.say(alice, room, f"{server.bot.mention} first")
            assert texts(await answered(server, room)) == ["1: first"]
    if ends == "process":
        await server.say(alice, room, f"{server.bot.mention} first")
        async with running(server, rich_bot(), path):
            assert texts(await answered(server, room)) == ["1: first"]


@pytest.mark.parametrize(
    ("shards", "ids"), [("0", ""), ("x", ""), ("2", "2"), ("", "0"), ("2", "a")]
)
def test_shards_that_are_none(shards: str, ids: str) -> None:
    """They are refused with what is possible."""
    with pytest.raises(AdapterError, match="shard"):
        DiscordAdapter(token=TOKEN, shards=shards, shard_ids=ids)
