"""Slash commands and presses, as they are answered by their tokens.

1. A command is acknowledged with a waiting sign, the "original". Its first answer replaces that,
   by the interaction's token alone: from any process, as often as needed, for 15 minutes. A poll
   or a sticker, which cannot, is a message in the channel, or a follow-up, and the sign goes.
2. What follows, and what answers a press, are messages in the channel, which know nonces.
3. What only the person may see replaces the original if the person alone sees that, too. Else it
   is a follow-up, the one call that a repetition doubles. So is what comes in place of a message
   that the person alone saw.
4. A waiting sign that no answer replaces is taken away.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import Any, Literal

import discord
from discord.http import HTTPClient, Route
from msgspec.structs import replace

from chatstate.adapter import Action, Part, Sent
from chatstate_discord.receive.interactions import Origin, origin_of
from chatstate_discord.send import errors, parts
from chatstate_discord.send.acknowledging import Acknowledging
from chatstate_discord.send.requests import request

TOKEN_SECONDS = 15 * 60.0
_MARGIN = 5.0  # of a call on its way, and of a time in whole seconds
_LOADING = 1 << 7
_KEPT = 1000
_GONE = (
    errors.UNKNOWN_MESSAGE,
    errors.UNKNOWN_WEBHOOK,
    errors.UNKNOWN_INTERACTION,
    errors.TOKEN_OVER,
)


def is_open(origin: Origin, now: float) -> bool:
    """Tell whether an interaction can still be answered by its token: `now` by Discord's time."""
    return now < origin.began + TOKEN_SECONDS - _MARGIN


def for_whom_it_was(action: Action) -> Action:
    """Return an action for one person alone, if it takes the place of what that one alone saw."""
    origin = origin_of(action.origin) if action.verb == "send" and action.message else None
    if origin is None or origin.hidden != action.message:
        return action
    content = {**action.part.content, "ephemeral": True}
    return replace(action, part=replace(action.part, content=content))


class Answers:
    """Answers interactions by their tokens."""

    def __init__(self, acknowledging: Acknowledging) -> None:
        self._acknowledging = acknowledging
        self._originals: OrderedDict[str, str] = OrderedDict()

    async def answer(self, http: HTTPClient, origin: Origin, action: Action) -> Sent | None:
        """Make a call that answers an interaction; None if it is to be made in the channel."""
        if action.verb == "finish":
            if origin.is_press:
                await self._acknowledging.over(origin)
            else:
                await self._acknowledging.answered(origin, hidden=True)
                await self._remove(http, origin)
            return Sent()
        if action.verb == "send":
            return await self._send(http, origin, action)
        if origin.hidden is not None and origin.hidden == action.message:
            await self._acknowledging.over(origin)
            return await self._replace(http, origin, action)
        if origin.is_press or action.number or action.verb == "reaction":
            return None
        if action.verb == "typing":
            return Sent()  # the waiting sign is there
        await self._acknowledging.answered(origin, hidden=True)
        return await self._replace_or_remove(http, origin, action)

    async def follow_up(self, http: HTTPClient, origin: Origin, part: Part) -> Sent:
        """Send a part as a message of the interaction's, where the bot may not write itself."""
        await self._acknowledging.over(origin)
        path = "/webhooks/{webhook_id}/{webhook_token}"
        route = Route("POST", path, webhook_id=int(origin.app), webhook_token=origin.token)
        body = parts.new_message(parts.without_sticker(part))
        sent = await request(http, route, body, part.files)
        return Sent(str(sent["id"]))

    async def _send(self, http: HTTPClient, origin: Origin, action: Action) -> Sent | None:
        is_ephemeral = bool(action.part.content.get("ephemeral"))
        try:
            if not origin.is_press and action.number == 0:
                hidden = await self._acknowledging.answered(origin, hidden=is_ephemeral)
                if hidden == is_ephemeral and not parts.comes_new(action.part):
                    return await self._replace(http, origin, action)
                await self._remove(http, origin)
            return await self.follow_up(http, origin, action.part) if is_ephemeral else None
        except discord.HTTPException as error:
            if error.code in _GONE:
                return None
            raise

    async def _replace(self, http: HTTPClient, origin: Origin, action: Action) -> Sent:
        """Show a part, or nothing any more, in place of the original."""
        if action.verb == "delete":
            await self._remove(http, origin)
            return Sent()
        body = parts.changed_message(action.part)
        sent = await request(http, _original("PATCH", origin), body, action.part.files)
        message = str(sent["id"])
        if not origin.is_press:
            self._originals[origin.id] = message
            if len(self._originals) > _KEPT:
                self._originals.popitem(last=False)
        return Sent(message)

    async def _replace_or_remove(
        self, http: HTTPClient, origin: Origin, action: Action
    ) -> Sent | None:
        """Change the original if it is meant; else take its waiting sign away."""
        if self._originals.get(origin.id) == action.message:
            return await self._replace(http, origin, action)
        try:
            original: Any = await http.request(_original("GET", origin))
        except discord.HTTPException as error:
            if error.code in _GONE:
                return None
            raise
        if str(original["id"]) == action.message:
            return await self._replace(http, origin, action)
        if original.get("flags", 0) & _LOADING:
            await self._remove(http, origin)
        return None

    async def _remove(self, http: HTTPClient, origin: Origin) -> None:
        try:
            await http.request(_original("DELETE", origin))
        except discord.HTTPException as error:
            if error.code not in _GONE:
                raise


def _original(method: Literal["GET", "PATCH", "DELETE"], origin: Origin) -> Route:
    path = "/webhooks/{webhook_id}/{webhook_token}/messages/@original"
    return Route(method, path, webhook_id=int(origin.app), webhook_token=origin.token)
