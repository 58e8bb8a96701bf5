"""What may be called on Discord by its own names: the routes of its API.

1. A route is a method and a path, as Discord's documentation writes it:
   "POST /channels/{channel.id}/messages". What the path names in braces is an argument.
2. What the adapter does itself is refused: it acknowledges interactions within the seconds that
   Discord gives, and registers the bot's commands.
3. To ask, to replace, to change and to remove may be done twice; what a POST makes it makes twice.
4. This needs nothing of discord.py: `Native` reads it where it is made.
"""

from __future__ import annotations

import re

from chatstate.adapter import Natives

NATIVES = Natives(
    pattern=r"(GET|POST|PUT|PATCH|DELETE) (/([\w@~:%-]+|\{[\w.]+\}))+",
    example="POST /channels/{channel_id}/messages",
    refused={
        r"post /interactions/.*": "the adapter itself answers interactions, within their seconds",
        r"(put|post|patch|delete) /applications/.*/commands.*": (
            "the adapter itself registers the commands; write @bot.command"
        ),
    },
)

_HARMLESS_POSTS = re.compile(r"POST .*/(typing|messages/bulk-delete)")


def is_repeatable(method: str) -> bool:
    """Tell whether to call a route twice does no more than to call it once."""
    return not method.startswith("POST ") or bool(_HARMLESS_POSTS.fullmatch(method))
