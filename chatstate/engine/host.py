"""The engine, as one adapter sees it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from chatstate.engine.lanes import Lanes
from chatstate.engine.receipts import EventReceipt
from chatstate.interface import Interface
from chatstate.messages import Command, Event
from chatstate.stores.base import Account, Ingested, Store


class AccountHost:
    """Takes in the events of one account."""

    def __init__(
        self,
        bot: Interface,
        account: Account,
        store: Store,
        lanes: Lanes,
        receipts: dict[int, EventReceipt],
    ) -> None:
        self._bot = bot
        self._account = account.id
        self._cursor = account.cursor
        self._store = store
        self._lanes = lanes
        self._receipts = receipts

    @property
    def commands(self) -> Sequence[Command]:
        """See `Host.commands`."""
        return self._bot.commands

    @property
    def cursor(self) -> str | None:
        """See `Host.cursor`."""
        return self._cursor

    async def deliver(
        self, events: Sequence[Event], cursor: str | None = None
    ) -> Sequence[EventReceipt]:
        """See `Host.deliver`."""
        if self._lanes.stopping:  # what is not stored is not acknowledged, and comes again
            await asyncio.get_running_loop().create_future()
        ingested = await self._store.ingest(self._account, events, cursor)
        if cursor is not None:
            self._cursor = cursor
        return [self._accept(one) for one in ingested]

    def _accept(self, ingested: Ingested) -> EventReceipt:
        if ingested.status == "stored" and ingested.arrival:
            receipt = EventReceipt("stored", done=False)
            self._receipts[ingested.arrival.seq] = receipt
            self._lanes.add(ingested.arrival)
            return receipt
        if ingested.pending is not None:
            known = self._receipts.get(ingested.pending)
            if known is None:
                known = self._receipts[ingested.pending] = EventReceipt("stored", done=False)
            return _Again(known)
        return EventReceipt(ingested.status, done=True)


class _Again(EventReceipt):
    """The receipt of a duplicate whose event is still waiting."""

    __slots__ = ("_first",)

    def __init__(self, first: EventReceipt) -> None:
        super().__init__("duplicate", done=False)
        self._first = first

    async def settled(self) -> None:
        await self._first.settled()
