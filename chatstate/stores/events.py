"""Events as every store writes and reads them, and those that a store makes itself."""

from __future__ import annotations

import reprlib
from datetime import UTC, datetime

import msgspec

from chatstate.messages import Chat, Event, Message, User
from chatstate.stores.records import Expired
from chatstate.stores.timers import Fired, StoredTimer

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


def timer(
    fired: StoredTimer, sender: User, chat: Chat, thread: str | None, *, is_blocked: bool
) -> Event:
    """Return the event that a timer becomes when it fires; `is_blocked` is as in `Fired`."""
    what = (fired.handler, fired.text, fired.slot)
    told = Fired(fired.generation, fired.due_at, *what, is_blocked)
    time = datetime.fromtimestamp(fired.due_at, UTC)
    user = User(sender.id, sender.name, fired.language)
    raw = msgspec.to_builtins(told)
    message = Message(fired.key, user, chat, "timer", thread, time=time, raw=raw)
    return Event(timer_id(fired.generation), message)


def timer_id(generation: int) -> str:
    """Return the id of the event that a timer becomes; that of a dead letter is another."""
    return f"timer-{generation}"


def retried(event: Event, letter: int) -> Event:
    """Return the event of a dead letter as a new one."""
    return Event(f"{event.id} (retry {letter})", event.message, event.origin)
