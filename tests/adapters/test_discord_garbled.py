"""Whatever payloads come from Discord: the adapter goes on, and no message vanishes."""

import asyncio
import json
import sqlite3
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from adapters.discord_bots import running
from adapters.discord_driver import discord_server
from adapters.garbled import ODD_VALUES, PROFILE, VALUES, garbled
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from adapters import discord_payloads as told
from chatstate import Chat, Event, Interface, User
from chatstate_discord.receive.interactions import interaction, origin_of
from chatstate_discord.receive.wire import Me, Place, Unreadable, edited, message

Json = dict[str, Any]
ALL, ROOM = Me(told.ME, "all"), Place(Chat("11", "group", "room"))
WHO_WHERE_WHEN = ("id", "author", "timestamp", "webhook_id", "edited_timestamp")
NEW = (
    "content",
    "embeds",
    "poll",
    "sticker_items",
    "message_snapshots",
    "referenced_message",
    "components",
    "mentions",
    "attachments",
    "member",
    "type",
    "hologram",
)
SAID = [told.DIRECT, told.IN_GUILD, told.ANSWER, told.FILES, told.STICKER, told.JOINED]
DONE = [told.SLASH, told.PRESS]


def meant(read: Callable[[], Event | None]) -> Event | None:
    """Return what is delivered of a payload, in full or as far as it can be read."""
    try:
        return read()
    except Unreadable as error:
        return error.rest


@given(st.sampled_from(SAID).flatmap(lambda raw: garbled(raw, spared=WHO_WHERE_WHEN, new=NEW)))
@settings(PROFILE)
def test_no_message_vanishes(raw: Json) -> None:
    """As long as it tells who said it, and when, it is an event, whatever else it holds."""
    assert meant(lambda: message(raw, ALL, ROOM)), raw


@given(garbled(told.EDITED, spared=WHO_WHERE_WHEN, new=NEW))
@settings(PROFILE)
def test_no_edit_vanishes(raw: Json) -> None:
    """And it is none of the message itself."""
    event = meant(lambda: edited(raw, ALL, ROOM))
    assert event
    assert event.id != raw["id"]


SPARED = ("id", "token", "application_id", "user", "member", "channel", "channel_id", "type")


@given(st.sampled_from(DONE).flatmap(lambda raw: garbled(raw, spared=SPARED)))
@settings(PROFILE)
def test_no_interaction_vanishes(raw: Json) -> None:
    """And it can be answered."""
    event = meant(lambda: interaction(raw, {}))
    assert event
    origin = origin_of(event.origin)
    assert origin
    assert origin.token == raw["token"]


GUILD: Json = {
    "id": "10",
    "name": "Home",
    "roles": [{"id": "10", "name": "@everyone", "permissions": "0", "position": 0}],
    "channels": [{"id": "11", "type": 0, "name": "room", "position": 0, "last_message_id": "77"}],
    "threads": [told.THREAD | {"last_message_id": "78"}],
    "members": [],
    "system_channel_id": "11",
}
FRAMES = st.one_of(
    st.tuples(st.just("MESSAGE_CREATE"), st.sampled_from(SAID).flatmap(garbled)),
    st.tuples(st.just("MESSAGE_UPDATE"), garbled(told.EDITED)),
    st.tuples(st.just("INTERACTION_CREATE"), st.sampled_from(DONE).flatmap(garbled)),
    st.tuples(st.just("GUILD_MEMBER_ADD"), garbled({**told.MEMBER, **told.LEFT})),
    st.tuples(st.just("GUILD_MEMBER_REMOVE"), garbled(told.LEFT)),
    st.tuples(st.just("GUILD_CREATE"), garbled(GUILD)),
    st.tuples(st.just("GUILD_DELETE"), garbled({"id": "10", "unavailable": True})),
    st.tuples(st.just("RESUMED"), garbled({"_trace": []})),
    st.tuples(st.sampled_from(["MESSAGE_CREATE", "GUILD_CREATE", "INTERACTION_CREATE"]), VALUES),
)


async def told_of(frames: list[tuple[str, Any]], path: Path) -> None:
    """Let the gateway tell of all that, and then of somebody who says hi."""
    bot = Interface(id="patient")

    @bot.on_message
    def answer(text: str) -> str | None:
        return "hello" if text == "hi" else None

    async with discord_server() as server, running(server, bot, path):
        dm = server.dm(server.person(41, "Carol"))
        for event, data in frames:
            server.gateway.send_raw(json.dumps({"op": 0, "t": event, "s": None, "d": data}))
        await server.say(server.person(41, "Carol"), dm, "hi")
        await server.wait_for(lambda: server.messages(dm), 30)
        assert server.messages(dm)[0].content == "hello"
        assert len(server.gateway.identifies) == 1
        server.violations.clear()  # it was asked for what odd payloads have named


@given(st.lists(FRAMES, min_size=20, max_size=40))
@settings(PROFILE, max_examples=16, phases=[Phase.explicit, Phase.reuse, Phase.generate])
def test_no_payload_ends_the_connection(frames: list[tuple[str, Any]]) -> None:
    """What comes later is answered, in the same session."""
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(told_of(frames, Path(folder) / "bot.db"))


@pytest.mark.parametrize("place", ODD_VALUES, ids=repr)
async def test_a_place_that_is_none_is_not_read_back(place: object, tmp_path: Path) -> None:
    """What is kept for the next start names channels alone, and can be written."""
    where = {"channel_id": place}
    odd = [("MESSAGE_CREATE", told.DIRECT | where), ("MESSAGE_UPDATE", told.EDITED | where)]
    await told_of(odd, tmp_path / "bot.db")
    with sqlite3.connect(tmp_path / "bot.db") as file:
        ((cursor,),) = file.execute("SELECT cursor FROM cursors").fetchall()
    assert all(channel.isdecimal() for channel in json.loads(cursor)["private"])


async def test_what_can_be_read_of_a_payload_is_told(tmp_path: Path) -> None:
    """Who did it, and where, is enough to be answered; by its token if it is an interaction."""
    bot = Interface(id="patient")

    @bot.on_other
    def answer(user: User) -> str:
        return f"what did you do, {user.name}?"

    async with discord_server() as server, running(server, bot, tmp_path / "bot.db"):
        carol = server.person(42, "Alice")
        dm = server.dm(carol)
        odd = told.DIRECT | {"channel_id": dm.id, "content": "", "poll": 5}
        server.gateway.send_raw(json.dumps({"op": 0, "t": "MESSAGE_CREATE", "s": None, "d": odd}))
        (shown,) = await server.wait_for(lambda: server.messages(dm))
        assert shown.content == "what did you do, Alice?"
        message = server.bot_message(dm, "Choose", [("Yes", "yes")])
        pressed = await server.press(carol, message, custom_id=[5])  # type: ignore[arg-type]  # that is odd
        await server.wait_for(lambda: pressed.original and pressed.original.content)
