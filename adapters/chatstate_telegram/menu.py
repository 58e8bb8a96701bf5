"""The bot's menus of commands: published where they are not what the bot answers to.

1. Groups, their admins and private chats have a menu of their own if it differs, and so has each
   language that a command is described in. What was published and is wanted no more is deleted.
2. A group of commands is one entry: Telegram's names have no blanks.
3. It is a courtesy: what may pass is tried again, and whatever else goes wrong is told once.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable, Mapping, Sequence
from http import HTTPStatus
from typing import Any, NamedTuple

import msgspec
from telegram import Bot, BotCommand, BotCommandScope
from telegram.error import TelegramError
from tenacity import AsyncRetrying, retry_if_exception

from chatstate import Command, CommandGroup
from chatstate.adapter import Host
from chatstate_telegram.client import Refusal
from chatstate_telegram.receive.trouble import pause
from chatstate_telegram.send.errors import meaning

log = logging.getLogger("chatstate.telegram")

_NAME = re.compile(r"[a-z0-9_]{1,32}", re.ASCII)
_LANGUAGE_LETTERS = 2
_DESCRIPTION_LIMIT = 256
_COMMANDS_LIMIT = 100
_PASSING = (HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.CONFLICT)
_PUBLISHED = "menus"
"""The name under which it is remembered where menus were published."""

Entries = Sequence[tuple[str, str]]


class Place(NamedTuple):
    """For whom a menu is: a scope of Telegram's, and a language, "" being all others."""

    scope: str = "default"
    language: str = ""

    @property
    def given(self) -> dict[str, Any]:
        """How a call of Telegram's is told of it."""
        scope: dict[str, Any] = (
            {} if self.scope == "default" else {"scope": BotCommandScope(self.scope)}
        )
        return {**scope, **({"language_code": self.language} if self.language else {})}


def menus(commands: Sequence[Command]) -> Mapping[Place, Entries]:
    """Return each menu that is to be published; none is empty."""
    fit = [command for command in commands if _fits(command)]
    languages = {"": "", **_languages(fit)}
    return {
        Place(scope, language): entries
        for scope, listed in _scopes(fit).items()
        for language, tag in languages.items()
        if (entries := menu(listed, tag))
    }


def menu(commands: Iterable[Command], language: str = "") -> Entries:
    """Return commands as Telegram lists them: at most 100, each described in a language."""
    listed: dict[str, str] = {}
    for command in commands:
        told = command.groups[0] if command.groups else command
        name = command.name.lower().partition(" ")[0]
        described = " ".join(told.described(language).split()) or f"/{name}"
        listed.setdefault(name, described[:_DESCRIPTION_LIMIT])
    return list(listed.items())[:_COMMANDS_LIMIT]


def _fits(command: Command) -> bool:
    fits = bool(_NAME.fullmatch(command.name.lower().partition(" ")[0]))
    if not fits:
        log.warning("/%s is not in Telegram's menu: its names are of a-z, 0-9, _", command.name)
    return fits


def _scopes(commands: Sequence[Command]) -> dict[str, Sequence[Command]]:
    """Return what is listed for whom; what has no list of its own has the one above."""
    private = [command for command in commands if command.chats != "group"]
    admins = [command for command in commands if command.chats != "private"]
    members = [command for command in admins if not command.for_admins]
    scopes: dict[str, Sequence[Command]] = {"default": private}
    if members != private:
        scopes["all_group_chats"] = members
    if admins != members:
        scopes["all_chat_administrators"] = admins
    return scopes


def _languages(commands: Iterable[Command]) -> dict[str, str]:
    """Return Telegram's languages, of two letters, with the tag that each stands for."""
    told: list[Command | CommandGroup] = []
    for command in commands:
        told += [command, *command.groups]
    tags = sorted({tag for part in told for tag in part.translations}, reverse=True)
    found = {tag.partition("-")[0]: tag for tag in tags}  # of "pt-br" and "pt" the wider is last
    return {code: tag for code, tag in found.items() if len(code) == _LANGUAGE_LETTERS}


async def publish(bot: Bot, host: Host) -> None:
    """Publish the bot's commands, where others are. A bot without any leaves the menus alone."""
    wanted = menus(host.commands)
    if not wanted:
        return
    retrying = AsyncRetrying(retry=retry_if_exception(_may_pass), wait=pause, reraise=True)
    try:
        await retrying(_publish, bot, host, wanted)
    except Exception as error:  # noqa: BLE001 - the bot can be talked to all the same
        log.warning("the menu of commands could not be published: %s", meaning(error))


async def _publish(bot: Bot, host: Host, wanted: Mapping[Place, Entries]) -> None:
    before = msgspec.json.decode(await host.recall(_PUBLISHED) or "[]", type=list[Place])
    for place in set(before) - set(wanted):
        await bot.delete_my_commands(**place.given)
    if set(before) != set(wanted):
        await host.remember(_PUBLISHED, msgspec.json.encode(list(wanted)).decode())
    for place, entries in wanted.items():
        await _set_if_changed(bot, place, entries)


async def _set_if_changed(bot: Bot, place: Place, wanted: Entries) -> None:
    listed = await bot.get_my_commands(**place.given)
    if [(command.command, command.description) for command in listed] != wanted:
        await bot.set_my_commands([BotCommand(*entry) for entry in wanted], **place.given)


def _may_pass(error: BaseException) -> bool:
    if isinstance(error, Refusal):
        return error.status in _PASSING or error.status >= HTTPStatus.INTERNAL_SERVER_ERROR
    return isinstance(error, TelegramError)
