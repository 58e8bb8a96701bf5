"""Events as every store writes and reads them, and those that a store makes itself."""

from __future__ import annotations

import reprlib
from typing import Any, cast

import msgspec

from chatstate.messages import Chat, Event, Message, User
from chatstate.stores.records import Expired

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Event).decode


def proved(event: Event) -> tuple[str, Event]:
    """Return the text of an event, and the event that will be read from it.

    Half surrogate pairs become question marks: they are no text. Raises whatever its fields make
    `msgspec` raise, if it could not be read.
    """
    try:
        body = _encode(event)
    except UnicodeEncodeError:
        body = _encode(_as_text(msgspec.to_builtins(event)))
    return body.decode(), _decode(body)


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


def _as_text(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode(errors="replace").decode()
    if isinstance(value, list):
        return [_as_text(item) for item in cast("list[Any]", value)]
    if isinstance(value, dict):
        members = cast("dict[str, Any]", value)
        return {_as_text(name): _as_text(member) for name, member in members.items()}
    return value
