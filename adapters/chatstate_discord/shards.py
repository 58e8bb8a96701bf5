"""Which shards this worker receives: all of them, or its share among several workers.

1. How many there are is said by the options, else by Discord; all workers go by what the first of
   them was told.
2. Each shard has a cursor of its own. Where it has none for this number of shards, because there
   were more or fewer before, it begins where the one does that has heard least.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import discord
from discord.gateway import DiscordWebSocket

from chatstate.adapter import Host
from chatstate_discord.clock import DiscordClock
from chatstate_discord.receive.backfill import Marks, seen_in

_COUNT = "shards"


async def advised(client: discord.Client, host: Host) -> int:
    """Return how many shards there are to be."""
    known = await host.recall(_COUNT)
    if known and host.peers > 1:
        return int(known)
    count: int = (await client.http.get_bot_gateway())[0]
    await host.remember(_COUNT, str(count))
    return count


class Shards:
    """The shards of an account, `count` in all, of which `mine` are this worker's.

    `only` are those that it is to have, if that is said.
    """

    def __init__(self, host: Host, count: int, only: Sequence[int]) -> None:
        self._host = host
        self.count = count
        self.mine: list[int] = []
        wanted = [str(shard) for shard in only or range(count)]
        self._shares = host.share(wanted, evenly=not only)
        self._asking: asyncio.Task[Sequence[str]] | None = None

    async def change(self) -> None:
        """Return when `mine` is another. Call it once what was left out before is let go."""
        if self._asking is None:
            self._asking = asyncio.ensure_future(self._next())
        share = await asyncio.shield(self._asking)
        self._asking, self.mine = None, sorted(map(int, share))

    async def close(self) -> None:
        """Ask for no more."""
        if self._asking:
            self._asking.cancel()
            await asyncio.wait([self._asking])
        await self._shares.aclose()

    def marks(self, clock: DiscordClock) -> Marks:
        """Return up to where everything was heard on those that are this worker's."""
        marks = Marks(clock, self.count)
        for shard in self.mine:
            marks.add(shard, self.cursor_of(shard))
        return marks

    def cursor_of(self, shard: int) -> str | None:
        """Return where to begin on a shard."""
        own = self._host.cursor_of(str(shard))
        if own and seen_in(own).shards == self.count:
            return own
        known: list[str] = []
        while cursor := self._host.cursor_of(str(len(known))):
            known.append(cursor)
        return min(known, key=lambda cursor: seen_in(cursor).seen, default=self._host.cursor)

    async def _next(self) -> Sequence[str]:
        return await anext(self._shares)


async def take_over(client: discord.Client, shard: int) -> None:
    """Receive one more shard on a connection that is there."""
    if isinstance(client, discord.AutoShardedClient):
        await client.launch_shard(DiscordWebSocket.DEFAULT_GATEWAY, shard, initial=True)
