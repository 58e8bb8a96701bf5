"""The verbs of broadcasts. Those that need no run have a connection of their own without one."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

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
from chatstate.stores.postgres import broadcasts
from chatstate.stores.postgres.inbox import Inbox
from chatstate.stores.postgres.looking import Looking
from chatstate.stores.postgres.transactions import Do, T, Transactions
from chatstate.stores.rows import (
    broadcast_in,
    candidates_of_crowd,
    candidates_with_value,
    unreached,
)


class Broadcasting(Looking):
    """The verbs of `chatstate.stores.broadcasts.Broadcasts`. `_run` is 0 while it is not open."""

    _transactions: Transactions
    _inbox: Inbox
    _run: int

    async def announce(self, new: NewBroadcast) -> Broadcast:
        return await self._change(lambda t: broadcasts.announce(t, new))

    async def steer(self, number: int, order: Order) -> Broadcast | None:
        return await self._change(lambda t: broadcasts.steer(t, number, order))

    async def broadcasts(self, bot: str | None = None) -> Sequence[Broadcast]:
        return [broadcast_in(row) for row in await self._seen(broadcasts.ALL, bot or "")]

    async def audience(self, of: Audience, after: int, limit: int) -> Sequence[Candidate]:
        if of.state:
            named = (of.bot, *of.state, of.account, after, self._clock(), limit)
            return candidates_with_value(await self._seen(broadcasts.WITH_VALUE, *named))
        crowd = (of.bot, of.account, after, of.crowd, limit)
        return candidates_of_crowd(await self._seen(broadcasts.CROWD, *crowd))

    async def gather(
        self, number: int, before: int, after: int, found: Sequence[Recipient], *, is_last: bool
    ) -> None:
        await self._transactions.write(
            lambda t: broadcasts.gather(t, number, before, after, found, is_last=is_last)
        )

    async def unreached(
        self, number: int, accounts: Collection[int], limit: int
    ) -> Sequence[Unreached]:
        wanted = (number, list(accounts), limit)
        return unreached(await self._transactions.read(broadcasts.UNREACHED, *wanted))

    async def reach(self, number: int, recipient: int, event: Event | None) -> Ingested | None:
        return await self._transactions.write(
            lambda t: broadcasts.reach(t, self._inbox, number, recipient, event)
        )

    async def finish(self, number: int) -> bool:
        return await self._transactions.write(lambda t: broadcasts.finish(t, number))

    async def _seen(self, statement: str, *values: object) -> list[Any]:
        if self._run:
            return await self._transactions.read(statement, *values)
        async with self._looking() as transaction:
            return await transaction.fetch(statement, *values)

    async def _change(self, do: Do[T]) -> T:
        if self._run:
            return await self._transactions.write(do)
        async with self._looking() as transaction:
            return await do(transaction)
