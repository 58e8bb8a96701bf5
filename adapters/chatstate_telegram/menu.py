"""The bot's menu of commands: published when it is not what the bot answers to."""

from __future__ import annotations

import logging
import re
from collections.abc import Sequence
from http import HTTPStatus

from telegram import Bot, BotCommand
from telegram.error import TelegramError
from tenacity import AsyncRetrying, retry_if_exception

from chatstate import Command
from chatstate_telegram.client import Refusal
from chatstate_telegram.receive.trouble import pause
from chatstate_telegram.send.errors import meaning

log = logging.getLogger("chatstate.telegram")

_NAME = re.compile(r"[a-z0-9_]{1,32}", re.ASCII)
_DESCRIPTION_LIMIT = 256
_COMMANDS_LIMIT = 100
_PASSING = (HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.CONFLICT)


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
    """Publish commands, if others are. A bot without any leaves the menu as it is.

    It is a courtesy: what may pass is tried again, and whatever else goes wrong is told once.
    """
    wanted = menu(commands)
    if not wanted:
        return
    retrying = AsyncRetrying(retry=retry_if_exception(_may_pass), wait=pause, reraise=True)
    try:
        await retrying(_set_if_changed, bot, wanted)
    except Exception as error:  # noqa: BLE001 - the bot can be talked to all the same
        log.warning("the menu of commands could not be published: %s", meaning(error))


async def _set_if_changed(bot: Bot, wanted: Sequence[tuple[str, str]]) -> None:
    listed = await bot.get_my_commands()
    if [(command.command, command.description) for command in listed] != wanted:
        await bot.set_my_commands([BotCommand(*command) for command in wanted])


def _may_pass(error: BaseException) -> bool:
    if isinstance(error, Refusal):
        return error.status in _PASSING or error.status >= HTTPStatus.INTERNAL_SERVER_ERROR
    return isinstance(error, TelegramError)
