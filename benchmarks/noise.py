"""How quiet the machine is: figures of a noisy one say little.

It is noisy if something else ran when it began (the load of the last minute was more than half a
core), or if bare SQLite, which always does the same, was not always as fast.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence

from benchmarks.names import BARE
from benchmarks.races import Outcome

SPREAD = 1.3
LOAD = 0.5


def load() -> float:
    """Return how many processes wanted to run at once in the last minute; 0 if nobody knows."""
    return os.getloadavg()[0] if hasattr(os, "getloadavg") else 0.0


def warnings(outcomes: Sequence[Outcome], load_before: float) -> Iterator[str]:
    """Yield what makes figures doubtful, a line each."""
    if load_before > LOAD:
        yield (
            f"warning: the machine was noisy: {load_before:.1f} processes wanted to run when it "
            "began; close what else runs"
        )
    for outcome in outcomes:
        spread = outcome.spread(BARE)
        if spread > SPREAD:
            yield (
                f"warning: the machine was noisy: {outcome.race.work} at {outcome.race.at_once} at "
                f"once, the fastest round of {BARE} was {spread:.1f} times the slowest; measure "
                "again on a quiet one"
            )
