"""Reactions, as Telegram tells of them. Pure functions on its JSON.

1. An admin of the chat who reacts as the chat itself is nobody: it is not told which one.
2. Telegram tells neither which topic the message is in, nor its text.
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import replace

from chatstate import Event, MessageRef, Reaction, User
from chatstate_telegram.receive.content import Json, identity
from chatstate_telegram.receive.others import other

PAID = "⭐"
_NOBODY: Json = {}


def reacted(update_id: str, raw: Json, me: int) -> Event | None:
    """Return how somebody's reactions to a message have changed; None if the bot's own have."""
    person: Json = raw.get("user") or _NOBODY
    behind: Json = raw.get("actor_chat") or _NOBODY
    if person.get("id") == me:
        return None
    before, now = _emoji(raw["old_reaction"]), _emoji(raw["new_reaction"])
    changed = Reaction(
        tuple(emoji for emoji in now if emoji not in before),
        tuple(emoji for emoji in before if emoji not in now),
        MessageRef(identity(raw["message_id"])),
    )
    event = other(update_id, "message_reaction", raw)
    message = replace(event.message, kind="reaction", reaction=changed)
    if behind.get("id") == raw["chat"]["id"]:
        message = replace(message, sender=User(""))
    return replace(event, message=message)


def _emoji(reactions: Sequence[Json]) -> list[str]:
    """Return what stands for each: its emoji, or the number of one that is somebody's own."""
    return [
        PAID if told["type"] == "paid" else str(told.get("emoji") or told["custom_emoji_id"])
        for told in reactions
    ]
