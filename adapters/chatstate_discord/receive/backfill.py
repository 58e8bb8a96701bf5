"""Up to where everything was heard, and what was missed since.

Discord acknowledges nothing: who was away reads back. Ids grow with time, so one id serves as
the watermark of all channels in guilds:

1. Everything up to `Marks.seen` was delivered, in each channel of a guild: it begins with the
   first session. While anything is yet to be read back, or a shard is not connected (a gap), it
   stands still; else it follows what is heard. It is kept for each shard, since another worker may
   have that next.
2. What is read back begins `OVERLAP` before it, since channels are not told in the order of their
   ids and a dead connection is noticed late. What had been heard is recognised by its id.
3. A guild tells its channels and their newest ids. Of private chats Discord keeps no list, so the
   last `PRIVATE` of them are kept, each with a watermark of its own.
4. A day, by Discord's time, or 1,000 messages of a channel are read back, whichever is less.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Mapping
from typing import Any, cast

import aiohttp
import discord
import msgspec
from discord.http import HTTPClient
from msgspec.structs import replace
from tenacity import AsyncRetrying, retry_if_not_exception_type, stop_after_attempt
from tenacity.wait import wait_exponential

from chatstate import Rejected
from chatstate_discord.clock import DiscordClock
from chatstate_discord.receive.content import Json
from chatstate_discord.receive.wire import number_of, snowflake_of
from chatstate_discord.send.errors import meaning

log = logging.getLogger("chatstate.discord")

OVERLAP = 120.0
PRIVATE = 1000
LONGEST = 24 * 3600.0
MOST = 1000
_PAGE = 100
_TRIES = 8
_KEEP_EVERY = 5.0
_FEW = 100
_SPOKEN_IN = (0, 2, 5, 10, 11, 12, 13)  # types of channels that hold messages


class Cursor(msgspec.Struct, frozen=True):
    """What is kept of a shard, of so many `shards`: see the module's rules 1 and 3.

    Private chats are all on the first one.
    """

    seen: int = 0
    private: Mapping[str, int] = {}
    shards: int = 0


class Marks:
    """The watermark of some of an account's `count` shards, its gaps, and its private chats.

    Of these the latest is the last.
    """

    def __init__(self, clock: DiscordClock, count: int = 1) -> None:
        self._clock = clock
        self._count = count
        self._shards: list[int] = []
        self.private: dict[str, int] = {}
        self.seen = self._latest = 0
        self._gaps: set[str] = set()
        self._kept: Cursor = Cursor()
        self._kept_at = 0.0
        self._is_urgent = False

    def add(self, shard: int, cursor: str | None) -> None:
        """Go on with one more shard, from its cursor; it is not connected yet."""
        kept = seen_in(cursor) if cursor else Cursor()
        self.seen = min(kept.seen or self.seen, self.seen or kept.seen)
        self._latest = max(self._latest, kept.seen)
        self._kept = Cursor() if self._shards else kept
        self._shards.append(shard)
        self.open(f"shard {shard}")
        if shard == 0:
            self.private = dict(kept.private)

    def begin(self) -> None:
        """Note that the bot is there from now on, if it never was before."""
        if not self.seen:
            self.seen = self._latest = snowflake_of(self._clock.now())

    def heard(self, id: int) -> None:
        """Note that what has this id is delivered, or about to be with the next cursor."""
        self._latest = max(self._latest, id)
        self._advance()

    def heard_in_private(self, channel: str, id: int) -> None:
        """Note the same of a private chat, which is the latest one then."""
        last = self.private.pop(channel, 0)
        self._is_urgent = self._is_urgent or not last or len(self.private) < _FEW
        self.private[channel] = max(id, last)
        while len(self.private) > PRIVATE:
            del self.private[next(iter(self.private))]

    def open(self, gap: str) -> None:
        """Let the watermark stand still, until this gap is closed."""
        self._gaps.add(gap)

    def close(self, gap: str) -> None:
        """Let the watermark go on."""
        self._gaps.discard(gap)
        self._advance()

    @property
    def floor(self) -> int:
        """The id from which to read back; 0 if the bot was never there."""
        if not self.seen:
            return 0
        overlap = int(OVERLAP * 1000) << 22
        return max(self.seen - overlap, self.oldest, 1)

    @property
    def oldest(self) -> int:
        """The id before which nothing is read back: a day ago, by Discord's time."""
        return snowflake_of(self._clock.now() - LONGEST)

    def cursors(self) -> list[tuple[str, str]]:
        """Return what is to be kept of each shard, and its name, if it is time to."""
        now = time.monotonic()
        is_first = bool(self.seen) and not self._kept.seen
        is_due = self._is_urgent or is_first or now - self._kept_at >= _KEEP_EVERY
        new = Cursor(self.seen, dict(self.private), self._count)
        if not is_due or new == self._kept:
            return []
        self._kept, self._kept_at, self._is_urgent = new, now, False
        return [(_encoded(new, shard), str(shard)) for shard in self._shards]

    def _advance(self) -> None:
        if not self._gaps:
            self.seen = self._latest


def seen_in(cursor: str) -> Cursor:
    """Return what was kept."""
    return msgspec.json.decode(cursor, type=Cursor)


def _encoded(cursor: Cursor, shard: int) -> str:
    own = replace(cursor, private={}) if shard else cursor
    return msgspec.json.encode(own).decode()


def newer(guild: Json, floor: int) -> dict[str, int]:
    """Return the channels and threads of a guild that have something newer, and its id."""
    places = [*guild.get("channels", ()), *guild.get("threads", ())]
    last = {
        str(place["id"]): number_of(place.get("last_message_id"))
        for place in places
        if place.get("type") in _SPOKEN_IN
    }
    return {channel: newest for channel, newest in last.items() if newest > floor}


async def missed(http: HTTPClient, channel: str, floor: int) -> AsyncIterator[list[Json]]:
    """Yield what was said in a channel after an id, oldest first.

    A channel that may not be read has nothing; what cannot be read for long is given up. Both are
    logged.
    """
    after = floor
    for _ in range(MOST // _PAGE):
        try:
            page = await _page(http, channel, after)
        except Rejected as error:
            log.info("channel %s is not read back: %s", channel, error)
            return
        except Exception as error:  # noqa: BLE001 - whatever it is, live messages must go on
            log.warning("messages in channel %s may have been missed: %s", channel, error)
            return
        if page:
            yield page
            after = max(after + 1, number_of(page[-1].get("id")))
        if len(page) < _PAGE:
            return
    log.warning("more than %d messages were missed in channel %s", MOST, channel)


async def _page(http: HTTPClient, channel: str, after: int) -> list[Json]:
    trying = AsyncRetrying(
        retry=retry_if_not_exception_type(Rejected),
        wait=wait_exponential(multiplier=0.25, max=15),
        stop=stop_after_attempt(_TRIES),
        sleep=asyncio.sleep,
        reraise=True,
    )
    page: list[Json] = await trying(_read, http, channel, after)
    return sorted(page, key=lambda message: number_of(message.get("id")))


async def _read(http: HTTPClient, channel: str, after: int) -> list[Mapping[str, Any]]:
    try:
        page = await http.logs_from(int(channel), _PAGE, after=after)
    except (discord.DiscordException, aiohttp.ClientError, OSError) as error:
        raise meaning(error) from error
    return cast("list[Mapping[str, Any]]", page)
