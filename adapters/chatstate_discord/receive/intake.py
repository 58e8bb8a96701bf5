"""What comes over the gateway, on its way to the engine.

1. Events are taken in the order in which they came, several at once if they wait.
2. Each new session begins with reading back. What comes live in a channel that is being read back
   is held until that is done.
3. A payload that cannot be read, whatever reading it raises, is logged: it ends no connection, and
   stops no other. What can be told of it is delivered as "other".
4. A kind of message that has neither words nor files is told once: where nobody handles it, nothing
   else shows it.
5. A slash command that the bot no longer has is answered for the person alone.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Sequence
from typing import Any, Literal, NamedTuple

import discord
from msgspec.structs import replace

from chatstate import Event, Message
from chatstate.adapter import Host
from chatstate_discord.client import session_key
from chatstate_discord.menu import names
from chatstate_discord.receive import wire
from chatstate_discord.receive.backfill import Marks, missed, newer
from chatstate_discord.receive.content import Json
from chatstate_discord.receive.interactions import called, interaction, origin_of
from chatstate_discord.receive.others import other, own_place
from chatstate_discord.receive.places import Places
from chatstate_discord.receive.wire import Groups, Me, Place, Unreadable, number_of
from chatstate_discord.send.acknowledging import Acknowledging, Waiting
from chatstate_discord.updates import INTENTS

log = logging.getLogger("chatstate.discord")

_AT_ONCE = 64
_READERS = 8
_CHANNELS = 1000
_KEEP_EVERY = 30.0


class Heard(NamedTuple):
    """Something that came: an event of the gateway's, or an interaction that is read already.

    `waiting` is told once it is stored. `key` is what tells apart an event that has no id.
    """

    kind: str
    data: Json
    event: Event | None = None
    waiting: Waiting | None = None
    key: str = ""


class Intake:
    """Takes in what one client hears, until it ends; `marks` outlives it."""

    def __init__(
        self,
        host: Host,
        groups: Groups,
        client: discord.Client,
        marks: Marks,
        acknowledging: Acknowledging,
    ) -> None:
        self._host = host
        self._groups: Groups = groups
        self._client = client
        self._marks = marks
        self._names = names(host.commands)
        self._places = Places(client)
        self._queue: asyncio.Queue[Heard] = asyncio.Queue()
        self._acknowledging = acknowledging
        self._delivering = asyncio.Lock()
        self._held: dict[str, list[Heard]] = {}
        self._absent: dict[str, int] = {}
        self._readers = asyncio.Semaphore(_READERS)
        self._channels_left = _CHANNELS
        self._reading: set[asyncio.Task[None]] = set()
        self._told: set[str] = set()
        self._failure: asyncio.Future[None] | None = None
        self.is_ready = asyncio.Event()

    def _me(self, place: Place | None = None) -> Me:
        """Return the bot itself, which a client knows once it is logged in, as it is there."""
        me = str(self._client.user.id) if self._client.user else ""
        return Me(me, self._groups, self._places.role(place.chat.id) if place else "")

    def hear(self, kind: str, data: dict[str, Any]) -> None:
        """Take an event of the gateway's; it is looked at later, but for interactions."""
        try:
            heard: Heard | None = Heard(kind, dict(data))
            if kind == "INTERACTION_CREATE":
                heard = self._interaction(data)
            elif kind.lower() in INTENTS:
                heard = Heard(kind, dict(data), key=session_key(self._client, data))
        except Exception as error:  # noqa: BLE001 - by the module's rule 3
            log.warning("an event %s cannot be read: %s", kind, error)
        else:
            if heard:
                self._queue.put_nowait(heard)

    def lost(self, shard: int) -> None:
        """Note that a shard is not connected."""
        if self.is_ready.is_set():
            self._marks.open(f"shard {shard}")

    async def run(self) -> None:
        """Deliver what is heard, until cancelled. Raises what `deliver` raises."""
        self._failure = asyncio.get_running_loop().create_future()
        working = asyncio.gather(self._take(), self._keep(), self._failure)
        try:
            await working
        finally:
            working.cancel()
            for task in self._reading:
                task.cancel()
            await asyncio.gather(working, *self._reading, return_exceptions=True)
            await self._acknowledging.stop()

    async def _take(self) -> None:
        while True:
            batch = [await self._queue.get()]
            while len(batch) < _AT_ONCE and not self._queue.empty():
                batch.append(self._queue.get_nowait())
            ready: list[tuple[Heard, Event | None]] = []
            for heard in batch:
                if heard.kind in _SESSION:
                    await self._deliver(ready)
                    ready = []
                    self._session_of(heard)
                else:
                    ready += await self._read(heard)
            await self._deliver(ready)

    async def _keep(self) -> None:
        """Keep the watermark now and then, though nothing of what is heard is for the bot."""
        while True:
            await asyncio.sleep(_KEEP_EVERY)
            await self._deliver([])

    async def _deliver(self, ready: Sequence[tuple[Heard, Event | None]]) -> None:
        async with self._delivering:
            for heard, event in ready:
                self._mark(heard, event)
            events = [event for _, event in ready if event]
            self._tell_of([event.message for event in events if event.message.kind == "other"])
            delivering = [self._host.deliver(events)] if events else []
            delivering += [self._host.deliver((), *kept) for kept in self._marks.cursors()]
            await asyncio.gather(*delivering)
        for heard, _ in ready:
            if heard.waiting:
                heard.waiting.stored.set()

    def _tell_of(self, messages: Sequence[Message]) -> None:
        """Tell what messages are that have neither words nor files, once of each kind."""
        kinds = {str((message.raw or {}).get("type")) for message in messages}
        for kind in kinds - self._told:
            self._told.add(kind)
            log.debug('a message has neither words nor files, and is "other": type %s', kind)

    def _mark(self, heard: Heard, event: Event | None) -> None:
        """Note that something is about to be delivered, or is not for the bot."""
        is_message = heard.kind == "MESSAGE_CREATE"
        if heard.key or not (is_message or event) or "channel_id" not in heard.data:
            return
        channel, number = str(heard.data["channel_id"]), number_of(heard.data.get("id"))
        is_private = event is not None and event.message.chat.kind == "private"
        known = self._marks.private
        if channel in known or (is_private and number_of(channel)):
            last = known.get(channel, 0)
            # A message may have an older id than an interaction that came before it.
            self._marks.heard_in_private(channel, number if is_message or not last else last)
        if is_message:
            self._marks.heard(number)

    async def _read(self, heard: Heard) -> list[tuple[Heard, Event | None]]:
        """Return an event, unless it is held."""
        channel = str(heard.data.get("channel_id", ""))
        if channel in self._held:
            self._held[channel].append(heard)
            return []
        return [(heard, await self._event(heard))]

    async def _event(self, heard: Heard) -> Event | None:
        data = heard.data
        try:
            if heard.event:
                return None if heard.waiting and await heard.waiting.begins_form() else heard.event
            if heard.key:
                return await self._other(heard)
            if heard.kind.startswith("GUILD_MEMBER"):
                return self._membership(heard)
            place = await self._places.of(data)
            return self._said(heard.kind, data, place)
        except Exception as error:  # noqa: BLE001 - by the module's rule 3
            return _rest(heard.kind, error)

    def _said(self, kind: str, data: Json, place: Place) -> Event | None:
        if kind == "MESSAGE_UPDATE":
            return wire.edited(data, self._me(place), place)
        event = wire.message(data, self._me(place), place)
        if event and event.message.kind == "join" and self._client.intents.members:
            return None  # told by GUILD_MEMBER_ADD
        return event

    def _membership(self, heard: Heard) -> Event | None:
        place = self._places.lobby(str(heard.data["guild_id"]))
        kind: Literal["join", "leave"] = "join" if heard.kind.endswith("ADD") else "leave"
        if place is None:
            return None
        return wire.membership(heard.data, kind, place, self._me(), time.time())

    async def _other(self, heard: Heard) -> Event | None:
        kind, data = heard.kind.lower(), heard.data
        place = own_place(kind, data)
        if place is None and data.get("channel_id"):
            place = await self._places.of(data)
        return other(kind, data, place, self._me().id, heard.key, time.time())

    def _interaction(self, data: Json) -> Heard | None:
        try:
            event = interaction(data, self._names)
        except Unreadable as error:
            event = _rest("INTERACTION_CREATE", error)
        origin = origin_of(event.origin) if event else None
        if event is None or origin is None:
            return None
        http = self._client.http
        if event.message.kind == "complete":
            self._acknowledging.offer(http, origin, self._host.complete(event))
            return None
        is_command = event.message.kind == "message" and event.message.answers is None
        text = self._refusal(data, event.message) if is_command else None
        if text is not None:
            self._acknowledging.refuse(http, origin, text)
            return None
        waiting = self._acknowledging.begin(http, origin, event, self._host.form(event))
        return Heard("INTERACTION_CREATE", data, event, waiting)

    def _refusal(self, data: Json, message: Message) -> str | None:
        """Return what a command is answered at once that the bot cannot handle.

        One that it does not have may be another bot's where people type it, but not here.
        """
        if called(data["data"])[0] not in self._names:
            message = replace(message, chat=replace(message.chat, kind="private"))
        return self._host.refusal(message)

    # Reading back

    def _session_of(self, heard: Heard) -> None:
        try:
            self._session(heard)
        except Exception as error:  # noqa: BLE001 - by the module's rule 3
            log.warning("an event %s cannot be read: %s", heard.kind, error)

    def _session(self, heard: Heard) -> None:
        data, floor = heard.data, self._marks.floor
        shard = (data.get("shard") or [0])[0]
        if heard.kind == "READY":
            self._marks.begin()
            self._channels_left = _CHANNELS
            for guild in data["guilds"]:
                self._expect(str(guild["id"]), floor)
            if shard == 0:
                for channel, last in reversed(list(self._marks.private.items())):
                    self._read_back(channel, max(last, self._marks.oldest), wire.private(channel))
            self._marks.close(f"shard {shard}")
            self.is_ready.set()
        elif heard.kind == "RESUMED":
            self._marks.close(f"shard {data.get('__shard_id__') or 0}")
        elif heard.kind == "GUILD_CREATE":
            self._guild(data)
        elif data.get("unavailable"):
            self._expect(str(data["id"]), floor)
        else:
            self._absent.pop(str(data["id"]), None)
            self._marks.close(f"guild {data['id']}")

    def _expect(self, guild: str, floor: int) -> None:
        """Wait for a guild, whose channels are to be read back when it is there."""
        self._absent.setdefault(guild, floor)
        self._marks.open(f"guild {guild}")

    def _guild(self, guild: Json) -> None:
        """Read back what was said in a guild while it was away; one that is new has nothing."""
        floor = self._absent.pop(str(guild["id"]), 0)
        if floor:
            found = newer(guild, floor)
            for channel in sorted(found, key=lambda channel_id: found[channel_id], reverse=True):
                if self._channels_left <= 0:
                    log.warning("too many channels have news: some are not read back")
                    break
                if self._places.may_read(channel):
                    self._channels_left -= 1
                    self._read_back(channel, floor, None)
                else:
                    log.info("channel %s may not be read, so it is not read back", channel)
        else:
            self._marks.heard(max(newer(guild, 0).values(), default=0))
        self._marks.close(f"guild {guild['id']}")

    def _read_back(self, channel: str, floor: int, place: Place | None) -> None:
        if channel in self._held:
            return
        self._held[channel] = []
        self._marks.open(f"channel {channel}")
        task = asyncio.create_task(self._read_channel(channel, floor, place))
        self._reading.add(task)
        task.add_done_callback(self._has_read)

    def _has_read(self, task: asyncio.Task[None]) -> None:
        self._reading.discard(task)
        error = None if task.cancelled() else task.exception()
        if error and self._failure and not self._failure.done():
            self._failure.set_exception(error)

    async def _read_channel(self, channel: str, floor: int, place: Place | None) -> None:
        async with self._readers:
            async for page in missed(self._client.http, channel, floor):
                where = place or await self._places.of({"channel_id": channel, "guild_id": ""})
                told = [Heard("MESSAGE_CREATE", said) for said in page]
                await self._deliver([(heard, self._past(heard, where)) for heard in told])
        while held := self._held[channel]:
            self._held[channel] = []
            await self._deliver([(heard, await self._event(heard)) for heard in held])
        del self._held[channel]
        self._marks.close(f"channel {channel}")

    def _past(self, heard: Heard, place: Place) -> Event | None:
        try:
            return self._said(heard.kind, heard.data, place)
        except Exception as error:  # noqa: BLE001 - by the module's rule 3
            return _rest(heard.kind, error)


def _rest(kind: str, error: Exception) -> Event | None:
    """Tell that a payload cannot be read, and return what can be told of it all the same."""
    rest = error.rest if isinstance(error, Unreadable) else None
    what = 'is "other"' if rest else "is left out"
    log.warning("an event %s cannot be read (%s) and %s", kind, error, what)
    return rest


_SESSION = ("READY", "RESUMED", "GUILD_CREATE", "GUILD_DELETE")
