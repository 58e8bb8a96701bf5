"""The calls that send, edit and delete, on whatever connection there is.

1. What answers an interaction is made by its token while that is open, else in the channel.
2. A message is sent under a nonce, made of the store's salt and the action's key. The engine asks
   whether there is one of this nonce before it repeats a call whose outcome is unknown.
3. A preview, of which it does not ask, is repeated once under its nonce, so that its id is known.
4. Where the bot may not write, answers to interactions arrive as their follow-ups.
5. A private chat that has no channel yet gets one with the first call, and is called so then.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections import OrderedDict
from collections.abc import Awaitable
from typing import Any, TypeVar

import aiohttp
import discord
from discord.http import HTTPClient, Route
from msgspec.structs import replace

from chatstate import Ambiguous, Moved, Rejected, SendError, Unreachable
from chatstate.adapter import Action, Found, Host, Part, Sent, Unknown
from chatstate_discord.clock import DiscordClock
from chatstate_discord.receive.interactions import Origin, origin_of
from chatstate_discord.receive.others import private_with
from chatstate_discord.send import errors, native, parts
from chatstate_discord.send.acknowledging import Acknowledging
from chatstate_discord.send.answers import Answers, for_whom_it_was, is_open
from chatstate_discord.send.errors import code_of, meaning
from chatstate_discord.send.finding import find
from chatstate_discord.send.reactions import react
from chatstate_discord.send.requests import request

log = logging.getLogger("chatstate.discord")
T = TypeVar("T")

_CONNECT_SECONDS = 5.0
_ANSWER_SECONDS = 90.0  # within the minutes for which Discord knows a nonce
_BYTES_PER_SECOND = 100_000
_KEPT = 1000
_SALT = "salt"
_NO_STICKER = (errors.UNKNOWN_STICKER, errors.INVALID_STICKER)


class Calls:
    """Makes calls. `open` is told of each new connection, `close` of its end."""

    def __init__(
        self, acknowledging: Acknowledging, clock: DiscordClock, guild: native.Guild
    ) -> None:
        self._clock = clock
        self._guild = guild
        self._http: HTTPClient | None = None
        self._salt = ""
        self._opened = asyncio.Event()
        self._answers = Answers(acknowledging)
        self._channels: OrderedDict[str, str] = OrderedDict()

    def open(self, http: HTTPClient, salt: str) -> None:
        """Make calls on this from now on; `salt` goes into their nonces."""
        self._http, self._salt = http, salt
        self._opened.set()

    def close(self) -> None:
        """Make no calls, until there is another connection."""
        self._http = None
        self._opened.clear()

    async def http(self) -> HTTPClient:
        """Return the connection. Raises `Unreachable` if there is none, and none comes soon."""
        try:
            async with asyncio.timeout(_CONNECT_SECONDS):
                await self._opened.wait()
        except TimeoutError:
            pass
        if self._http is None:
            raise Unreachable("there is no connection to Discord")
        return self._http

    async def perform(self, action: Action) -> Sent:
        """Make one call, and tell what came of it as the contract of adapters wants it."""
        action = for_whom_it_was(action)
        size = sum(file.size for file in action.part.files)
        seconds = _ANSWER_SECONDS + size / _BYTES_PER_SECOND
        try:
            return await self._told(self._make(action), seconds)
        except Ambiguous as unclear:
            if not action.preview:
                raise
            log.info("a preview is repeated under its nonce: %s", unclear)
        return await self._told(self._make(action), seconds)

    async def direct_channel(self, user: str) -> str:
        """Return the id of the channel with somebody: asked for once, as it never changes."""
        if user in self._channels:
            return self._channels[user]
        return await self._told(self._open_direct(user), _ANSWER_SECONDS)

    async def _open_direct(self, user: str) -> str:
        if not user.isdecimal():
            raise Rejected(f"{user!r} is no person's id on Discord")
        opened: Any = await (await self.http()).start_private_message(int(user))
        self._channels[user] = channel = str(opened["id"])
        if len(self._channels) > _KEPT:
            self._channels.popitem(last=False)
        return channel

    async def find(self, action: Action, me: str) -> Found:
        """Tell whether a message was sent; see `finding`. `me` is the bot's id."""
        return await self._told(self._find(for_whom_it_was(action), me), _ANSWER_SECONDS)

    async def _find(self, action: Action, me: str) -> Found:
        if action.verb == "native":
            if not native.is_findable(action.part):
                return Unknown()
            action = replace(action, origin=None)  # it answers no interaction
        return await find(await self.http(), self._clock, me, action, self._nonce(action))

    async def _told(self, call: Awaitable[T], seconds: float) -> T:
        """Return what a call gives within some time, or raise what its failure means."""
        try:
            async with asyncio.timeout(seconds):
                return await call
        except (discord.DiscordException, aiohttp.ClientError, OSError, SendError) as error:
            raise meaning(error) from error

    async def _make(self, action: Action) -> Sent:
        http, origin = await self.http(), origin_of(action.origin)
        if person := private_with(action.chat):
            if person not in self._channels:
                raise Moved(await self._open_direct(person))
            action = replace(action, chat=self._channels[person])
        if action.verb == "native":
            return await native.make(http, action, self._nonce(action), self._guild)
        if origin and is_open(origin, self._clock.now()):
            sent = await self._answers.answer(http, origin, action)
            return sent or await self._in_channel(http, origin, action)
        return Sent() if action.verb == "finish" else await self._plainly(http, action)

    async def _in_channel(self, http: HTTPClient, origin: Origin, action: Action) -> Sent:
        try:
            return await self._plainly(http, action)
        except discord.Forbidden as error:
            may_not = code_of(error) in (errors.MISSING_ACCESS, errors.MISSING_PERMISSIONS)
            if action.verb != "send" or not may_not:
                raise
        return await self._answers.follow_up(http, origin, action.part)

    async def _plainly(self, http: HTTPClient, action: Action) -> Sent:
        return await _in_channel(http, action, self._nonce(action))

    def _nonce(self, action: Action) -> str:
        return parts.nonce(f"{self._salt} {action.key}")


async def _in_channel(http: HTTPClient, action: Action, nonce: str) -> Sent:
    channel = int(action.thread or action.chat)
    if action.verb == "typing":
        await http.send_typing(channel)
        return Sent()
    if action.verb == "send":
        return await _send(http, action.part, channel, nonce)
    if action.verb == "reaction":
        await react(http, action)
        return Sent()
    message = int(action.message or 0)
    if action.verb == "edit":
        path = "/channels/{channel_id}/messages/{message_id}"
        route = Route("PATCH", path, channel_id=channel, message_id=message)
        await request(http, route, parts.changed_message(action.part), action.part.files)
        return Sent(action.message)
    try:
        await http.delete_message(channel, message)
    except discord.NotFound as error:
        if error.code not in (errors.UNKNOWN_MESSAGE, errors.UNKNOWN_CHANNEL):
            raise
    return Sent()


async def _send(http: HTTPClient, part: Part, channel: int, nonce: str) -> Sent:
    """Send a part as a new message; a sticker that is not for this channel in words."""
    route = Route("POST", "/channels/{channel_id}/messages", channel_id=channel)
    public = _for_all(parts.new_message(part, nonce=nonce))
    try:
        sent = await request(http, route, public, part.files)
    except discord.HTTPException as error:
        if "sticker" not in part.content or error.code not in _NO_STICKER:
            raise
        return await _send(http, parts.without_sticker(part), channel, nonce)
    return Sent(str(sent["id"]))


def _for_all(body: dict[str, Any]) -> dict[str, Any]:
    """Return a body without the flag for what one person sees, which no channel knows."""
    flags = body.pop("flags", 0) & ~parts.EPHEMERAL
    return body | ({"flags": flags} if flags else {})


async def salt_of(host: Host) -> str:
    """Return what makes this store's keys other than those of another one, under one account."""
    salt = await host.recall(_SALT)
    if salt is None:
        salt = secrets.token_hex(8)
        await host.remember(_SALT, salt)
    return salt
