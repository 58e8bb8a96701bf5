"""What may be called on the Bot API by its own names, and what of that may be repeated.

1. What would end the bot's polling, or its session with a server, is refused.
2. A method may be repeated if that does no harm: its first word says that it asks, or that it
   brings about what may be so already. What creates or sends something, or moves money, is not.
3. This needs nothing of python-telegram-bot: `Native` reads it where it is made.
"""

from __future__ import annotations

import re

from chatstate.adapter import Natives

_POLLS = (
    "the adapter itself receives what Telegram tells of; write @bot.on_message, or @bot.on(...)"
)
_WEBHOOK = "the adapter itself sets its webhook; give --telegram-webhook"
_SESSION = "it ends the bot's session with its Bot API server; do so by hand, while the bot is down"

NATIVES = Natives(
    pattern=r"[A-Za-z]+",
    example="sendPoll",
    refused={
        "getupdates": _POLLS,
        "setwebhook": _WEBHOOK,
        "deletewebhook": _WEBHOOK,
        "logout": _SESSION,
        "close": _SESSION,
    },
)

_HARMLESS = frozenset(
    (
        *("get", "set", "edit", "delete", "pin", "unpin", "hide", "unhide", "close", "reopen"),
        *("ban", "unban", "restrict", "promote", "approve", "decline", "answer", "verify"),
        *("remove", "read", "leave", "replace", "stop"),
    )
)
_WORD = re.compile(r"[a-z]+")


def is_repeatable(method: str) -> bool:
    """Tell whether to call a method twice does no more than to call it once."""
    word = _WORD.match(method)
    is_shown = method == "sendChatAction"
    return is_shown or (word is not None and word[0] in _HARMLESS)
