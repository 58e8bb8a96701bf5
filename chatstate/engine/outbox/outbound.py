"""Replies on their way out: what a row of the outbox holds, in memory and as text.

1. What a row holds is an action, with the chat's id as it was: where it goes is asked anew.
2. A call by a platform's own name is not repeated while it is in doubt, unless that does no harm.
"""

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

    `begun_at`: when it may have been sent first, by whatever process; None if it surely was not.
    `failed_at`: no call that may have sent it ended later, by the monotonic clock. `sent`: the
    platform has accepted it. `is_gone`: the message that it was to edit is not there.
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
    failed_at: float = 0.0
    is_gone: bool = False

    @property
    def may_double(self) -> bool:
        """Whether to do it twice is more than to do it once."""
        return self.action.verb == "send" or self.is_once

    @property
    def is_once(self) -> bool:
        """Whether it is not repeated while it is in doubt, whatever the policy: it may cost."""
        return _is_once(self.action)

    @property
    def message_id(self) -> str | None:
        """The platform's id of the message; None if there may be another copy of it."""
        if self.action.verb == "edit":
            return self.action.message
        return self.sent.message_id if self.sent and self.begun_at is None else None

    @property
    def referred(self) -> str | None:
        """The platform's id of the message that its reference leads to: of its newest copy."""
        if not self.action.ref:
            return None
        if self.action.verb == "edit":  # it has become of a preview
            return self.action.message
        return self.sent.message_id if self.sent else None


def holds_once(owed: Owed) -> bool:
    """Tell whether a row holds what is not repeated while it is in doubt."""
    try:
        return _is_once(_decoder.decode(owed.body))
    except msgspec.MsgspecError:
        return False


def _is_once(action: Action) -> bool:
    return action.verb == "native" and not action.part.is_repeatable


def outbound(conversation: int, address: Address, owed: Owed, now: float) -> Outbound:
    """Return the reply that an outbox row from before holds, read `now`."""
    action = msgspec.structs.replace(
        _decoder.decode(owed.body), chat=address.chat, thread=address.thread
    )
    return Outbound(
        address.account,
        conversation,
        owed.turn,
        owed.part,
        action,
        owed.body,
        owed.begun_at,
        failed_at=now,
    )


def taken_out(replies: list[Outbound], owed: Owed) -> Outbound | None:
    """Take the reply of an outbox row out of those in memory, if it is there."""
    for number, reply in enumerate(replies):
        if (reply.turn, reply.part) == (owed.turn, owed.part):
            return replies.pop(number)
    return None


def new_outbound(
    arrival: Arrival,
    number: int,
    part: Part,
    verb: Verb = "send",
    message: str | None = None,
    ref: str = "",
    changes: str = "",
) -> Outbound:
    """Return a new reply: the call `number` of what a turn answers to an event.

    `message` is the platform's id of the one to edit or to delete, `changes` the reference to it;
    `ref` leads to the message that is sent.
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
        best_before=None if number else event.best_before,
        ref=ref,
        changes=changes,
    )
    body = _encoder.encode(action).decode()
    return Outbound(place.account, place.conversation, arrival.seq, number, action, body)
