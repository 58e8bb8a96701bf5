"""What a contestant is: a bot that does the work, opened in a process of its own.

A contestant is a module of `benchmarks.contestants` with

    @contextlib.asynccontextmanager
    async def bot(setup: Setup, replies: Replies) -> AsyncIterator[Say]:

1. It opens the bot that `setup` asks for, by its framework's own means, and yields `say`: this
   delivers a message of a person by the framework's own dispatch, and returns when it is answered.
2. What is sent ends in `replies`, at the framework's transport; nothing goes over a network.
3. What the framework keeps on disk is in `setup.folder`, or on the server at `setup.url`.
4. Its docstring tells what it promises, and what not.
5. Only the standard library, the framework and `benchmarks.work` are imported.

A module may have `fill(setup, sessions)` as well, which stores that many other people's histories
before anything is opened; and `race(setup, messages, at_once)` instead of `bot` if it has no loop.
"""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Literal, NamedTuple

from benchmarks.work import PEOPLE

Work = Literal["echo", "sync", "wait", "count", "slow count"]
"""What the handler does.

- "echo": the reply is the person's history. "sync": the handler is no coroutine. "wait": it waits
  10 ms before it changes the history.
- "count": it adds 1 to one counter of everybody's. "slow count": it waits 10 ms between reading
  and writing.
"""
Say = Callable[[int, int], Awaitable[None]]
"""`await say(person, number)`: a person writes the message of a number, and is answered."""


class Setup(NamedTuple):
    """What is asked of a contestant. `options` are its own: see its docstring.

    `people` write, by turns: the message of a number is that of person `number % people`.
    """

    folder: Path
    work: Work
    url: str = ""
    options: frozenset[str] = frozenset()
    people: int = PEOPLE


class Replies:
    """Where replies end: they are counted, and the last of each person is kept."""

    def __init__(self, *, told: bool = False) -> None:
        self.sent = 0
        self.last: dict[int, str] = {}
        self._told = told

    def take(self, person: int, text: str) -> None:
        """Count a reply. If replies are `told`, its first line is on standard output at once."""
        self.sent += 1
        self.last[person] = text
        if self._told:
            os.write(1, f"{text.partition(chr(10))[0]}\n".encode())
