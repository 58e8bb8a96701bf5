"""The bot's menus of commands on Telegram: by scope and by language."""

from collections.abc import AsyncIterator

import pytest
from adapters.telegram_host import FakeHost, adapter_on, received
from servers.telegram_server import TelegramServer
from servers.telegram_world import command_key

from chatstate import Command, CommandGroup
from chatstate_telegram.menu import Place, menus

CONFIG = CommandGroup("config", "Settings.", {"de": "Einstellungen."})
VOTE = Command(
    "vote", "Vote.", translations={"de": "Abstimmen.", "pt-br": "Vote já.", "gsw": "Ja."}
)
KICK = Command("kick", "Throw out.", for_admins=True)
MINE = Command("mine", "", chats="private")
OURS = Command("ours", "Ours.", chats="group")
IN_GROUP = [Command(f"config {name}", name, groups=(CONFIG,)) for name in ("set", "show")]


@pytest.fixture
async def server() -> AsyncIterator[TelegramServer]:
    async with TelegramServer() as server:
        yield server
        assert not server.violations, server.violations


def names(commands: list[Command]) -> dict[str, list[str]]:
    return {
        place.scope: [name for name, _ in entries]
        for place, entries in menus(commands).items()
        if not place.language
    }


@pytest.mark.parametrize(
    ("commands", "expected"),
    [
        ([VOTE], {"default": ["vote"]}),
        (
            [VOTE, KICK],
            {
                "default": ["vote", "kick"],
                "all_group_chats": ["vote"],
                "all_chat_administrators": ["vote", "kick"],
            },
        ),
        ([VOTE, MINE], {"default": ["vote", "mine"], "all_group_chats": ["vote"]}),
        ([VOTE, OURS], {"default": ["vote"], "all_group_chats": ["vote", "ours"]}),
        ([*IN_GROUP, VOTE], {"default": ["config", "vote"]}),
        ([], {}),
    ],
)
def test_each_scope_lists_what_can_be_used_there(
    commands: list[Command], expected: dict[str, list[str]]
) -> None:
    """It has a menu of its own only if that differs; a group of commands is one entry."""
    assert names(commands) == expected


def test_each_language_has_a_menu() -> None:
    """Of two letters, as Telegram has them; what is not translated is in the bot's own."""
    found = {place.language: entries for place, entries in menus([*IN_GROUP, VOTE]).items()}
    assert found == {
        "": [("config", "Settings."), ("vote", "Vote.")],
        "de": [("config", "Einstellungen."), ("vote", "Abstimmen.")],
        "pt": [("config", "Settings."), ("vote", "Vote já.")],
    }


async def test_menus_are_published_and_taken_back(server: TelegramServer) -> None:
    """Each once; what is wanted no more is deleted, also in a later run."""
    host = FakeHost(commands=[VOTE, KICK])
    for _ in range(2):
        looked = len(server.called("getMyCommands"))
        async with received(adapter_on(server), host):
            await server.wait_for(lambda: len(server.called("getMyCommands")) == looked + 9)  # noqa: B023 - waited for here
            await server.wait_for(lambda: len(server.called("setMyCommands")) == 9)
    admins = Place("all_chat_administrators", "de")
    listed = server.command_lists[
        command_key({"scope": {"type": admins.scope}, "language_code": "de"})
    ]
    assert [entry["description"] for entry in listed] == ["Abstimmen.", "Throw out."]
    host._commands = [Command("vote", "Vote.")]
    async with received(adapter_on(server), host):
        await server.wait_for(lambda: server.commands == [("vote", "Vote.")])
    assert list(server.command_lists) == [command_key({})]
