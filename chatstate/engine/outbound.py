"""Replies on their way out: what a row of the outbox holds, in memory and as text."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from chatstate.adapter import Action, Part
from chatstate.engine.receipts import EventReceipt
from chatstate.stores.base import Address, Owed

_encoder = msgspec.json.Encoder()


class Body(msgspec.Struct, frozen=True, omit_defaults=True):
    """The body of an outbox row: the rendered part, and the origin of what it answers."""

    part: Part
    origin: str | None = None

    def encode(self) -> str:
        """Return the body as JSON text."""
        return _encoder.encode(self).decode()


_decoder = msgspec.json.Decoder(Body)


class Outbound(msgspec.Struct):
    """A reply owed, and the text of its row.

    `begun_at`: when an earlier process may have sent it.
    """

    account: int
    conversation: int
    turn: int
    part: int
    action: Action
    body: str = ""
    begun_at: float | None = None
    receipts: Sequence[EventReceipt | None] = ()


def outbound(conversation: int, address: Address, owed: Owed) -> Outbound:
    """Return the reply that an outbox row from before holds."""
    body = _decoder.decode(owed.body)
    return Outbound(
        address.account,
        conversation,
        owed.turn,
        owed.part,
        Action(
            reply_key(conversation, owed.turn, owed.part),
            address.chat,
            address.thread,
            body.part,
            body.origin,
        ),
        owed.body,
        owed.begun_at,
    )


def reply_key(conversation: int, turn: int, part: int) -> str:
    """Return the idempotency key of a reply: the same in every process."""
    return f"{conversation}-{turn}-{part}"
