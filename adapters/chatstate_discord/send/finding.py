"""Whether a message was sent by a call whose outcome is unknown: it is looked for by its nonce.

1. The channel is read from its newest message back to some minutes before the call was begun.
2. A channel that shows nothing, or too much to be read, tells nothing.
3. Nor does one with a message of the bot's own that has no nonce, since that may be it: answers to
   interactions have none, and Discord keeps nonces for a while only. But what answers none is no
   message that Discord marks as such an answer.
4. What replaces a waiting sign changes nothing when it is repeated: that is as good as absent. What
   one person alone sees is in no history.
"""

from __future__ import annotations

import time
from typing import Any

from discord.http import HTTPClient

from chatstate.adapter import Absent, Action, Found, Sent, Unknown
from chatstate_discord.clock import DiscordClock
from chatstate_discord.receive.content import Json
from chatstate_discord.receive.interactions import origin_of
from chatstate_discord.receive.wire import number_of, snowflake_of
from chatstate_discord.send.answers import is_open

_MARGIN = 15 * 60.0  # of clocks, and of a call on its way
_PAGE, _PAGES = 100, 10


async def find(http: HTTPClient, clock: DiscordClock, me: str, action: Action, nonce: str) -> Found:
    """Look for what an action sends; `me` is the bot's id. Raises what discord.py does."""
    origin = origin_of(action.origin)
    if origin and action.part.content.get("ephemeral"):
        return Unknown()
    if origin and not origin.is_press and action.number == 0 and is_open(origin, clock.now()):
        return Absent()
    floor = snowflake_of(_begun(action, clock) - _MARGIN)
    before: int | None = None
    for _ in range(_PAGES):
        page: Any = await http.logs_from(int(action.thread or action.chat), _PAGE, before=before)
        for message in page:
            if origin is None and _is_answer(message):
                continue
            if found := _told_by(message, me, nonce, floor):
                return found
        if len(page) < _PAGE:
            return Absent() if page or before else Unknown()
        before = min(number_of(message["id"]) for message in page)
    return Unknown()


def _begun(action: Action, clock: DiscordClock) -> float:
    """Return when an action was begun by Discord's time; long ago if nobody knows."""
    age = time.time() - (action.begun_at or 0.0)
    return clock.now() - age if age >= 0 else 0.0  # the machine's clock may have been set back


def _is_answer(message: Json) -> bool:
    """Tell whether a message answers an interaction."""
    return message.get("interaction_metadata") is not None


def _told_by(message: Json, me: str, nonce: str, floor: int) -> Found | None:
    """Return what a message tells, of those that come from the newest to older ones."""
    if str(message.get("nonce")) == nonce:
        return Sent(str(message["id"]))
    if number_of(message["id"]) < floor:
        return Absent()
    is_own = message["author"]["id"] == me
    return Unknown() if is_own and message.get("nonce") is None else None
