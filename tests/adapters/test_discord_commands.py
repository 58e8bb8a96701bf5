"""Commands in groups and menus, as Discord knows them: the real discord.py, the test server."""

import asyncio
import logging
from pathlib import Path
from typing import Annotated, Any

import pytest
from adapters.discord_bots import running, texts
from servers.discord_server import DiscordServer
from servers.discord_world import Channel, Person

from chatstate import Arg, Command, CommandGroup, Complete, Interface, Message, User
from chatstate_discord import menu
from chatstate_discord.send import acknowledging


def many_sided() -> Interface:
    """Return a bot with groups, menus, admins' commands and those of some chats alone."""
    bot = Interface(id="many")
    config = bot.group("config", description={"en": "Settings", "de": "Einstellungen"})

    @config.command(name="set")
    def change(key: Annotated[str, Arg(description="which")], value: int) -> str:
        """Change a setting."""
        return f"{key} is {value}"

    @config.group("log").command(allow="admins")
    def clear() -> str:
        return "cleared"

    @bot.command(allow="admins", chats="group", description={"de": "Hinauswerfen"})
    def kick(who: Annotated[User, Arg]) -> str:
        """Throw somebody out."""
        return f"{who.name} is out"

    bot.command(name="mine", chats="private")(lambda: "yours")
    bot.command(name="secret", hidden=True)(lambda: "found")

    @bot.on_menu("Count words")
    def count(text: str, message: Message) -> str:
        said = message.reply_to
        return f"{len(text.split())} words of {said and said.sender and said.sender.name}"

    @bot.on_menu("Who is it?", of="user", command="who", allow="admins")
    def who(person: Annotated[User, Arg]) -> str:
        return f"{person.name} ({person.id})"

    return bot


async def shown(server: DiscordServer, place: Channel, count: int = 1) -> list[str]:
    """Return the texts of what the bot shows in a place, once there is so much."""

    def found() -> list[str]:
        return texts(server.messages(place))

    await server.wait_for(lambda: len(found()) >= count)
    return found()


async def test_commands_are_registered_as_what_they_are(server: DiscordServer, path: Path) -> None:
    """In groups, in menus, for admins, for some chats, and in other languages."""
    async with running(server, many_sided(), path):
        made = {(command["name"], command["type"]): command for command in server.commands}
    assert list(made) == [
        ("config", 1),
        ("kick", 1),
        ("mine", 1),
        ("help", 1),
        ("Who is it?", 2),
        ("Count words", 3),
    ]
    config, kick, mine, *_, who, count = made.values()
    change, log = config["options"]
    assert (change["type"], change["name"], change["description"]) == (
        1,
        "set",
        "Change a setting.",
    )
    assert [(o["name"], o["description"]) for o in change["options"]] == [
        ("key", "which"),
        ("value", "value"),
    ]
    assert (log["type"], log["options"][0]["type"], log["options"][0]["name"]) == (2, 1, "clear")
    assert config["description_localizations"] == {"de": "Einstellungen"}
    assert kick["description_localizations"] == {"de": "Hinauswerfen"}
    permissions = [found["default_member_permissions"] for found in (config, kick, who, count)]
    assert permissions == [None, "32", "32", None]
    assert (kick["contexts"], mine["contexts"], config["contexts"]) == ([0], [1], None)


@pytest.mark.parametrize("guild", [None, "10"])
async def test_they_are_registered_once(
    server: DiscordServer, room: Channel, path: Path, guild: str | None
) -> None:
    """What Discord tells of them again is what it was told."""
    for _ in range(2):
        async with running(server, many_sided(), path, registers=guild is None, guild=guild):
            await server.wait_for(lambda: server.world.commands.get(guild))
            await server.wait_for(lambda: _count(server, "GET") == len(server.gateway.identifies))
    assert _count(server, "PUT") == 1


def _count(server: DiscordServer, method: str) -> int:
    return sum(call.route.startswith(f"{method} /applications") for call in server.calls)


async def test_a_command_of_a_group_is_answered(
    server: DiscordServer, alice: Person, room: Channel, path: Path
) -> None:
    """At each depth, with its typed arguments."""
    room.guild.admins.add(alice.id) if room.guild else None
    async with running(server, many_sided(), path):
        await server.slash(alice, room, "config set", {"key": "the size", "value": 3})
        assert await shown(server, room) == ["the size is 3"]
        await server.slash(alice, room, "config log clear", {})
        assert await shown(server, room, 2) == ["the size is 3", "cleared"]


async def test_what_is_chosen_in_a_menu_is_answered(
    server: DiscordServer, alice: Person, room: Channel, path: Path
) -> None:
    """A message by its words, which the bot sees though it may read no others; a person."""
    bob = server.person(43, "Bob")
    said = await server.say(bob, room, "three words here")
    room.guild.admins.add(alice.id) if room.guild else None
    async with running(server, many_sided(), path):
        await server.choose(alice, room, "Count words", said)
        assert await shown(server, room) == ["3 words of Bob"]
        await server.choose(alice, room, "Who is it?", bob)
        assert await shown(server, room, 2) == ["3 words of Bob", "Bob (43)"]


async def test_what_may_be_typed_is_offered(
    server: DiscordServer, alice: Person, room: Channel, path: Path
) -> None:
    """As many texts as Discord shows, and none that it refuses; then it is typed as anything."""

    def offers(typed: str) -> list[str]:
        return ["x" * 101, "", *(f"{typed}{number}" for number in range(30))]

    bot = Interface(id="bot")

    @bot.command
    def weather(days: int, city: Annotated[str, Complete(offers)]) -> str:
        return f"{city} in {days}"

    async with running(server, bot, path):
        asked = await server.begin(alice, room, "weather", {"days": 3, "city": "B"})
        await server.wait_for(lambda: asked.callback)
        assert asked.callback
        choices = asked.callback["data"]["choices"]
        assert [choice["value"] for choice in choices] == [f"B{number}" for number in range(25)]
        assert server.messages(room) == []
        await server.slash(alice, room, "weather", {"days": 3, "city": "Bonn"})
        assert await shown(server, room) == ["Bonn in 3"]


async def test_what_takes_too_long_is_offered_to_nobody(
    server: DiscordServer,
    alice: Person,
    room: Channel,
    path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """It is told in the log, and harms nothing."""
    monkeypatch.setattr(acknowledging, "_OFFER_SECONDS", 0.01)
    bot = Interface(id="bot")

    async def hangs(typed: str) -> list[str]:
        await asyncio.Event().wait()
        return [typed]

    @bot.command
    def weather(city: Annotated[str, Complete(hangs)]) -> str:
        return f"sunny in {city}"

    async with running(server, bot, path):
        asked = await server.begin(alice, room, "weather", {"city": "B"})
        while "longer than Discord waits" not in caplog.text:
            await asyncio.sleep(0)
        await server.slash(alice, room, "weather", {"city": "Bonn"})
        assert await shown(server, room) == ["sunny in Bonn"]
    assert asked.callback is None


async def test_a_bot_in_development_has_its_commands_in_one_guild(
    server: DiscordServer, alice: Person, room: Channel, path: Path
) -> None:
    """They are taken from there when it runs without, and then all guilds have them."""
    commands = server.world.commands
    async with running(server, many_sided(), path, registers=False, guild="10"):
        await server.wait_for(lambda: commands.get("10"))
        assert commands[None] == []
        await server.slash(alice, room, "config set", {"key": "a", "value": 3})
        assert await shown(server, room) == ["a is 3"]
    async with running(server, many_sided(), path):
        assert commands["10"] == []
        assert commands[None] != []


def test_what_there_is_no_room_for_is_left_out(caplog: pytest.LogCaptureFixture) -> None:
    """And told: it works when it is typed."""
    group = CommandGroup("g")
    inside = [Command(f"g c{number}", "x", groups=(group,)) for number in range(26)]
    in_menu = [_in_menu(number) for number in range(6)]
    with caplog.at_level(logging.WARNING):
        made = menu.definitions([*inside, *in_menu, *[Command(f"c{n}", "x") for n in range(100)]])
    assert (len(made), len(made[0]["options"])) == (105, 25)
    assert [record.getMessage().partition(":")[0] for record in caplog.records] == [
        "c25 is left out",
        "c99 is left out",
        "Title 5 is left out",
    ]


def _in_menu(number: int) -> Command:
    bot: Any = Interface(id="bot")
    bot.on_menu(f"Title {number}")(lambda text: text)
    (command, _) = bot.commands
    assert isinstance(command, Command)
    return command
