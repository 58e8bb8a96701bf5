"""Receipts: what became of each delivered event."""

from __future__ import annotations

import asyncio

from chatstate.adapter import ReceiptStatus


class EventReceipt:
    """The engine's `Receipt`: done when as many replies are settled as its turn owes."""

    __slots__ = ("_done", "_owed", "_waiters", "status")

    def __init__(self, status: ReceiptStatus, *, done: bool = False) -> None:
        self.status: ReceiptStatus = status
        self._done = done
        self._owed = 0
        self._waiters: list[asyncio.Future[None]] | None = None

    async def settled(self) -> None:
        """Return when the event's turn is committed and its replies are sent, held or dead."""
        if not self._done:
            waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._waiters = [*(self._waiters or ()), waiter]
            await waiter

    def owes(self, replies: int) -> None:
        """Note that the turn is committed, and how many replies it owes."""
        self._owed = replies
        if not replies:
            self._wake()

    def reply_settled(self) -> None:
        """Note that one reply is sent, held or dead."""
        self._owed -= 1
        if not self._owed:
            self._wake()

    def _wake(self) -> None:
        self._done = True
        for waiter in self._waiters or ():
            if not waiter.done():
                waiter.set_result(None)
        self._waiters = None
