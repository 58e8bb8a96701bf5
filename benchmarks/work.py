"""The work "history echo": what every contestant does, and how it is measured.

1. Messages come from `people` people in turn; the last 20 of each are kept; the reply is the
   history.
2. `at_once` people write at any time, each the next message once the last one is answered
   (`write_all`). Bare SQLite, which has no loop, takes `at_once` messages in one go instead.
3. The watch begins when a contestant is ready for the first message and stops at the last reply.
   Its CPU time is that of the whole process: what threads do counts.
4. Only the standard library is imported: peers run this file in environments of their own.
"""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import Awaitable, Callable
from typing import NamedTuple

PEOPLE = 1_000
KEPT = 20


def text(number: int) -> str:
    """Return the text of a message."""
    return f"message number {number} of somebody who writes sentences"


def answer(history: list[str]) -> str:
    """Return the reply to a person with this history."""
    return "\n".join(reversed(history))


class Figures(NamedTuple):
    """What is shown of a run: CPU time is for each message, the rest from message to reply."""

    per_second: float
    cpu_us: float
    p50_ms: float
    p99_ms: float


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

    def figures(self) -> Figures:
        """Return what is shown of it. There must be two latencies."""
        hundredths = statistics.quantiles(self.latencies, n=100)
        cpu = self.cpu / self.messages * 1e6
        return Figures(self.rate, cpu, hundredths[49] * 1e3, hundredths[98] * 1e3)


class Stopwatch:
    """Measures the time and the CPU time of a run."""

    def __init__(self) -> None:
        self._begun, self._cpu = time.perf_counter(), time.process_time()

    def stop(self, messages: int, latencies: list[float]) -> Result:
        """Return what was measured since it was made."""
        elapsed = time.perf_counter() - self._begun
        return Result(messages, elapsed, time.process_time() - self._cpu, latencies)


async def write_all(messages: int, at_once: int, write: Callable[[int], Awaitable[None]]) -> Result:
    """Write all messages, `at_once` at any time, and return what that took.

    `write` writes the message of a number and returns when it is answered.
    """
    numbers = iter(range(messages))
    latencies: list[float] = []

    async def somebody() -> None:
        for number in numbers:
            begun = time.perf_counter()
            await write(number)
            latencies.append(time.perf_counter() - begun)

    watch = Stopwatch()
    async with asyncio.TaskGroup() as group:
        for _ in range(at_once):
            group.create_task(somebody())
    return watch.stop(messages, latencies)
