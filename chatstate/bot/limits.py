"""Quotas: how often a person may use a handler. Pure functions of what was taken, and when.

A limit such as "5/minute" means that in no period of that length are there more than five. The
notation is that of the library `limits`; it counts in memory and by its own clock, which is why
it is not used.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple, cast

import msgspec

from chatstate.errors import BindingError
from chatstate.language.sentences import Sentence

_SECONDS = {
    "second": 1,
    "minute": 60,
    "hour": 3600,
    "day": 86400,
    "month": 30 * 86400,
    "year": 365 * 86400,
}
_LIMIT = re.compile(
    rf"\s*(\d+)\s*(?:/|\bper\b)\s*(\d+)?\s*({'|'.join(_SECONDS)})s?\s*", re.IGNORECASE
)
_SEPARATOR = re.compile(r"[,;|]")
_EXACT = 100
"""So many are remembered one by one; larger amounts in as many parts of their period."""


class Limit(NamedTuple):
    """At most `amount` in any `period`, in seconds."""

    amount: int
    period: int

    @property
    def grain(self) -> float:
        """How exact its times are, in seconds."""
        return 0.0 if self.amount <= _EXACT else self.period / _EXACT

    def __str__(self) -> str:
        return f"{self.amount}/{self.period}"


class Taken(msgspec.Struct, omit_defaults=True):
    """What a person has taken of a handler: how often at which times, by limit.

    `told`: until when the person knows that there is no more.
    """

    times: dict[str, list[tuple[float, int]]] = {}
    told: float = 0.0


def limits_of(given: str | Sequence[str]) -> tuple[Limit, ...]:
    """Return the limits in "20/minute", "1 per 10 seconds; 100/day" or a list of such.

    Raises `BindingError`.
    """
    parts = [given] if isinstance(given, str) else given
    if not isinstance(parts, list | tuple) or not all(isinstance(one, str) for one in parts):
        raise BindingError(f'limits={given!r}: give text such as "5/minute", or several')
    words = [word for part in cast("Sequence[str]", parts) for word in _SEPARATOR.split(part)]
    return tuple(_limit(word) for word in words)


def _limit(word: str) -> Limit:
    found = _LIMIT.fullmatch(word)
    amount, several, unit = found.groups() if found else ("0", None, "")
    times = int(several or 1)
    if not int(amount) or not times:
        raise BindingError(
            f'limits: {word!r} is no limit; write one as "5/minute" or "1 per 10 seconds"; '
            f"units are {', '.join(_SECONDS)}"
        )
    return Limit(int(amount), times * _SECONDS[unit.lower()])


def wait(limits: Iterable[Limit], taken: Taken, going: Sequence[float], now: float) -> float:
    """Return the seconds until one more is within all limits; 0 if it is now.

    `going` are the times of those that are not counted in `taken` yet.
    """
    return max((_wait(limit, taken, going, now) for limit in limits), default=0.0)


def _wait(limit: Limit, taken: Taken, going: Sequence[float], now: float) -> float:
    times = [*_live(limit, taken, now), *((at, 1) for at in going)]
    ends = sorted((at + limit.period + limit.grain, count) for at, count in times)
    left = limit.amount - sum(count for _, count in ends)
    for end, count in ends:
        if left > 0:
            return 0.0
        left += count
        if left > 0:
            return max(end - now, 0.0)
    return 0.0


def take(limits: Iterable[Limit], taken: Taken, at: float, now: float) -> Taken:
    """Return `taken` with one more, taken at the time `at`, and without what has lapsed."""
    times: dict[str, list[tuple[float, int]]] = {}
    for limit in limits:
        live = _live(limit, taken, now)
        time = at if not limit.grain else math.floor(at / limit.grain) * limit.grain
        if limit.grain and live and live[-1][0] == time:
            live[-1] = (time, live[-1][1] + 1)
        else:
            live.append((time, 1))
        times[str(limit)] = live
    return Taken(times, taken.told)


def _live(limit: Limit, taken: Taken, now: float) -> list[tuple[float, int]]:
    """Return what still counts. A time that is yet to come was taken by a clock since set back."""
    lasts = limit.period + limit.grain
    return [(at, count) for at, count in taken.times.get(str(limit), ()) if at <= now < at + lasts]


def duration(seconds: float) -> Sentence:
    """Return a time to wait in words, rounded up."""
    for name, unit in (("days", 86400), ("hours", 3600), ("minutes", 60)):
        if seconds > (2 * unit if name == "days" else unit):
            return Sentence(name, number=math.ceil(seconds / unit))
    return Sentence("seconds", number=max(math.ceil(seconds), 1))
