"""Replies on their way out: what a row of the outbox holds, in memory and as text."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from chatstate.adapter import Action, Part
from chatstate.engine.receipts import EventReceipt
from chatstate.messages import Message
from chatstate.scope import Place
from chatstate.stores.base import Address, Owed

_encoder = msgspec.json.Encoder()


_decoder = msgspec.json.Decoder(Action)


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
    action = msgspec.structs.replace(
        _decoder.decode(owed.body), chat=address.chat, thread=address.thread
    )
    return Outbound(
        address.account, conversation, owed.turn, owed.part, action, owed.body, owed.begun_at
    )


def new_outbound(
    place: Place, turn: int, number: int, message: Message, part: Part, origin: str | None
) -> Outbound:
    """Return a new reply: the part `number` of what a turn answers to `message`."""
    key = f"{place.conversation}-{turn}-{number}"
    action = Action(key, message.chat.id, message.thread, part, origin)
    body = _encoder.encode(action).decode()
    return Outbound(place.account, place.conversation, turn, number, action, body)
