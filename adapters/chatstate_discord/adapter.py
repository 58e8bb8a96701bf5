"""The connection to Discord: it is kept up, events come in over it, and calls go out.

1. A connection that ends is made anew, with growing pauses, until `run` is cancelled. What an
   operator must mend (a token, an intent, the shards) ends it with one line.
2. What is owed to be sent does not end with a connection: calls wait a moment for the next one.
3. Each connection has a client of discord.py's own. What is known for good (up to where everything
   was heard) is in `Marks`, and in the cursors.
4. Of several workers each receives its share of the shards, and calls are any worker's. Shards of
   a worker that is gone are taken over on the connection that is there.
5. Slash commands are registered once a session has begun; that it fails stops nothing.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import contextlib
import logging
import random
from collections.abc import AsyncGenerator, AsyncIterator, Coroutine, Iterable, Sequence
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
from chatstate_discord.send.calls import Calls, salt_of
from chatstate_discord.shards import Shards, advised, take_over
from chatstate_discord.updates import UPDATES, handled

log = logging.getLogger("chatstate.discord")

FIRST_PAUSE, LONGEST_PAUSE = 0.5, 60.0
_READY_SECONDS = 120.0
_READY_SECONDS_PER_SHARD = 10.0
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
    on_each_worker = True
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
        self._acknowledging = Acknowledging()
        self._clock = DiscordClock()
        self._calls = Calls(self._acknowledging, self._clock, self._guild)
        self._client: discord.Client | None = None
        self._places: Places | None = None
        self._shards: Shards | None = None
        self._marks: Marks | None = None

    @property
    def client(self) -> discord.Client | None:
        """discord.py's `Client`; None while there is no connection."""
        return self._client

    def attach(self, host: Host) -> None:
        """Take the host, which knows whether calls are still this worker's, and what time it is."""
        self._clock.assure, self._clock.tell = host.assure, host.time_there

    async def run(self, host: Host) -> None:
        """Stay connected and deliver what comes, until cancelled.

        Raises `AdapterError` for what an operator must mend: a bad token, a missing intent.
        """
        try:
            await self._stay_connected(host)
        finally:
            if self._shards:
                await self._shards.close()
            self._shards = self._marks = None

    async def _stay_connected(self, host: Host) -> None:
        wanted = clients.wanted(self.options, handled(host.updates, host.kinds))
        loop = asyncio.get_running_loop()
        pause = FIRST_PAUSE
        while True:
            began = loop.time()
            try:
                await self._converse(host, wanted)
            except _AnewError:
                self._marks = None
                continue
            except (AdapterError, StorageError):
                raise
            except Exception as error:  # noqa: BLE001 - whatever it is, the connection is made anew
                if failure := clients.final(error, wanted):
                    raise failure from None
                told = f"the connection to Discord failed: {_why(error)}"
                log.warning("%s", told)
                host.lost(told)
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
        client = clients.make(wanted, 1, (), self.options, clock)
        await client.__aenter__()  # see `_converse`
        try:
            return [found async for found in findings(client, clock, self.options, wanted)]
        finally:
            await clients.close(client)

    def _guild(self, channel: str) -> str | None:
        return self._places.guild(channel) if self._places else None

    async def private_chat(self, user: str) -> str:
        """Return the channel of direct messages with somebody, which is opened if need be."""
        return await self._calls.direct_channel(user)

    async def _pieces(self, attachment: Attachment) -> AsyncIterator[bytes]:
        async for piece in download(await self._calls.http(), attachment):
            yield piece

    async def _converse(self, host: Host, wanted: clients.Reasons) -> None:
        """Receive until the connection fails for good, which raises.

        Raises `_AnewError` if another client is needed, with other shards.
        """
        shards = self._shards or await self._begin(host, wanted)
        marks = self._marks = self._marks or shards.marks(self._clock)
        client = clients.make(wanted, shards.count, shards.mine, self.options, self._clock)
        intake = Intake(host, self.options.groups, client, marks, self._acknowledging)
        clients.listen(client, intake.hear, handled(host.updates, host.kinds))

        async def on_shard_disconnect(shard: int) -> None:
            intake.lost(shard)
            host.lost(f"shard {shard} has no connection to Discord")

        async def on_shard_resumed(_shard: int) -> None:
            host.connected(str(client.user))

        client.event(on_shard_disconnect)
        client.event(on_shard_resumed)
        async with self._logged_in(client):
            self._calls.open(client.http, await salt_of(host))
            self._client, self._places = client, Places(client)
            await _first(
                self._connect(client) if shards.mine else _for_ever(),
                intake.run(),
                self._attend(client, intake, host),
                self._follow(client, shards, marks),
            )

    async def _begin(self, host: Host, wanted: clients.Reasons) -> Shards:
        """Find out which shards there are, and which of them are this worker's."""
        count = self.options.shards
        if count is None:
            client = clients.make(wanted, None, (), self.options, self._clock)
            async with self._logged_in(client):
                count = await advised(client, host)
        self._shards = Shards(host, count, self.options.shard_ids)
        await self._shards.change()
        return self._shards

    @contextlib.asynccontextmanager
    async def _logged_in(self, client: discord.Client) -> AsyncGenerator[None]:
        await client.__aenter__()  # no `async with`, whose end may wait for half a minute
        try:
            await self._login(client)
            yield
        finally:
            self._calls.close()
            self._client = self._places = None
            await clients.close(client)

    async def _follow(self, client: discord.Client, shards: Shards, marks: Marks) -> None:
        """Take over what this worker gets. Raises `_AnewError` if it is to let go of some."""
        while True:
            before = set(shards.mine)
            await shards.change()
            if not before or not before.issubset(shards.mine):
                raise _AnewError
            for shard in set(shards.mine) - before:
                marks.add(shard, shards.cursor_of(shard))
                await take_over(client, shard)

    async def _login(self, client: discord.Client) -> None:
        await client.login(self.options.token)

    async def _connect(self, client: discord.Client) -> None:
        await client.connect()

    async def _attend(self, client: discord.Client, intake: Intake, host: Host) -> None:
        """Wait for the session, which Discord may leave out without a word; then register."""
        mine = self._shards.mine if self._shards else ()
        if mine:
            try:
                async with asyncio.timeout(_READY_SECONDS + _READY_SECONDS_PER_SHARD * len(mine)):
                    await intake.is_ready.wait()
            except TimeoutError:
                raise ConnectionError("Discord began no session") from None
        host.connected(str(client.user))
        if client.application_id and 0 in mine:
            await synchronise(client.http, client.application_id, host, self.options.guild)
        await _for_ever()


class _AnewError(Exception):
    """Another client is needed: this worker is to receive other shards."""


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


async def _for_ever() -> None:
    await asyncio.Event().wait()


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


def _why(error: BaseException) -> str:
    """Return what an error says; discord.py raises another when its first connection fails."""
    cause = error.__context__ if isinstance(error, AttributeError) and error.__context__ else error
    return f"{type(cause).__name__}: {cause}".rstrip(": ")
