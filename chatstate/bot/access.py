"""Who may use a handler, and how often: guards and limits, as an author writes them.

1. A guard is a list of rules of which one must hold; an empty list is refused.
2. A limit such as "5/minute" means that in no period of that length are there more than five.
3. What a person has taken is data, with its times; it is made anew, never changed in place.
4. A clock that was set back counts nothing twice: times that are yet to come no longer count.
5. A turn counts as one, or as what it charges.

The notation is that of the library `limits`. It counts in memory and by its own clock, which is
why it is not used.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Literal, NamedTuple, TypeAlias, cast, get_args

import msgspec

from chatstate.bot.functions import BoundFunction, predicate
from chatstate.bot.resources import Owner
from chatstate.errors import BindingError
from chatstate.language.sentences import Sentence

Who = Literal["owners", "admins"]
Allow: TypeAlias = Who | Callable[..., Any] | Sequence[Who | Callable[..., Any]]
"""Who may use a handler: "owners", "admins", a predicate, or a list of which one is enough."""
Owners: TypeAlias = Sequence[str] | Mapping[str, Sequence[str]]
"""People, as "platform:id", or their ids by platform."""

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


class Guard(NamedTuple):
    """Rules of which one must hold."""

    rules: tuple[Who | BoundFunction, ...]

    @property
    def is_for_owners(self) -> bool:
        """Whether nobody but owners can pass."""
        return set(self.rules) == {"owners"}

    @property
    def sentence(self) -> str:
        """The name of the sentence for those who do not pass."""
        return "only_admins" if "admins" in self.rules else "refused"


def guard(allow: Allow, *, owner: Owner | None = None) -> Guard:
    """Return the guard that `allow` describes. Raises `BindingError`."""
    parts = cast("Sequence[Any]", allow if isinstance(allow, list | tuple) else [allow])
    rules: list[Who | BoundFunction] = [_rule(part, owner=owner) for part in parts]
    if not rules:
        raise BindingError("allow=[] lets nobody in")
    return Guard(tuple(rules))


def _rule(part: Any, *, owner: Owner | None) -> Who | BoundFunction:
    if part in get_args(Who):
        return cast("Who", part)
    if not callable(part):
        raise BindingError(f'allow={part!r}: use "owners", "admins" or a function')
    return predicate(part, owner=owner)


def owners_of(given: Owners) -> frozenset[tuple[str, str]]:
    """Return people as pairs of platform and id. Raises `BindingError`."""
    if isinstance(given, Mapping):
        pairs = [(platform, person) for platform, ids in given.items() for person in _texts(ids)]
    else:
        pairs = [_owner(text) for text in _texts(given)]
    return frozenset(pairs)


def _texts(given: Any) -> Sequence[str]:
    """Return a list of texts. A text is no list: its letters would all be ids."""
    if isinstance(given, str) or not all(isinstance(text, str) for text in given):
        raise BindingError(f"owners: {given!r} is no list of texts; an id is a text: use [...]")
    return cast("Sequence[str]", given)


def _owner(text: str) -> tuple[str, str]:
    platform, colon, identity = text.partition(":")
    if not (platform and colon and identity):
        raise BindingError(
            f"owners: {text!r} does not say on which platform; "
            'write "telegram:123", or {"telegram": ["123"]}'
        )
    return platform, identity


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


Weights: TypeAlias = Mapping[Limit, int]
"""As how many a turn counts for each limit: as one for those that are not in it."""
_PLAIN: Weights = {}


def limits_of(given: str | Sequence[str]) -> tuple[Limit, ...]:
    """Return the limits in "20/minute", "1 per 10 seconds; 100/day" or a list of such.

    Raises `BindingError`.
    """
    parts = [given] if isinstance(given, str) else given
    if not isinstance(parts, list | tuple) or not all(isinstance(part, str) for part in parts):
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


def wait(
    limits: Iterable[Limit],
    taken: Taken,
    going: Sequence[tuple[float, Weights]],
    now: float,
    weights: Weights = _PLAIN,
) -> float:
    """Return the seconds until one more, of some weight, is within all limits; 0 if it is now.

    `going` are those that are not counted in `taken` yet: their times and weights.
    """
    waits = (_wait(limit, taken, going, now, weights.get(limit, 1)) for limit in limits)
    return max(waits, default=0.0)


def _wait(
    limit: Limit,
    taken: Taken,
    going: Sequence[tuple[float, Weights]],
    now: float,
    weight: int,
) -> float:
    times = [*_live(limit, taken, now), *((at, weights.get(limit, 1)) for at, weights in going)]
    ends = sorted((at + limit.period + limit.grain, count) for at, count in times)
    left = limit.amount - sum(count for _, count in ends)
    for end, count in ends:
        if left >= weight:
            return 0.0
        left += count
        if left >= weight:
            return max(end - now, 0.0)
    return 0.0


def take(
    limits: Iterable[Limit], taken: Taken, at: float, now: float, weights: Weights = _PLAIN
) -> Taken:
    """Return `taken` with one more, taken at the time `at`, and without what has lapsed."""
    times: dict[str, list[tuple[float, int]]] = {}
    for limit in limits:
        live, weight = _live(limit, taken, now), weights.get(limit, 1)
        time = at if not limit.grain else math.floor(at / limit.grain) * limit.grain
        if limit.grain and live and live[-1][0] == time:
            live[-1] = (time, live[-1][1] + weight)
        elif weight:
            live.append((time, weight))
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
