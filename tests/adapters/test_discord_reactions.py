"""Reactions on Discord: the bot's own, and what it is told of other people's."""

from pathlib import Path
from typing import Any

import discord
import pytest
from adapters.discord_bots import running
from servers.discord_server import DiscordServer
from servers.discord_world import Channel, Message, Person

from chatstate import Interface, MessageRef, React, User
from chatstate.stores.sqlite import SQLiteStore

REACT = "PUT /channels/{channel_id}/messages/{message_id}/reactions/{emoji_name}/@me"


def reacting(*answers: Any) -> Interface:
    """Return a bot that answers so, one after the other, to what is said and to `/like`."""
    bot, left = Interface(id="reacting"), list(answers)

    @bot.on_message
    def react(_message: str) -> Any:
        return left.pop(0)

    @bot.command
    def like() -> Any:
        """Like what was said."""
        return left.pop(0)

    return bot


def own(server: DiscordServer, message: Message) -> list[str]:
    """Return the bot's reactions to a message."""
    return [emoji for emoji, people in message.reactions.items() if server.bot.id in people]


async def until_own(server: DiscordServer, message: Message, emoji: list[str]) -> None:
    """Return when the bot's reactions to a message are these."""
    await server.wait_for(lambda: own(server, message) == emoji)


async def until_shown(server: DiscordServer, place: Channel, count: int) -> None:
    """Return when the bot shows so many messages in a place."""
    await server.wait_for(lambda: len(server.messages(place)) == count)


async def until_called(server: DiscordServer, count: int) -> None:
    """Return when so many reactions were to be set."""
    await server.wait_for(lambda: sum(call.route == REACT for call in server.calls) >= count)


@pytest.mark.parametrize(
    ("emoji", "shown"), [("👍", "👍"), ("<:party:77>", "party:77"), ("<a:spin:78>", "spin:78")]
)
async def test_a_reaction_is_shown(
    server: DiscordServer, alice: Person, path: Path, emoji: str, shown: str
) -> None:
    """Also one that is a guild's own."""
    async with running(server, reacting(React(emoji)), path):
        said = await server.say(alice, server.dm(alice), "hi")
        await server.wait_for(lambda: own(server, said) == [shown])


async def test_others_of_its_own_are_taken_away(
    server: DiscordServer, alice: Person, room: Channel, path: Path
) -> None:
    """Discord takes several; what other people have given stays."""
    said = server.bot_message(room, "before")
    answers = [React("❤\ufe0f", to=said.id), React(None, to=said.id)]
    async with running(server, reacting(*answers), path):
        for person, emoji in ((server.bot, "❤\ufe0f"), (server.bot, "party:77"), (alice, "🎉")):
            server.platform.react(said, person, emoji)
        for shown in (["❤\ufe0f"], []):
            await server.say(alice, room, server.bot.mention)
            await until_own(server, said, shown)
        assert said.reactions == {"🎉": [alice.id]}


async def test_a_command_may_react(server: DiscordServer, alice: Person, path: Path) -> None:
    """In the channel, to what it names; its waiting sign is taken away."""
    dm = server.dm(alice)
    said = server.bot_message(dm, "before")
    async with running(server, reacting(React("👍", to=said.id)), path):
        asked = await server.slash(alice, dm, "like")
        await server.wait_for(lambda: own(server, said) == ["👍"])
        await server.wait_for(lambda: asked.original and asked.original.deleted)


async def test_a_command_itself_is_answered(
    server: DiscordServer, alice: Person, path: Path
) -> None:
    """It is no message that could be reacted to."""
    async with running(server, reacting(React("👍")), path):
        asked = await server.slash(alice, server.dm(alice), "like")
        await server.wait_for(lambda: asked.original and asked.original.content == "👍")


async def test_what_somebody_could_mend_is_a_dead_letter(
    server: DiscordServer, alice: Person, room: Channel, path: Path
) -> None:
    """No such emoji, no permission. That the author has blocked the bot is nobody's fault."""
    mention, answers = server.bot.mention, [React("ok"), React("👍"), React("👍")]
    async with running(server, reacting(*answers), path):
        for number, (denied, code) in enumerate([("", 0), ("ADD_REACTIONS", 0), ("", 90001)], 1):
            room.denied = {denied} - {""}
            if code:
                server.faults.fail(REACT, 403, code=code, message="Reaction blocked")
            await server.say(alice, room, mention)
            await until_called(server, number)
    letters = [letter.error for letter in await SQLiteStore(path).list("dead")]
    assert len(letters) == 2
    assert any("no such emoji" in letter for letter in letters)
    assert any("that permission" in letter for letter in letters)


def told_of_reactions() -> tuple[Interface, list[Any]]:
    """Return a bot that is told of reactions, and what it is told."""
    bot, seen = Interface(id="told"), list[Any]()

    @bot.on_reaction
    def react(added: Any, removed: Any, by: User | None, target: MessageRef) -> str:
        seen.append((added, removed, by and by.id, target.id))
        return "seen"

    return bot, seen


async def test_what_people_give_and_take_is_told(
    server: DiscordServer, alice: Person, room: Channel, path: Path
) -> None:
    """In guilds and in private; not what the bot gives itself."""
    bot, seen = told_of_reactions()
    async with running(server, bot, path):
        for place in (room, server.dm(alice)):
            said = server.bot_message(place, "hi")
            server.platform.react(said, server.bot, "👍")
            await server.react(alice, said, "👍")
            await server.unreact(alice, said, "👍")
            await server.react(alice, said, "party:77")
            await until_shown(server, place, 4)
            assert seen == [
                (("👍",), (), alice.id, said.id),
                ((), ("👍",), alice.id, said.id),
                (("<:party:77>",), (), alice.id, said.id),
            ]
            seen.clear()


@pytest.mark.parametrize("is_told", [True, False])
async def test_they_are_asked_for_if_a_handler_wants_them(
    server: DiscordServer, path: Path, *, is_told: bool
) -> None:
    """By their intents, in guilds and in private."""
    async with running(server, told_of_reactions()[0] if is_told else reacting(), path):
        (session,) = server.gateway.sessions.values()
        wanted = discord.Intents(guild_reactions=True, dm_reactions=True).value
        assert session.intents & wanted == (wanted if is_told else 0)
