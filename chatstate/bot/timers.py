"""What an author sets a timer with, and finds again when it fires. No I/O.

1. A timer's handler is known by its name, so that a stored timer finds its code after a deploy.
2. What it is given is bound by name when it is set: what is unknown, missing, or would not come
   back equal is an error there, not when it fires.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, time, timedelta
from typing import Any

import msgspec

from chatstate.bot.resources import Owner
from chatstate.bot.schedules import Schedule
from chatstate.errors import BindingError, StateError
from chatstate.messages import Message
from chatstate.signature import label
from chatstate.state.codec import Codec
from chatstate.stores.timers import Fired

RESERVED = ("key", "tz", "misfire")
"""What no parameter of a timer's handler is called: `turn.every` has these itself."""


When = timedelta | datetime | time
"""When a timer fires: after so long, at a moment, or when a clock next shows a time of day."""


class Told(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a stored timer is for: data of its handler by name, or replies; and when again."""

    data: Mapping[str, msgspec.Raw] = {}
    said: Sequence[Any] = ()
    schedule: Schedule | None = None


class Timer(msgspec.Struct, frozen=True):
    """A timer that is set, as `turn.timers` tells it.

    - `at` is when it fires (in UTC), `key` what it is set under: `turn.cancel(timer.key)`.
    - `handler` is the name of its handler, "" if it says a reply; `data` what that gets.
    - `schedule` is when it fires again and again: `schedule.every` and `schedule.zone`; else None.
    """

    key: str
    at: datetime
    handler: str
    data: Mapping[str, Any] = {}
    schedule: Schedule | None = None


class Datum(msgspec.Struct, frozen=True, eq=False):
    """A parameter of a timer's handler that is given when the timer is set."""

    name: str
    codec: Codec
    default: Any

    def get(self, given: Any) -> Any:
        """Return what it was given, or its default."""
        data = told(given.message).data
        if self.name not in data:
            if self.default is inspect.Parameter.empty:
                raise StateError(
                    f"the timer was set before its handler had a parameter {self.name!r}: give "
                    "that a default"
                )
            return self.default
        return self.codec.decode(bytes(data[self.name]).decode())


def datum(parameter: inspect.Parameter, type_: Any) -> Datum:
    """Return what a parameter of a timer's handler is. Raises `BindingError`."""
    if parameter.name in RESERVED:
        raise BindingError(f"turn.every has a {parameter.name}= of its own: call it otherwise")
    return Datum(parameter.name, Codec(type_), parameter.default)


def is_data(type_: Any, owner: Owner | None) -> bool:
    """Tell whether a timer can be set with it: in a bot with a lifespan, not what that may open."""
    has_lifespan = owner is not None and owner.lifespan is not None
    is_own = isinstance(msgspec.inspect.type_info(type_), msgspec.inspect.CustomType)
    return not (has_lifespan and is_own)


def written(fn: Callable[..., Any], known: Sequence[Datum], data: Mapping[str, Any]) -> Any:
    """Return the data for a handler as it is stored.

    Raises `TypeError` for what it does not take, or what is missing; `StateError` for what would
    not come back equal.
    """
    codecs = {parameter.name: parameter.codec for parameter in known}
    unknown = [name for name in data if name not in codecs]
    needed = [p.name for p in known if p.default is inspect.Parameter.empty]
    missing = [name for name in needed if name not in data]
    if unknown or missing:
        what = f"takes no {unknown[0]}=" if unknown else f"needs {missing[0]}="
        takes = ", ".join(f"{name}=" for name in codecs) or "nothing"
        raise TypeError(f"{label(fn)} {what}; a timer gives it what it is set with: {takes}")
    return {name: msgspec.Raw(codecs[name].encode(data[name]).encode()) for name in data}


_decode = msgspec.json.Decoder(Told).decode


def read(text: str) -> Told:
    """Return what the text of a stored timer says."""
    return _decode(text)


def told(message: Message) -> Told:
    """Return what the event of a timer says."""
    return read(msgspec.convert(message.raw, Fired).text)


def due_at(when: When, now: float) -> float:
    """Return the moment that an author means by `when`; what is past is now.

    Raises `TypeError` for what is none, and `ValueError` for one that has no zone.
    """
    if not isinstance(when, When):
        kind = type(when).__name__
        raise TypeError(f"a timer's time is a timedelta, a datetime or a time, not {kind}")
    if isinstance(when, timedelta):
        return now + when.total_seconds()
    if when.tzinfo is None:
        raise ValueError(
            f"{when} is of no time zone: give it one, as in "
            'time(9, 0, tzinfo=ZoneInfo("Europe/Berlin")), or use a timedelta'
        )
    if isinstance(when, datetime):
        return when.timestamp()
    return _next_time(when, now)


def _next_time(when: time, now: float) -> float:
    """Return when a clock next shows a time of day."""
    today = datetime.fromtimestamp(now, when.tzinfo).date()
    days = (datetime.combine(today + timedelta(days=days), when) for days in range(2))
    return next(day.timestamp() for day in days if day.timestamp() > now)


def listed(key: str, at: float, handler: str, text: str) -> Timer:
    """Return a stored timer as its author sees it."""
    said = read(text)
    data = {name: msgspec.json.decode(bytes(value)) for name, value in said.data.items()}
    return Timer(key, datetime.fromtimestamp(at, UTC), handler, data, said.schedule)
