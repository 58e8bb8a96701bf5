"""The bot's menu of commands: published when it is not what the bot answers to."""

from __future__ import annotations

import logging
import re
from collections.abc import Sequence

from telegram import Bot, BotCommand

from chatstate import Command
from chatstate_telegram.receive.trouble import Trouble

log = logging.getLogger("chatstate.telegram")

_NAME = re.compile(r"[a-z0-9_]{1,32}", re.ASCII)
_DESCRIPTION_LIMIT = 256
_COMMANDS_LIMIT = 100


def menu(commands: Sequence[Command]) -> list[tuple[str, str]]:
    """Return commands as Telegram lists them: at most 100, of small letters, each described."""
    listed: list[tuple[str, str]] = []
    for command in commands:
        name = command.name.lower()
        if _NAME.fullmatch(name):
            described = " ".join(command.description.split()) or f"/{name}"
            listed.append((name, described[:_DESCRIPTION_LIMIT]))
        else:
            log.warning("/%s is not in Telegram's menu: its names are of a-z, 0-9, _", name)
    return listed[:_COMMANDS_LIMIT]


async def publish(bot: Bot, commands: Sequence[Command]) -> None:
    """Publish commands, if others are. A bot without any leaves the menu as it is."""
    wanted = menu(commands)
    if not wanted:
        return

    async def set_if_changed() -> None:
        listed = await bot.get_my_commands()
        if [(command.command, command.description) for command in listed] != wanted:
            await bot.set_my_commands([BotCommand(*command) for command in wanted])

    await Trouble().until_done(set_if_changed)
