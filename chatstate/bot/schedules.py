"""When something happens again and again: by the calendar of a zone, or after so much time. No I/O.

1. A slot is known by its local time and its fold (whether the clock shows it for the second time),
   never by the seconds alone: a restart, or a change of the zone's rules, does not repeat one.
2. The next slot comes after the last one and after now, whichever is later: what was missed is made
   up for once at most, and never in a burst.
3. What a clock skips in spring happens when it goes on; what it shows twice in autumn happens the
   first time, but for what happens several times an hour or every hour.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any, Literal, NamedTuple, get_args
from zoneinfo import ZoneInfo

import msgspec
from cronsim import CronSim, CronSimError

Misfire = Literal["once", "skip"]
"""What becomes of slots that were missed: together they happen once, late; or not at all."""
_SHORTEST = 1.0
_LATE = 60.0
"""A slot is missed if it could not begin within so many seconds."""


class Slot(NamedTuple):
    """One of the times of a schedule: seconds since 1970, and its name, by which it is known."""

    at: float
    name: str


class Schedule(msgspec.Struct, frozen=True, omit_defaults=True):
    """When something happens: `every` is a cron expression in a zone, or seconds between two."""

    every: str | float
    zone: str = "UTC"
    misfire: Misfire = "once"

    def next(self, now: float, after: str = "") -> Slot:
        """Return the first slot after now, and after the one of a name."""
        last = self.time_of(after) if after else now
        if isinstance(self.every, str):
            return self._next_by_calendar(max(now, last))
        steps = max((now - last) // self.every, 0) + 1
        return self._slot(datetime.fromtimestamp(last + steps * self.every, UTC))

    def time_of(self, name: str) -> float:
        """Return when the slot of a name is, by what is known of its zone now."""
        local, _, fold = name.partition("/")
        zone = UTC if isinstance(self.every, float) else ZoneInfo(self.zone)
        return datetime.fromisoformat(local).replace(tzinfo=zone, fold=int(fold)).timestamp()

    def is_missed(self, name: str, now: float) -> bool:
        """Tell whether it is too late for the slot of a name, if what is missed is skipped."""
        return self.misfire == "skip" and now - self.time_of(name) > _LATE

    def _next_by_calendar(self, now: float) -> Slot:
        times = CronSim(str(self.every), datetime.fromtimestamp(now, ZoneInfo(self.zone)))
        # In the hour that a clock shows twice, it may begin with what was there the first time.
        return self._slot(next(time for time in times if time.timestamp() > now))

    def _slot(self, time: datetime) -> Slot:
        local = time.replace(tzinfo=None, fold=0).isoformat()
        return Slot(time.timestamp(), f"{local}/{time.fold}")


def schedule(
    every: str | timedelta, zone: str | tzinfo | None = None, misfire: Misfire = "once"
) -> Schedule:
    """Return the schedule of a cron expression (`"0 9 * * *"`) in a zone, or of an interval.

    Raises `TypeError` and `ValueError` for what is none, which say what is.
    """
    if misfire not in get_args(Misfire):
        raise ValueError(f'misfire={misfire!r}: what was missed happens "once", or you "skip" it')
    if isinstance(every, timedelta):
        return _interval(every, zone, misfire)
    if not isinstance(every, str):
        kind = type(every).__name__
        raise TypeError(f'a schedule is a cron expression ("0 9 * * *") or a timedelta, not {kind}')
    made = Schedule(" ".join(every.split()), _zone(zone), misfire)
    try:
        made.next(0.0)
    except (CronSimError, StopIteration, RuntimeError) as error:
        raise ValueError(
            f"{every!r} is no cron expression, or no day fits it ({str(error) or 'no day'}): use "
            'minute, hour, day, month and weekday, as in "0 9 * * MON-FRI"'
        ) from error
    return made


def _interval(every: timedelta, zone: Any, misfire: Misfire) -> Schedule:
    if every.total_seconds() < _SHORTEST:
        raise ValueError(f"an interval is a second at least, not {every}")
    if zone is not None:
        raise ValueError(f"an interval is as long in every zone: leave tz={zone!r} away")
    return Schedule(every.total_seconds(), misfire=misfire)


def _zone(zone: str | tzinfo | None) -> str:
    """Return the name of a zone, UTC if none is given. Raises `ValueError` if there is none."""
    name: Any = getattr(zone, "key", None) or zone or "UTC"
    try:
        return ZoneInfo("UTC" if zone is UTC else name).key
    except (KeyError, ValueError, TypeError, OSError) as error:
        raise ValueError(
            f'there is no time zone {name!r}: use a name like "Europe/Berlin", or a ZoneInfo'
        ) from error
