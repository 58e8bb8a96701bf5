"""The verbs of broadcasts. Those that need no run have a connection of their own without one."""

from __future__ import annotations

import functools
from collections.abc import Callable, Collection, Sequence
from typing import Any, TypeVar

import msgspec

from chatstate.messages import Event
from chatstate.stores.base import Ingested
from chatstate.stores.broadcasts import (
    Audience,
    Broadcast,
    Candidate,
    NewBroadcast,
    Order,
    Recipient,
    Unreached,
)
from chatstate.stores.rows import (
    broadcast_in,
    candidates_of_crowd,
    candidates_with_value,
    unreached,
)
from chatstate.stores.sqlite import broadcasts
from chatstate.stores.sqlite.addressing import Addressing
from chatstate.stores.sqlite.broadcasts import Broadcasts, Gathering
from chatstate.stores.sqlite.shelves import Shelves

T = TypeVar("T")
_encode = msgspec.json.Encoder().encode


class Broadcasting(Addressing):
    """The verbs of `chatstate.stores.broadcasts.Broadcasts`."""

    _broadcasts: Broadcasts

    async def announce(self, new: NewBroadcast) -> Broadcast:
        if not self._run:
            now = self._clock()
            return await self._change(lambda db: broadcasts.announce(db, new, now))
        noted: Broadcast = await self._commits.submit(self._broadcasts.announce, new)
        return noted

    async def steer(self, number: int, order: Order) -> Broadcast | None:
        if not self._run:
            return await self._change(lambda db: broadcasts.steer(db, number, order))
        steered: Broadcast | None
        steered = await self._commits.submit(self._broadcasts.steer, (number, order))
        return steered

    async def broadcasts(self, bot: str | None = None) -> Sequence[Broadcast]:
        rows = await self._seen(broadcasts.ALL, (bot or "",))
        return [broadcast_in(row) for row in rows]

    async def audience(self, of: Audience, after: int, limit: int) -> Sequence[Candidate]:
        if of.state:
            named = (of.bot, *of.state, of.account, after, self._clock(), limit)
            return candidates_with_value(await self._seen(broadcasts.WITH_VALUE, named))
        crowd = (of.bot, of.account, after, of.crowd, limit)
        return candidates_of_crowd(await self._seen(broadcasts.CROWD, crowd))

    async def gather(
        self, number: int, before: int, after: int, found: Sequence[Recipient], *, is_last: bool
    ) -> None:
        gathering = Gathering(number, before, after, found, is_last)
        await self._commits.submit(self._broadcasts.gather, gathering)

    async def unreached(
        self, number: int, accounts: Collection[int], limit: int
    ) -> Sequence[Unreached]:
        wanted = (number, number, _encode(sorted(accounts)).decode(), limit)
        return unreached(await self._read(broadcasts.UNREACHED, wanted))

    async def reach(self, number: int, recipient: int, event: Event | None) -> Ingested | None:
        done: Ingested | None
        done = await self._commits.submit(self._broadcasts.reach, (number, recipient, event))
        return done

    async def finish(self, number: int) -> bool:
        done: bool = await self._commits.submit(self._broadcasts.finish, number)
        return done

    async def _seen(self, statement: str, values: Sequence[object]) -> list[Any]:
        if self._run:
            return await self._read(statement, values)
        return await self._change(lambda db: db.execute(statement, values).fetchall())

    async def _change(self, do: Callable[[Any], T]) -> T:
        return await self._look(functools.partial(Shelves.within, do=do))
