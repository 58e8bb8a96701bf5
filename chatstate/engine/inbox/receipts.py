"""Receipts: what became of each delivered event, by its number in the inbox.

1. A receipt is settled once its turn is committed and as many replies are settled as that owes.
2. `Receipts` alone knows which receipt is whose; it forgets one when the turn is committed.
3. Of events that another run handles, or has handled maybe since the store has told of them,
   `elsewhere` has the numbers until they are found settled.
4. A duplicate is settled when its event is, also if its turn was over before: whether replies are
   owed still is asked of the store once somebody waits for that.
"""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Awaitable, Callable, Collection, Generator, Iterable, Sequence
from typing import Any

import msgspec

from chatstate.adapter import ReceiptStatus
from chatstate.clock import growing_pauses
from chatstate.stores.base import Arrival, Ingested


class _Nothing:
    """To be awaited: it is over already."""

    def __await__(self) -> Generator[Any, None, None]:
        return
        yield


_OVER = _Nothing()


class EventReceipt(msgspec.Struct, eq=False, gc=False):
    """The engine's `Receipt`. `told` is called when the turn is committed.

    `ask` returns when an event is settled whose turn was committed before.
    """

    status: ReceiptStatus
    is_settled: bool = False
    owed: int = 0
    told: Callable[[], None] | None = None
    waiters: tuple[asyncio.Future[None], ...] = ()
    first: EventReceipt | None = None
    ask: Callable[[], Awaitable[None]] | None = None

    def settled(self) -> Awaitable[None]:
        """Return when the event's turn is committed and its replies are sent, held or dead."""
        if self.first:  # a duplicate is settled when the event is
            return self.first.settled()
        if self.is_settled:
            return _OVER
        if self.ask:
            return self._asked(self.ask)
        waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.waiters = (*self.waiters, waiter)
        return waiter

    async def over(self) -> None:
        """Return when it is settled."""
        await self.settled()

    async def _asked(self, ask: Callable[[], Awaitable[None]]) -> None:
        await ask()
        self.is_settled = True

    def owes(self, replies: int) -> None:
        """Note that the turn is committed, and how many replies it owes."""
        self.owed = replies
        if not replies:
            self._settle()
        if self.told:
            self.told()

    def reply_settled(self) -> None:
        """Note that one reply is sent, held or dead."""
        self.owed -= 1
        if not self.owed:
            self._settle()

    def _settle(self) -> None:
        self.is_settled = True
        waiters, self.waiters = self.waiters, ()
        for waiter in waiters:
            if not waiter.done():
                waiter.set_result(None)


class Receipts:
    """The receipts of events whose turns are not committed yet. See the module's rules.

    `newest` is the highest number of an event that was stored. `pending` tells which of some events
    are not settled yet, as the store knows.
    """

    def __init__(self, pending: Callable[[Sequence[int]], Awaitable[Sequence[int]]]) -> None:
        self._pending = pending
        self._receipts: dict[int, EventReceipt] = {}
        self.elsewhere: set[int] = set()
        self.newest = 0

    def stored(self, seq: int, told: Callable[[], None] | None = None) -> EventReceipt:
        """Return the receipt of an event that was stored under this number."""
        receipt = self._receipts.get(seq)
        if receipt is None:
            receipt = self._receipts[seq] = EventReceipt("stored", told=told)
        else:  # a duplicate asked for it before this was told
            receipt.told = told
            self.elsewhere.discard(seq)
        self.newest = max(self.newest, seq)
        return receipt

    def known(self, ingested: Ingested) -> EventReceipt:
        """Return a receipt for an event that this run has not stored now, or not for itself."""
        if ingested.done is not None:
            return self.done(ingested.done)
        if ingested.pending is None:
            return EventReceipt(ingested.status, is_settled=True)
        if ingested.elsewhere:
            return self.elsewhere_as(ingested.status, ingested.pending)
        return self.duplicate(ingested.pending)

    def done(self, seq: int) -> EventReceipt:
        """Return a receipt for a duplicate of an event whose turn may owe replies still."""
        return EventReceipt("duplicate", ask=functools.partial(self._until_settled, seq))

    async def _until_settled(self, seq: int) -> None:
        """Return once the store says so, whichever run sends what is owed."""
        pauses = growing_pauses()
        while await self._pending([seq]):  # noqa: ASYNC110 - it may be another run that sends it
            await asyncio.sleep(next(pauses))

    def knows(self, seq: int) -> bool:
        """Tell whether an event came in this run, if its turn is not committed."""
        return seq in self._receipts

    def of(self, seq: int) -> EventReceipt:
        """Return the receipt of an event whose turn runs, made if nobody has it."""
        return self._receipts.setdefault(seq, EventReceipt("stored"))

    def duplicate(self, seq: int) -> EventReceipt:
        """Return a receipt for an event that waits under this number already."""
        if seq not in self._receipts:  # its turn may be over by now
            self.elsewhere.add(seq)
        return EventReceipt("duplicate", first=self.of(seq))

    def elsewhere_as(self, status: ReceiptStatus, seq: int) -> EventReceipt:
        """Return a receipt for an event that another run handles, or maybe this one, later."""
        self.elsewhere.add(seq)
        if status == "duplicate":
            return self.duplicate(seq)
        return self._receipts.get(seq) or self.stored(seq)

    def go_on_elsewhere(self, events: Iterable[Arrival]) -> None:
        """Note that what the turn of these events owes is sent by whoever the store tells of it."""
        self.elsewhere.update(event.seq for event in events if event.seq in self._receipts)

    def settled_elsewhere(self, numbers: Collection[int]) -> None:
        """Note that these are committed, and what they owed is sent."""
        self.elsewhere.difference_update(numbers)
        for seq in numbers:
            self.dropped(seq)

    def committed(self, events: Iterable[Arrival], replies: int) -> list[EventReceipt]:
        """Note that the turn of these events owes so many replies, and return their receipts."""
        receipts: list[EventReceipt] = []
        for event in events:
            receipt = self._receipts.pop(event.seq, None)
            if receipt is not None:
                receipts.append(receipt)
                receipt.owes(replies)
        return receipts

    def dropped(self, seq: int) -> None:
        """Note that an event had to make room, and is answered by nothing."""
        receipt = self._receipts.pop(seq, None)
        if receipt:
            receipt.owes(0)
