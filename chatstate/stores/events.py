"""Events as every store writes and reads them, and those that a store makes itself."""

from __future__ import annotations

import reprlib

import msgspec

from chatstate.messages import Chat, Event, Message, User
from chatstate.stores.records import Expired

_decode = msgspec.json.Decoder(Event).decode


def unreadable(event: Event, error: Exception) -> str:
    """Return why an event is refused that could not be read again."""
    return f"event {reprlib.repr(getattr(event, 'id', event))}: {error}"


def read(body: str, event_id: str, chat: str, thread: str) -> Event:
    """Return a stored event; of one that cannot be read, what is known of it."""
    try:
        return _decode(body)
    except Exception as error:  # noqa: BLE001 - whatever stands there, it must stop nobody
        message = Message(str(error), User(""), Chat(chat), "unreadable", thread or None)
        return Event(event_id, message)


def expiry(expired: Expired, sender: User, chat: Chat, thread: str | None) -> Event:
    """Return the event that tells of a value which has expired."""
    raw = msgspec.to_builtins(expired)
    message = Message(expired.name, sender, chat, "expiry", thread, raw=raw)
    return Event(f"expired-{expired.version}", message)


def retried(event: Event, letter: int) -> Event:
    """Return the event of a dead letter as a new one."""
    return Event(f"{event.id} (retry {letter})", event.message, event.origin)
