"""Replies on their way out: what a row of the outbox holds, in memory and as text.

1. What a row holds is an action, with the chat's id as it was: where it goes is asked anew.
2. A call by a platform's own name is not repeated while it is in doubt, unless that does no harm.
   Whose turn owes it is kept with it, for whoever is told of what came of it.
3. What is answered first has the event's own deadline; what follows it has none.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from chatstate.adapter import Action, NativeCall, Part, Sent, Verb
from chatstate.engine.inbox.receipts import EventReceipt
from chatstate.messages import Chat, Event, Message, User
from chatstate.stores.base import Address, Arrival, Owed

_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(Action)


class OwedCall(Action, frozen=True, omit_defaults=True, gc=False):
    """A call by a platform's own name, with who has said what it answers, and where.

    `method` and `arguments` are its author's, these without files. `names` are the references to
    the messages that the arguments name.
    """

    method: str = ""
    sender: User = User("")
    place: Chat = Chat("")
    arguments: Mapping[str, Any] = {}
    names: Sequence[str] = ()


_calls = msgspec.json.Decoder(OwedCall)


class Outbound(msgspec.Struct, gc=False):
    """A reply owed, and the text of its row.

    `begun_at`: when it may have been sent first, by whatever process; None if it surely was not.
    `best_before`: it is not begun later, nor then what `follows` it; until it is owed, how many
    seconds after that. `failed_at`: no call that may have sent it ended later, by the monotonic
    clock. `sent`: the platform has accepted it. `is_gone`: the message that it was to edit is not
    there.
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
    best_before: float | None = None

    @property
    def told(self) -> dict[str, int]:
        """Whose it is, for a record in the log."""
        return {"turn": self.turn, "conversation": self.conversation, "account": self.account}

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
    action = _decoder.decode(owed.body)
    if action.verb == "native":
        action = _calls.decode(owed.body)
    action = msgspec.structs.replace(action, chat=address.chat, thread=address.thread)
    return Outbound(
        address.account,
        conversation,
        owed.turn,
        owed.part,
        action,
        owed.body,
        owed.begun_at,
        failed_at=now,
        best_before=owed.best_before,
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


def nth_of(ref: str, number: int) -> str:
    """Return the reference to one message of several that were sent under `ref`."""
    return f"{ref}/{number}" if number else ref


def refer_to_all(replies: Sequence[Outbound], ref: str) -> None:
    """Let references lead to all messages that are sent, in their order; see `nth_of`."""
    sent = [reply for reply in replies if reply.action.verb in ("send", "native")]
    for number, reply in enumerate(sent):
        reply.action = msgspec.structs.replace(reply.action, ref=nth_of(ref, number))
        reply.body = _encoder.encode(reply.action).decode()


def perish(replies: Sequence[Outbound], seconds: float) -> None:
    """Let the parts of a reply be sent within so many seconds: all of them, or none.

    Without any seconds they go with what is before them. What is an edit of what shows the reply
    already was begun.
    """
    for number, reply in enumerate(replies):
        reply.best_before = seconds
        if number or not seconds:
            reply.action = msgspec.structs.replace(reply.action, follows=True)
            reply.body = _encoder.encode(reply.action).decode()


def new_call(
    arrival: Arrival,
    number: int,
    part: Part,
    call: NativeCall,
    names: Sequence[str] = (),
    ref: str = "",
) -> Outbound:
    """Return the same for a call by the platform's own name; `names` are as in `OwedCall`."""
    owed = new_outbound(arrival, number, part, "native", ref=ref)
    message = arrival.event.message
    told: dict[str, Any] = {
        "method": call.method,
        "sender": message.sender,
        "place": message.chat,
        "arguments": call.arguments,
        "names": names,
    }
    owed.action = OwedCall(**msgspec.structs.asdict(owed.action), **told)
    owed.body = _encoder.encode(owed.action).decode()
    return owed


def sent_event(call: OwedCall, sent: Sent) -> Event:
    """Return the event that tells what a platform has returned for a call."""
    raw = {"arguments": dict(call.arguments), "result": sent.result}
    chat = msgspec.structs.replace(call.place, id=call.chat)
    message = Message(call.method, call.sender, chat, "sent", call.thread, sent.message_id, raw=raw)
    return Event(f"sent {call.key}", message)
