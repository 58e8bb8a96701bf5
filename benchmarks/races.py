"""Races: contestants who do the same work, measured side by side.

1. Contestants alternate: every round runs each of them once, in the same order, in a process and on
   a folder of its own. Some run in the first rounds alone.
2. A ratio is computed from two runs of the same round; what is shown is the median of these
   ratios, never the ratio of two medians: a machine that slows down in between slows both.
3. A contestant who cannot take part (`Absent`) is left out of all races, and the reason is kept.
"""

from __future__ import annotations

import statistics
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Literal, NamedTuple

from benchmarks.environments import Absent
from benchmarks.work import Figures, Result

Figure = Literal["per_second", "cpu_us"]


class Contestant(NamedTuple):
    """Somebody who does the work.

    `run` takes an empty folder, the number of messages and how many are written at once.
    `beside` is the contestant whose rate this one's is divided by; `rounds` how often it runs at
    most, None in every round.
    """

    name: str
    run: Callable[[Path, int, int], Result]
    beside: str | None
    rounds: int | None = None


class Race(NamedTuple):
    """Contestants and their work; a `share` of 10 is a tenth of the messages asked for."""

    work: str
    at_once: int
    share: int
    contestants: Sequence[Contestant]


class Outcome(NamedTuple):
    """What a race measured: the figures of each contestant who took part, round by round."""

    race: Race
    messages: int
    rounds: Mapping[str, Sequence[Figures]]

    def median(self, name: str) -> Figures:
        """Return the median of each figure."""
        return Figures(*map(statistics.median, zip(*self.rounds[name], strict=True)))

    def ratios(self, name: str, beside: str | None, figure: Figure = "per_second") -> list[float]:
        """Return a figure divided by that of another, round by round; none if either was absent."""
        pairs = zip(self.rounds.get(name, ()), self.rounds.get(beside or "", ()), strict=False)
        return [getattr(mine, figure) / getattr(other, figure) for mine, other in pairs]

    def spread(self, name: str) -> float:
        """Return the fastest round's rate divided by the slowest's; 1 if it was not there."""
        rates = [figures.per_second for figures in self.rounds.get(name, ())]
        return max(rates) / min(rates) if rates else 1.0


def hold(
    race: Race,
    messages: int,
    rounds: int,
    left_out: dict[str, str],
    told: Callable[[str], None] = lambda _name: None,
) -> Outcome:
    """Run a race without those `left_out`; who cannot take part is added there, with the reason.

    `told` is told of each contestant whose turn it is, in each round.
    """
    messages //= race.share
    measured: dict[str, list[Figures]] = {}
    for number in range(rounds):
        for contestant in race.contestants:
            if contestant.rounds is not None and number >= contestant.rounds:
                continue
            told(contestant.name)
            if contestant.name in left_out:
                continue
            try:
                figures = _figures(contestant, messages, race.at_once)
            except Absent as reason:
                left_out[contestant.name] = str(reason)
                measured.pop(contestant.name, None)
            else:
                measured.setdefault(contestant.name, []).append(figures)
    return Outcome(race, messages, measured)


def steps_of(race: Race, rounds: int) -> int:
    """Return how many runs a race has."""
    return sum(min(contestant.rounds or rounds, rounds) for contestant in race.contestants)


def _figures(contestant: Contestant, messages: int, at_once: int) -> Figures:
    with tempfile.TemporaryDirectory() as folder:
        return contestant.run(Path(folder), messages, at_once).figures()


def middle(ratios: Sequence[float]) -> float | None:
    """Return the median; None if there are none."""
    return statistics.median(ratios) if ratios else None
