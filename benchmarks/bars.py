"""The bars: what the figures of a run are held against. This table is where they are kept.

The first is the headline: the last line of `--quick`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from benchmarks.names import (
    ASYNC,
    BARE,
    DICT,
    ECHO,
    HOT_GLOBAL,
    HOT_USER,
    SYNC,
    TELEGRAM,
    WAIT,
    WAITING,
)
from benchmarks.races import Figure, Outcome, middle


class Bar(NamedTuple):
    """What is asked of a ratio: a rate's is at least `bar`, that of CPU time at most."""

    what: str
    work: str
    at_once: int
    contestant: str
    beside: str
    figure: Figure
    bar: float


BARS = (
    Bar("async, 100 at once", ECHO, 100, ASYNC, BARE, "per_second", 0.45),
    Bar("sync, 100 at once", ECHO, 100, SYNC, BARE, "per_second", 0.40),
    Bar("async, 1 at once", ECHO, 1, ASYNC, BARE, "per_second", 0.40),
    Bar("handlers that wait 10 ms", WAIT, 100, WAITING, DICT, "per_second", 0.80),
    Bar("hot user", ECHO, 100, HOT_USER, ASYNC, "per_second", 0.80),
    Bar("hot global", ECHO, 100, HOT_GLOBAL, ASYNC, "per_second", 0.80),
    Bar("CPU, 100 at once", ECHO, 100, ASYNC, TELEGRAM, "cpu_us", 0.85),
)


JUDGED = frozenset(name for bar in BARS for name in (bar.contestant, bar.beside))
"""Whose figures bars look at."""


class Verdict(NamedTuple):
    """A bar and what was measured; None if a contestant was not there."""

    bar: Bar
    measured: float | None

    @property
    def met(self) -> bool | None:
        """Whether the bar is met; None if it was not measured."""
        if self.measured is None:
            return None
        if self.bar.figure == "cpu_us":
            return self.measured <= self.bar.bar
        return self.measured >= self.bar.bar


def judge(bar: Bar, outcomes: Sequence[Outcome]) -> Verdict:
    """Hold a run against a bar."""
    ratios = [
        ratio
        for outcome in outcomes
        if (outcome.race.work, outcome.race.at_once) == (bar.work, bar.at_once)
        for ratio in outcome.ratios(bar.contestant, bar.beside, bar.figure)
    ]
    return Verdict(bar, middle(ratios))
