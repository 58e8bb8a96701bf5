"""A dict and tasks, with no framework around them: handlers that wait 10 ms."""

from __future__ import annotations

import asyncio
from pathlib import Path

from benchmarks.work import KEPT, PEOPLE, Result, answer, text, write_all


class _Echo:
    def __init__(self) -> None:
        self.sent = 0
        self._histories: dict[int, list[str]] = {}

    async def write(self, number: int) -> None:
        person = number % PEOPLE
        history = self._histories.get(person, [])
        await asyncio.sleep(0.01)
        history = [*history, text(number)][-KEPT:]
        self._histories[person] = history
        self.sent += bool(answer(history))


def run(_folder: Path, messages: int, at_once: int) -> Result:
    """Handle `messages` in memory alone, `at_once` at any time."""
    echo = _Echo()
    result = asyncio.run(write_all(messages, at_once, echo.write))
    if echo.sent != messages:
        raise RuntimeError(f"{messages} messages, {echo.sent} replies")
    return result
