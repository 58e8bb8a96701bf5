"""The bot's own reaction to a message: one, as everywhere, though Discord takes several."""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from typing import Any

import discord
from discord.http import HTTPClient

from chatstate.adapter import Action
from chatstate_discord.send import errors

log = logging.getLogger("chatstate.discord")

_OWN = re.compile(r"<a?:(\w+:\d+)>")
_PRESENTATION = "\ufe0f"


async def react(http: HTTPClient, action: Action) -> None:
    """Set the bot's reaction, and take away others of its own.

    There is nothing to do where the message is gone, or its author has blocked the bot.
    """
    channel, message = int(action.thread or action.chat), int(action.message or 0)
    emoji = _name_of(str(action.part.content["reaction"]))
    try:
        told: Any = await http.get_message(channel, message)
        for reaction in told.get("reactions") or ():
            if reaction["me"] and not _is_same(other := _as_told(reaction["emoji"]), emoji):
                await http.remove_own_reaction(channel, message, other)
        if emoji:
            await http.add_reaction(channel, message, emoji)
    except discord.HTTPException as error:
        if error.code not in (errors.UNKNOWN_MESSAGE, errors.REACTION_BLOCKED):
            raise
        log.info("message %s takes no reaction of the bot's: %s", message, error.text)


def _name_of(emoji: str) -> str:
    """Return an emoji as a path names it: one of a guild's own, `<:name:id>`, as `name:id`."""
    own = _OWN.fullmatch(emoji)
    return own[1] if own else emoji


def _as_told(emoji: Mapping[str, Any]) -> str:
    return f"{emoji['name']}:{emoji['id']}" if emoji.get("id") else str(emoji["name"])


def _is_same(emoji: str, other: str) -> bool:
    return emoji.replace(_PRESENTATION, "") == other.replace(_PRESENTATION, "")
