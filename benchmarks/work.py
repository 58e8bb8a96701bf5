"""The work "history echo": what every contestant does, and how it is measured.

1. Messages come from `people` people in turn; the last 20 of each are kept; the reply is the
   history. A counter is one number of everybody's; the reply is that number.
2. `at_once` people write at any time, each the next message once the last one is answered
   (`write_all`). Bare SQLite, which has no loop, takes `at_once` messages in one go instead.
3. The watch begins when a contestant is ready for the first message and stops at the last reply.
   Its CPU time is that of the whole process: what threads do counts.
4. Only the standard library is imported: peers run this file in environments of their own.
"""

from __future__ import annotations

import asyncio
import contextlib
import statistics
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import NamedTuple

PEOPLE = 1_000
KEPT = 20
WAIT_SECONDS = 0.01


def text(number: int) -> str:
    """Return the text of a message."""
    return f"message number {number} of somebody who writes sentences"


def number_of(line: str) -> int:
    """Return the number of a message, from its text."""
    return int(line.split(" ", 3)[2])


def kept(history: list[str], message: str) -> list[str]:
    """Return a history with one message more: its last 20."""
    return [*history, message][-KEPT:]


def answer(history: list[str]) -> str:
    """Return the reply to a person with this history."""
    return "\n".join(reversed(history))


async def wait() -> None:
    """Wait 10 ms, as a handler does that asks others."""
    await asyncio.sleep(WAIT_SECONDS)


class Figures(NamedTuple):
    """What is shown of a run.

    CPU time is for each message, p50 and p99 are from message to reply; `peak_mb` is the most
    memory that the process ever had, 0 if that is not known.
    """

    per_second: float
    cpu_us: float
    p50_ms: float
    p99_ms: float
    peak_mb: float = 0.0


class Result(NamedTuple):
    """What one run measured. Rates are per second, times in seconds; `ended` is a time of day."""

    messages: int
    elapsed: float
    cpu: float
    latencies: list[float]
    peak_mb: float = 0.0
    ended: float = 0.0

    @property
    def rate(self) -> float:
        """Messages per second."""
        return self.messages / self.elapsed

    def figures(self) -> Figures:
        """Return what is shown of it. There must be two latencies."""
        hundredths = statistics.quantiles(self.latencies, n=100)
        cpu = self.cpu / self.messages * 1e6
        half, most = hundredths[49] * 1e3, hundredths[98] * 1e3
        return Figures(self.rate, cpu, half, most, self.peak_mb)


class Stopwatch:
    """Measures the time and the CPU time of a run."""

    def __init__(self) -> None:
        self._begun, self._cpu = time.perf_counter(), time.process_time()

    def stop(self, messages: int, latencies: list[float]) -> Result:
        """Return what was measured since it was made."""
        elapsed = time.perf_counter() - self._begun
        cpu = time.process_time() - self._cpu
        return Result(messages, elapsed, cpu, latencies, peak_mb(), time.time())


def peak_mb() -> float:
    """Return the most memory that this process ever had, in MB; 0 where there is no `/proc`.

    Not what `getrusage` says: to a child process that counts what its parent had.
    """
    with contextlib.suppress(OSError):
        for line in Path("/proc/self/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) / 1024
    return 0.0


async def write_all(
    messages: int, at_once: int, write: Callable[[int], Awaitable[None]], first: int = 0
) -> Result:
    """Write all messages, `at_once` at any time, and return what that took.

    `write` writes the message of a number and returns when it is answered.
    """
    numbers = iter(range(first, first + messages))
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
