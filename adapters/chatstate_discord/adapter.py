"""The connection to Discord: it is kept up, events come in over it, and calls go out.

1. A connection that ends is made anew, with growing pauses, until `run` is cancelled. What an
   operator must mend (a token, an intent, the shards) ends it with one line.
2. What is owed to be sent does not end with a connection: calls wait a moment for the next one.
3. Each connection has a client of discord.py's own. What is known for good (up to where everything
   was heard) is in `Marks`, and in the cursor.
4. Slash commands are registered once a session has begun; that it fails stops nothing.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import logging
import random
from collections.abc import AsyncIterator, Coroutine, Iterable, Sequence
from collections.abc import Set as AbstractSet
from typing import Any

import discord

from chatstate import AdapterError, Attachment, StorageError, Unreachable
from chatstate.adapter import (
    Action,
    Adapter,
    Capabilities,
    Finding,
    Found,
    Host,
    NativeCall,
    Part,
    Post,
    Sent,
    options_from,
)
from chatstate_discord import client as clients
from chatstate_discord.clock import DiscordClock
from chatstate_discord.examining import findings
from chatstate_discord.menu import synchronise
from chatstate_discord.options import DiscordOptions
from chatstate_discord.receive.backfill import Marks
from chatstate_discord.receive.downloads import download
from chatstate_discord.receive.intake import Intake
from chatstate_discord.receive.places import Places
from chatstate_discord.send import modals, native, parts
from chatstate_discord.send.acknowledging import Acknowledging
from chatstate_discord.send.calls import Calls
from chatstate_discord.updates import UPDATES, handled

log = logging.getLogger("chatstate.discord")

FIRST_PAUSE, LONGEST_PAUSE = 0.5, 60.0
_READY_SECONDS = 120.0
_READY_SECONDS_PER_SHARD = 10.0
_CLOSE_SECONDS = 0.5
_CANCEL_SECONDS = 0.1
_SETTINGS = "CHATSTATE_DISCORD_"


class DiscordAdapter(Adapter):
    """A bot's account on Discord, by discord.py.

    `options`, or options by name, are those of `DiscordOptions`; without `options` the environment
    says what is not named. Raises `AdapterError` for a token that is none, and for other options
    that cannot be.
    """

    Options = DiscordOptions
    name = "discord"
    updates = UPDATES
    capabilities = Capabilities(
        text_limit=parts.TEXT_LIMIT,
        markup=True,
        buttons=True,
        button_bytes=parts.BUTTON_BYTES,
        link_buttons=True,
        button_styles=True,
        disabled_buttons=True,
        select=True,
        cards=True,
        polls=True,
        stickers=True,
        files=True,
        file_bytes=parts.FILE_BYTES,
        edit=True,
        edit_pause=1.2,  # five edits in five seconds and a channel, with some left for answers
        reactions=True,
        typing=9.0,
        threads=True,
        reply_to=True,
        silent=True,
        ephemeral=True,
        finish=True,
        modals=modals.QUESTIONS,
        native=True,
        pings=True,
        idempotent_for=120.0,
    )

    def __init__(self, options: DiscordOptions | None = None, **named: Any) -> None:
        self.options = options_from(DiscordOptions, options, named, adapter=self.name)
        self.account = account_of(self.options.token)
        self._shards = self.options.shards
        self._acknowledging = Acknowledging()
        self._clock = DiscordClock()
        self._calls = Calls(self._acknowledging, self._clock, self._guild)
        self._client: discord.Client | None = None
        self._places: Places | None = None

    @property
    def client(self) -> discord.Client | None:
        """discord.py's `Client`; None while there is no connection."""
        return self._client

    async def run(self, host: Host) -> None:
        """Stay connected and deliver what comes, until cancelled.

        Raises `AdapterError` for what an operator must mend: a bad token, a missing intent.
        """
        marks = Marks(host.cursor, self._clock)
        wanted = clients.wanted(self.options, handled(host.updates, host.kinds))
        loop = asyncio.get_running_loop()
        pause = FIRST_PAUSE
        while True:
            began = loop.time()
            try:
                await self._converse(host, marks, wanted)
                continue  # with the shards that Discord advises
            except (AdapterError, StorageError):
                raise
            except Exception as error:  # noqa: BLE001 - whatever it is, the connection is made anew
                if failure := clients.final(error, wanted):
                    raise failure from None
                log.warning("the connection to Discord failed: %s", _why(error))
            pause = FIRST_PAUSE if loop.time() - began > LONGEST_PAUSE else pause
            await asyncio.sleep(pause * random.uniform(0.5, 1))  # noqa: S311 - no secret
            pause = min(pause * 2, LONGEST_PAUSE)

    def render(self, post: Post) -> Sequence[Part]:
        """See `parts.render`."""
        return parts.render(post)

    def native(self, call: NativeCall) -> Part:
        """Return the part that calls a route of Discord's."""
        return native.part_of(call)

    async def perform(self, action: Action) -> Sent:
        """Make one call on Discord."""
        return await self._calls.perform(action)

    async def find(self, action: Action) -> Found:
        """Look into the channel for what an action sends."""
        return await self._calls.find(action, self.account)

    def open(self, attachment: Attachment) -> AsyncIterator[bytes]:
        """Return the bytes of a file that came with a message."""
        return self._pieces(attachment)

    async def is_admin(self, chat: str, user: str) -> bool:
        """Tell whether somebody may manage the guild that a channel is in."""
        if self._places is None:
            raise Unreachable("there is no connection to Discord")
        return await self._places.is_admin(chat, user)

    async def examine(self, kinds: AbstractSet[str]) -> Sequence[Finding]:
        """Return what Discord says of the token, the intents and the shards, and of the time."""
        wanted = clients.wanted(self.options, handled(kinds, kinds))
        clock = DiscordClock()
        client = clients.make(wanted, 1, self.options, clock)
        await client.__aenter__()  # see `_converse`
        try:
            return [found async for found in findings(client, clock, self.options, wanted)]
        finally:
            await _close(client)

    def _guild(self, channel: str) -> str | None:
        return self._places.guild(channel) if self._places else None

    async def private_chat(self, user: str) -> str:
        """Return the channel of direct messages with somebody, which is opened if need be."""
        return await self._calls.direct_channel(user)

    async def _pieces(self, attachment: Attachment) -> AsyncIterator[bytes]:
        async for piece in download(await self._calls.http(), attachment):
            yield piece

    async def _converse(self, host: Host, marks: Marks, wanted: clients.Reasons) -> None:
        """Receive until the connection fails for good, which raises.

        Returns if Discord advises more shards than this client has.
        """
        client = clients.make(wanted, self._shards, self.options, self._clock)
        intake = Intake(host, self.options.groups, client, marks, self._acknowledging)
        clients.listen(client, intake.hear, handled(host.updates, host.kinds))

        async def on_shard_disconnect(shard: int) -> None:
            intake.lost(shard)

        client.event(on_shard_disconnect)
        await client.__aenter__()  # no `async with`, whose end may wait for half a minute
        try:
            await self._login(client)
            if self._shards is None:
                self._shards = (await client.http.get_bot_gateway())[0]
                if self._shards > 1:
                    return
            self._calls.open(client.http, marks.salt)
            self._client, self._places = client, Places(client)
            await _first(self._connect(client), intake.run(), self._attend(client, intake, host))
        finally:
            self._calls.close()
            self._client = self._places = None
            await _close(client)

    async def _login(self, client: discord.Client) -> None:
        await client.login(self.options.token)

    async def _connect(self, client: discord.Client) -> None:
        await client.connect()

    async def _attend(self, client: discord.Client, intake: Intake, host: Host) -> None:
        """Wait for the session, which Discord may leave out without a word; then register."""
        patience = _READY_SECONDS + _READY_SECONDS_PER_SHARD * (self._shards or 1)
        try:
            async with asyncio.timeout(patience):
                await intake.is_ready.wait()
        except TimeoutError:
            raise ConnectionError("Discord began no session") from None
        host.connected(str(client.user))
        if client.application_id:
            await synchronise(client.http, client.application_id, host, self.options.guild)
        await asyncio.Event().wait()


def account_of(token: str) -> str:
    """Return the bot's id, which is the first part of its token. Raises `AdapterError`."""
    if not token:
        raise AdapterError(
            f"there is no bot's token: set {_SETTINGS}TOKEN (docs/discord.md says how to get one)"
        )
    head, dot, _ = token.partition(".")
    try:
        account = base64.urlsafe_b64decode(head + "=" * (-len(head) % 4)).decode("ascii")
    except (binascii.Error, ValueError):
        account = ""
    if not dot or not account.isdecimal():
        raise AdapterError(
            f"{_SETTINGS}TOKEN holds no bot's token: such a token has three parts with dots "
            "between them (a client secret, a public key or an id is none)"
        )
    return account


async def _first(*works: Coroutine[Any, Any, None]) -> None:
    """Do several things until one of them ends, and raise what ended it."""
    tasks = [asyncio.create_task(work) for work in works]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
        raise ConnectionError("the connection was closed")
    finally:
        await _cancel(tasks)


async def _cancel(tasks: Iterable[asyncio.Task[None]]) -> None:
    """Cancel tasks until they have ended: discord.py swallows it if it is just connecting."""
    left = set(tasks)
    while left:
        for task in left:
            task.cancel()
        done, left = await asyncio.wait(left, timeout=_CANCEL_SECONDS)
        for task in done:
            if not task.cancelled() and (error := task.exception()):
                log.debug("%s, at the end of a connection", error)


async def _close(client: discord.Client) -> None:
    """Close a client; who does not answer that within a moment is not waited for."""
    closing = asyncio.create_task(client.close())
    _closing.add(closing)
    closing.add_done_callback(_closed)
    await asyncio.wait([closing], timeout=_CLOSE_SECONDS)


_closing: set[asyncio.Task[None]] = set()


def _closed(task: asyncio.Task[None]) -> None:
    _closing.discard(task)
    if not task.cancelled() and (error := task.exception()):
        log.debug("a connection was not closed in order: %s", error)


def _why(error: BaseException) -> str:
    """Return what an error says; discord.py raises another when its first connection fails."""
    cause = error.__context__ if isinstance(error, AttributeError) and error.__context__ else error
    return f"{type(cause).__name__}: {cause}".rstrip(": ")
