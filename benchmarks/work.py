"""The work "history echo": what every contestant does.

Messages come from 1,000 people in turn; the last 20 of each are kept; the reply is the history.
"""

from __future__ import annotations

import statistics
import time
from typing import NamedTuple

PEOPLE = 1_000
KEPT = 20


def text(number: int) -> str:
    """Return the text of a message."""
    return f"message number {number} of somebody who writes sentences"


def answer(history: list[str]) -> str:
    """Return the reply to a person with this history."""
    return "\n".join(reversed(history))


class Result(NamedTuple):
    """What one run measured. Rates are per second, times in seconds."""

    messages: int
    elapsed: float
    cpu: float
    latencies: list[float]

    @property
    def rate(self) -> float:
        """Messages per second."""
        return self.messages / self.elapsed

    def line(self) -> str:
        """Return the figures as a line of a table."""
        hundredths = statistics.quantiles(self.latencies, n=100)
        return (
            f"{self.rate:>10,.0f} {self.cpu / self.messages * 1e6:>8.0f} "
            f"{hundredths[49] * 1e3:>8.2f} {hundredths[98] * 1e3:>8.2f}"
        )


class Stopwatch:
    """Measures the time and the CPU time of a run."""

    def __init__(self) -> None:
        self._begun, self._cpu = time.perf_counter(), time.process_time()

    def stop(self, messages: int, latencies: list[float]) -> Result:
        """Return what was measured since it was made."""
        elapsed = time.perf_counter() - self._begun
        return Result(messages, elapsed, time.process_time() - self._cpu, latencies)
