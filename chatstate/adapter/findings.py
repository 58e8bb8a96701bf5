"""What `chatstate doctor` is told: what was looked at, how it is, and what to do about it.

An adapter tells of its account by `Adapter.examine`, a store of itself.
"""

from __future__ import annotations

import time
from email.utils import parsedate_to_datetime
from typing import Literal

import msgspec

Level = Literal["ok", "warning", "failed"]
"""How it is: fine; worth a look, though the bot runs; such that it does not run."""
_IN_TIME, _BY_FAR = 5.0, 60.0


class Finding(msgspec.Struct, frozen=True):
    """One thing that was looked at: `what` it is, how it is, and the `remedy` if it is not fine."""

    level: Level
    what: str
    told: str
    remedy: str = ""


def fine(what: str, told: str) -> Finding:
    """Return that something is as it should be."""
    return Finding("ok", what, told)


def time_told(date: str | None) -> float | None:
    """Return the seconds since 1970 of an answer's `Date` over HTTP; None if that is none."""
    try:
        return parsedate_to_datetime(date or "").timestamp()
    except ValueError:
        return None


def of_clocks(theirs: float, other: str, ours: float | None = None) -> Finding:
    """Return how this machine's clock is, where it is `theirs` on that of another just now.

    `ours`: what time it is here, if another clock than the system's tells it.
    """
    ahead = (time.time() if ours is None else ours) - theirs
    if abs(ahead) < _IN_TIME:
        return fine("clock", f"agrees with that of {other}")
    where = "ahead of that" if ahead > 0 else "behind that"
    told = f"{abs(ahead):.0f} s {where} of {other}"
    remedy = "let the machine set its clock by the network (timedatectl set-ntp true)"
    return Finding("failed" if abs(ahead) > _BY_FAR else "warning", "clock", told, remedy)
