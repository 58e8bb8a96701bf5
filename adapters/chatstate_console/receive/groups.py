"""Whom something is meant for that is said in a group: the same rules as on the platforms."""

from __future__ import annotations

import re
from typing import Literal

Groups = Literal["addressed", "all"]

_COMMAND = re.compile(r"(/\w+)@([^\s@]+)(.*)", re.DOTALL)


def heard(text: str, bot: str, groups: Groups, *, answers: bool = False) -> str | None:
    """Return what is said to the bot, without its name; None if that is for others.

    It is for the bot if it is a command, names `@bot`, or `answers` a message of the bot's; or if
    the bot listens to all. A command to another bot is never.
    """
    text_to_bot = _without_name(text, bot)
    is_named = text_to_bot != text
    command = _COMMAND.fullmatch(text_to_bot)
    if command:
        name, target, rest = command.groups()
        return f"{name}{rest}" if target.casefold() == bot.casefold() else None
    if is_named or answers or groups == "all" or text.startswith("/"):
        return text_to_bot
    return None


def _without_name(text: str, bot: str) -> str:
    """Return a text without the bot's name, and without the blanks that it leaves."""
    name = rf"(?<![\w/@])@{re.escape(bot)}(?![\w-])"
    text = re.sub(rf"^\s*{name}[ ,:;\n]*", "", text, flags=re.IGNORECASE)
    return re.sub(rf"[ ]*{name}", "", text, flags=re.IGNORECASE)
