"""Days, times and durations as a person writes them.

A day is `2026-11-27` or `27.11.2026`, a time of day `14:30` or `9:05:30`, a duration `1h30m` or
`2 days`. They are those of the wall clock where the person is: nobody writes a zone.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import date, datetime, time, timedelta
from typing import Any, NamedTuple

_DAY = r"(?:\d{4}-\d\d-\d\d|\d{1,2}\.\d{1,2}\.\d{4})"
_TIME = r"\d{1,2}:\d\d(?::\d\d)?"
_PART = (
    r"(\d{1,9}(?:\.\d+)?)\s*"
    r"(w(?:eeks?)?|d(?:ays?)?|h(?:(?:ou)?rs?)?|m(?:in(?:ute)?s?)?|s(?:ec(?:ond)?s?)?)(?![^\W\d])"
)
_END = r"(?=\s|\Z)"
_UNITS = {unit[0]: unit for unit in ("weeks", "days", "hours", "minutes", "seconds")}


class Written(NamedTuple):
    """How a kind of values is written.

    - `read` raises `ValueError` or `OverflowError` for a text that is none.
    - `sentence` is what is said then.
    - `shape` is how it looks where it may have blanks in it.
    """

    read: Callable[[str], Any]
    sentence: str
    shape: re.Pattern[str] | None = None


def _day(text: str) -> date:
    if not re.fullmatch(_DAY, text, re.ASCII):
        raise ValueError(text)
    return date(*map(int, text.split("-") if "-" in text else text.split(".")[::-1]))


def _time(text: str) -> time:
    if not re.fullmatch(_TIME, text, re.ASCII):
        raise ValueError(text)
    hour, _, rest = text.partition(":")
    return time.fromisoformat(f"{hour:0>2}:{rest}")


def _moment(text: str) -> datetime:
    day, _, at = text.replace("T", " ").partition(" ")
    return datetime.combine(_day(day), _time(at.strip()))


def _duration(text: str) -> timedelta:
    if not re.fullmatch(rf"(?:{_PART}\s*)+", text, re.ASCII | re.IGNORECASE):
        raise ValueError(text)
    parts = re.findall(_PART, text, re.ASCII | re.IGNORECASE)
    return sum((timedelta(**{_UNITS[unit[0].lower()]: float(n)}) for n, unit in parts), timedelta())


def spelled(duration: timedelta) -> str:
    """Return a duration as it is typed, such as `1d 1h 30m`; what is below 0 cannot be."""
    seconds, parts = duration.total_seconds(), list[str]()
    for unit, size in (("d", 86400), ("h", 3600), ("m", 60), ("s", 1)):
        count = seconds / size if unit == "s" else seconds // size
        seconds -= count * size
        if count:
            parts.append(f"{count:g}{unit}")
    return " ".join(parts) or "0s"


MOMENTS: Mapping[type[Any], Written] = {
    date: Written(_day, "not_a_date"),
    time: Written(_time, "not_a_time"),
    datetime: Written(_moment, "not_a_datetime", re.compile(rf"{_DAY}\s+{_TIME}{_END}", re.ASCII)),
    timedelta: Written(
        _duration,
        "not_a_duration",
        re.compile(rf"{_PART}(?:\s*{_PART})*{_END}", re.ASCII | re.IGNORECASE),
    ),
}
"""What can be written of time, by the type that an annotation names."""
