"""Replies on their way out: what a row of the outbox holds, in memory and as text."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from chatstate.adapter import Action, Part, Sent, Verb
from chatstate.engine.inbox.receipts import EventReceipt
from chatstate.stores.base import Address, Arrival, Owed

_encoder = msgspec.json.Encoder()


_decoder = msgspec.json.Decoder(Action)


class Outbound(msgspec.Struct, gc=False):
    """A reply owed, and the text of its row.

    `begun_at`: when an earlier process may have sent it. `sent`: the platform has accepted it.
    `is_unclear`: it may have been sent before that, without an answer.
    """

    account: int
    conversation: int
    turn: int
    part: int
    action: Action
    body: str = ""
    begun_at: float | None = None
    receipts: Sequence[EventReceipt] = ()
    sent: Sent | None = None
    is_unclear: bool = False


def outbound(conversation: int, address: Address, owed: Owed) -> Outbound:
    """Return the reply that an outbox row from before holds."""
    action = msgspec.structs.replace(
        _decoder.decode(owed.body), chat=address.chat, thread=address.thread
    )
    return Outbound(
        address.account, conversation, owed.turn, owed.part, action, owed.body, owed.begun_at
    )


def new_outbound(
    arrival: Arrival,
    number: int,
    part: Part,
    verb: Verb = "send",
    message: str | None = None,
) -> Outbound:
    """Return a new reply: the call `number` of what a turn answers to an event.

    `message` is the platform's id of the one to edit or to delete.
    """
    place, event = arrival.place, arrival.event
    key = f"{place.conversation}-{arrival.seq}-{number}"
    action = Action(
        key,
        event.message.chat.id,
        event.message.thread,
        part,
        event.origin,
        verb,
        message,
        number,
    )
    body = _encoder.encode(action).decode()
    return Outbound(place.account, place.conversation, arrival.seq, number, action, body)
