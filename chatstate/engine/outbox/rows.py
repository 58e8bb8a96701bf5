"""Replies as they are taken from the outbox: read again, with their files where these lie now."""

from __future__ import annotations

from msgspec.structs import replace

from chatstate.engine.outbox.outbound import Outbound, outbound
from chatstate.engine.outbox.spool import Spool
from chatstate.stores.base import Address, DeadLetter, Outbox, Owed, Settled


class Rows:
    """Reads rows of the outbox."""

    def __init__(self, store: Outbox, spool: Spool) -> None:
        self._store = store
        self._spool = spool

    async def reply(
        self, conversation: int, address: Address, owed: Owed, now: float
    ) -> Outbound | None:
        """Return the reply that a row holds, read `now`.

        None if it cannot be read; then it is a dead letter.
        """
        try:
            reply = outbound(conversation, address, owed, now)
        except Exception as error:  # noqa: BLE001 - whatever stands there, it must stop nobody
            dead = DeadLetter("reply", f"what is stored of it cannot be read: {error}")
            self._store.settle(Settled(conversation, owed.turn, owed.part, dead))
            return None
        part = reply.action.part
        if part.files:
            part = replace(part, files=[await self._spool.found(file) for file in part.files])
            reply.action = replace(reply.action, part=part)
        return reply
