"""Events as they are once they have been stored.

Whatever a platform says comes to an adapter as JSON, in which any field may be of any type. What a
store has taken must be readable again.
"""

from __future__ import annotations

from typing import Any, cast

import msgspec

from chatstate.messages import Event

_write = msgspec.json.Encoder().encode
_read = msgspec.json.Decoder(Event).decode


def proved(event: Event) -> tuple[str, Event]:
    """Return an event as JSON, and the event that will be read from that.

    Half a surrogate pair, which is no text, becomes a question mark. Raises whatever its fields
    make `msgspec` raise, if it could not be written, or not be read again.
    """
    try:
        body = _write(event)
    except UnicodeEncodeError:
        body = _write(_as_text(msgspec.to_builtins(event)))
    return body.decode(), _read(body)


def _as_text(value: Any) -> Any:
    """Return JSON types with half surrogate pairs replaced."""
    if isinstance(value, str):
        return value.encode(errors="replace").decode()
    if isinstance(value, list):
        return [_as_text(item) for item in cast("list[Any]", value)]
    if isinstance(value, dict):
        members = cast("dict[str, Any]", value)
        return {_as_text(name): _as_text(member) for name, member in members.items()}
    return value
