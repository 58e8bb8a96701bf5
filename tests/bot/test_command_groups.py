"""Commands in groups, hidden ones, those of some chats, and how they are told of."""

from typing import Any

import pytest
from support import texts

from chatstate import (
    BindingError,
    Command,
    CommandGroup,
    CommandOption,
    Interface,
    Message,
    PerChat,
)
from chatstate.testing import TestClient


def made() -> Interface:
    """Return a bot with a group of commands, which has one itself."""
    bot = Interface(id="bot")
    config = bot.group("config", description={"en": "Settings.", "de": "Einstellungen."})

    @config.command(name="set")
    def change(key: str, value: str, kept: PerChat[dict[str, str]]) -> str:
        """Change a setting."""
        kept[key] = value
        return f"{key} is {value}"

    @config.command(description="Show all.")
    def show(kept: PerChat[dict[str, str]]) -> str:
        return str(kept)

    config.group("log").command(name="clear")(lambda: "cleared")
    return bot


async def test_a_command_of_a_group_is_sent_with_its_groups() -> None:
    """In upper or lower case, and with any blanks between."""
    async with TestClient(made()) as client:
        alice = client.user("alice")
        assert await texts(alice, '/Config  SET "the key" a value') == ["the key is a value"]
        assert await texts(alice, "/config show") == ["{'the key': 'a value'}"]
        assert await texts(alice, "/config log clear") == ["cleared"]
        missing = "Something is missing: value. Send it like this: /config set key value"
        assert await texts(alice, "/config set key") == [missing]


@pytest.mark.parametrize(
    ("said", "usages"),
    [
        ("/config", "/config set key value, /config show, /config log clear"),
        ("/config sett 1", "/config set key value, /config show, /config log clear"),
        ("/config log", "/config log clear"),
    ],
)
async def test_whoever_sends_a_group_is_told_what_is_in_it(said: str, usages: str) -> None:
    """Also in a group chat: it is meant for the bot."""
    async with TestClient(made()) as client:
        for person in (client.user("alice"), client.user("alice", chat="room")):
            assert await texts(person, said) == [f"What shall I do? Send one of: {usages}"]


def test_commands_of_groups_are_told_to_platforms() -> None:
    """By their whole names, with what their groups are."""
    config = CommandGroup("config", "Settings.", {"en": "Settings.", "de": "Einstellungen."})
    options = (CommandOption("key"), CommandOption("value"))
    assert made().commands[:3] == [
        Command("config set", "Change a setting.", "/config set key value", options, {}, (config,)),
        Command("config show", "Show all.", "/config show", (), {}, (config,)),
        Command("config log clear", "", "/config log clear", (), {}, (config, CommandGroup("log"))),
    ]


async def test_what_a_group_allows_holds_for_its_commands() -> None:
    """Beside what they allow themselves, also in help."""
    bot = Interface(id="bot", owners=["test:carol", "test:bob"])
    config = bot.group("config", allow=is_not_bob, limits="1/minute")
    config.command(name="a")(lambda: "a")
    config.command(name="b", allow="owners")(lambda: "b")
    async with TestClient(bot) as client:
        said = {
            name: [(await texts(client.user(name), f"/config {c}"))[0][:8] for c in "ab"]
            for name in ("alice", "bob", "carol")
        }
        assert said == {
            "alice": ["a", "Sorry, y"],
            "bob": ["Sorry, y", "Sorry, y"],
            "carol": ["a", "b"],
        }
        assert (await texts(client.user("alice"), "/config a"))[0].startswith("That was often")
        assert "/config a\n" in (await texts(client.user("alice"), "/help"))[0]
        assert "/config" not in (await texts(client.user("bob"), "/help"))[0]


def is_not_bob(message: Message) -> bool:
    return bool(message.sender.id != "bob")


def nothing() -> None: ...


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        (
            lambda bot: bot.command(name="config")(nothing),
            "answers /config set already, so nothing",
        ),
        (
            lambda bot: bot.group("config").command(name="set")(nothing),
            "answers /config set already",
        ),
        (lambda bot: bot.group("config").command(name="log")(nothing), "answers /config log clear"),
        (
            lambda bot: bot.group("config").group("set").command(nothing),
            "answers /config set already",
        ),
        (lambda bot: bot.group("a").group("b").group("c"), "group 'c' is too deep"),
        (lambda bot: bot.group("a b"), "'a b' cannot be a command"),
        (lambda bot: bot.group("a").command(name="ü"), "'ü' cannot be a command"),
        (lambda bot: bot.group("a", description=7), "description=7: use a text"),
        (lambda bot: bot.command(description={"no tag": ""}), "'no tag' is no language"),
        (lambda bot: bot.command(chats="channel"), 'chats=\'channel\': use "private" or "group"'),
    ],
)
def test_names_that_stand_in_each_others_way_are_errors(wrong: Any, why: str) -> None:
    """And so is whatever else cannot be said of a command."""
    with pytest.raises(BindingError, match=why):
        made_of = wrong(made())
        if callable(made_of):
            made_of(nothing)


def test_a_group_takes_the_place_of_our_own_command() -> None:
    """As an author's command does."""
    bot = Interface(id="bot")
    bot.group("help").command(name="me")(lambda: "x")
    assert [command.name for command in bot.commands] == ["help me"]


async def test_bots_that_are_included_bring_their_groups() -> None:
    """Two may add to one group, but not answer the same."""
    outer, inner = Interface(id="outer"), made()
    outer.group("config").command(name="load")(lambda: "loaded")
    outer.include(inner)
    async with TestClient(outer) as client:
        alice = client.user("alice")
        assert await texts(alice, "/config load") == ["loaded"]
        assert await texts(alice, "/config log clear") == ["cleared"]
    other = Interface(id="other")
    other.command(name="config")(lambda: "x")
    with pytest.raises(BindingError, match="answer /config set; keep one of them"):
        other.include(made())


async def test_a_hidden_command_is_nowhere_to_be_seen() -> None:
    """And works."""
    bot = Interface(id="bot")
    bot.command(name="secret", hidden=True)(lambda: "found")
    bot.group("more").command(name="secret", hidden=True)(lambda: "found, too")
    bot.group("more").command(name="plain")(lambda: "plain")
    assert [command.name for command in bot.commands] == ["more plain", "help"]
    async with TestClient(bot) as client:
        alice = client.user("alice")
        assert await texts(alice, "/secret") == ["found"]
        assert await texts(alice, "/more secret") == ["found, too"]
        assert "secret" not in (await texts(alice, "/help"))[0]
        assert "secret" not in (await texts(alice, "/more"))[0]


async def test_a_command_may_be_for_some_chats_alone() -> None:
    """Elsewhere the person is told so, and it is not in the help."""
    bot = Interface(id="bot")
    bot.command(name="mine", chats="private")(lambda: "yours")
    bot.command(name="ours", chats="group")(lambda: "ours")
    async with TestClient(bot) as client:
        alone, together = client.user("alice"), client.user("alice", chat="room")
        assert await texts(alone, "/mine") == ["yours"]
        assert await texts(together, "/mine") == ["Please send me that in private."]
        assert await texts(alone, "/ours") == ["That is only for groups."]
        assert await texts(together, "/ours") == ["ours"]
        assert "/ours" not in (await texts(alone, "/help"))[0]
        assert "/mine" not in (await texts(together, "/help"))[0]


async def test_a_command_is_described_in_the_persons_language() -> None:
    """Its docstring is for all others; ours are told to platforms in the same languages."""
    bot = Interface(id="bot")

    @bot.command(description={"de": "Stimme ab.", "pt-BR": "Vote já."})
    def vote() -> str:
        """Vote."""
        return "x"

    voting, helping = bot.commands
    assert (voting.description, voting.described("de-AT")) == ("Vote.", "Stimme ab.")
    assert (voting.described("pt-BR"), voting.described("pt")) == ("Vote já.", "Vote.")
    assert helping.translations == {"de": "Diese Hilfe zeigen.", "pt-br": "Show this help."}
    async with TestClient(bot) as client:
        german = (await texts(client.user("a", language="de-DE"), "/help"))[0]
        assert german.endswith("/vote - Stimme ab.\n/help - Diese Hilfe zeigen.")
        french = (await texts(client.user("b", language="fr"), "/help"))[0]
        assert french.endswith("/vote - Vote.\n/help - Show this help.")


def test_who_may_use_a_command_is_told_to_platforms() -> None:
    """Those for admins alone; if others may too, a platform cannot know whom."""
    bot = Interface(id="bot", owners=["fake:alice"])
    bot.command(name="a", allow="admins")(lambda: "a")
    bot.command(name="b", allow=["admins", "owners"])(lambda: "b")
    bot.group("c", allow="admins").command(name="d")(lambda: "d")
    found = {command.name: command.for_admins for command in bot.commands}
    assert found == {"a": True, "b": False, "c d": True, "help": False}
