"""What a reply adds to the calls that send it: `Reply(native={"telegram": {...}})`.

1. It adds, and replaces nothing: where a message goes, what it says and its buttons are
   the reply's.
2. A reply may be sent by one of several methods, or replace a message. What python-telegram-bot
   knows for another of these and not for the one that is called is left out. What it does not know
   at all is new, and is sent.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from functools import cache
from typing import Any

from telegram import Bot

from chatstate import ReplyError
from chatstate.adapter import Part, Post

_OF_THE_REPLY = frozenset(
    (
        *("chat_id", "message_thread_id", "message_id", "text", "entities", "parse_mode"),
        *("caption", "caption_entities", "media", "photo", "video", "audio", "voice", "document"),
        *("animation", "video_note", "sticker"),
        *("latitude", "longitude", "title", "address", "phone_number", "first_name"),
        *("question", "options", "is_anonymous", "allows_multiple_answers"),
    )
)
_METHODS = (
    *("sendMessage", "sendPhoto", "sendVideo", "sendAudio", "sendVoice"),
    *("sendDocument", "sendAnimation", "sendVideoNote", "sendSticker", "sendMediaGroup"),
    *("sendLocation", "sendVenue", "sendContact", "sendPoll"),
    *("editMessageText", "editMessageCaption", "editMessageMedia", "editMessageReplyMarkup"),
)


def checked(post: Post) -> Mapping[str, Any]:
    """Return what a post adds. Raises `ReplyError` for what is the reply's own."""
    has_keyboard = bool(post.buttons or post.suggestions)
    own = {*_OF_THE_REPLY, *(("reply_markup",) if has_keyboard else ())}
    if taken := sorted(own & post.native.keys()):
        raise ReplyError(
            f"Reply(native=...): {taken[0]} is told by the reply itself; a call of which all is "
            "yours is Native(...)"
        )
    return post.native


def extras(method: str, part: Part) -> dict[str, Any] | None:
    """Return what a part adds to the call of a method, for `api_kwargs`."""
    added: Mapping[str, Any] = part.content.get("native", {})
    taken = parameters(method)
    return {name: v for name, v in added.items() if name in taken or name not in _known()} or None


@cache
def parameters(method: str) -> Mapping[str, Any]:
    """Return what a method takes, with its defaults; nothing if the library does not know it."""
    known = getattr(Bot, method, None)
    if known is None:
        return {}
    return {name: found.default for name, found in inspect.signature(known).parameters.items()}


@cache
def _known() -> frozenset[str]:
    return frozenset(name for method in _METHODS for name in parameters(method))
