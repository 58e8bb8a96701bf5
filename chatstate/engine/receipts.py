"""Receipts: what became of each delivered event."""

from __future__ import annotations

import asyncio

from chatstate.adapter import ReceiptStatus


class EventReceipt:
    """The engine's `Receipt`. `replies` counts what its turn still has to send."""

    __slots__ = ("_done", "_waiters", "replies", "status")

    def __init__(self, status: ReceiptStatus, *, done: bool) -> None:
        self.status: ReceiptStatus = status
        self.replies = 0
        self._done = done
        self._waiters: list[asyncio.Future[None]] = []

    async def settled(self) -> None:
        """Return when the event's turn is committed and its replies are sent, held or dead."""
        if not self._done:
            waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._waiters.append(waiter)
            await waiter

    def settle(self) -> None:
        """Wake whoever waits."""
        self._done = True
        for waiter in self._waiters:
            if not waiter.done():
                waiter.set_result(None)
        self._waiters.clear()
