"""A pseudo-terminal, and what somebody who sits at it sees and types."""

from __future__ import annotations

import asyncio
import os
import termios
import threading
from collections.abc import Callable
from typing import Any, TextIO

import pyte

DEADLINE = 20.0
ENTER, TAB, UP = "\r", "\t", "\x1b[A"
CTRL_C, CTRL_D = "\x03", "\x04"


class Terminal:
    """Shows what is written to `slave`, as `rows` of text; to be used in a running event loop."""

    def __init__(self, columns: int = 80, rows: int = 40) -> None:
        self.master, self.slave = os.openpty()
        self.screen = pyte.Screen(columns, rows)
        self._stream = pyte.ByteStream(self.screen)
        self._news = asyncio.Event()
        self.written = b""
        termios.tcsetwinsize(self.slave, (rows, columns))
        self._loop = asyncio.get_running_loop()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    @property
    def rows(self) -> list[str]:
        """What is shown, without the blank rows below it."""
        return "\n".join(row.rstrip() for row in self.screen.display).rstrip("\n").split("\n")

    @property
    def text(self) -> str:
        """What is shown, in lines."""
        return "\n".join(self.rows)

    @property
    def typed(self) -> str:
        """The row that the cursor is in, up to the cursor."""
        return self.screen.display[self.screen.cursor.y][: self.screen.cursor.x]

    @property
    def modes(self) -> list[Any]:
        """How the terminal is set: echo, line by line, signals."""
        return termios.tcgetattr(self.slave)

    def open(self) -> TextIO:
        """Return a file that writes to the terminal; it does not close it."""
        return open(self.slave, "w", encoding="utf-8", closefd=False)

    def type(self, text: str) -> None:
        """Press keys."""
        self.press(text.encode())

    def press(self, keys: bytes) -> None:
        """Press keys that are no text."""
        os.write(self.master, keys)

    async def enter(self, line: str) -> None:
        """Type a line, see it, and press Enter."""
        self.type(line)
        await self.until(lambda: self.typed.endswith(f"> {line}"))
        self.type(ENTER)

    async def shows(self, *rows: str) -> None:
        """Return once these rows are shown below each other."""
        await self.until(lambda: self.find(*rows) is not None)

    async def until(self, is_so: Callable[[], object]) -> None:
        """Return once it is so; fail with what is shown if that lasts too long."""
        try:
            async with asyncio.timeout(DEADLINE):
                while not is_so():
                    self._news.clear()
                    await self._news.wait()
        except TimeoutError:
            shown = "\n".join(self.rows)
            raise AssertionError(
                f"shown instead, with the cursor behind {self.typed!r}:\n{shown}"
            ) from None

    def find(self, *rows: str) -> int | None:
        """Return the first of the rows that hold these texts below each other, if they do."""
        shown = self.rows
        for first in range(len(shown) - len(rows) + 1):
            if shown[first : first + len(rows)] == list(rows):
                return first
        return None

    def close(self) -> None:
        """Close the window, once nobody else has it open."""
        os.close(self.slave)
        self._reader.join()
        os.close(self.master)

    def _read(self) -> None:
        """Read in a thread of its own: who writes much waits for that, and may be the loop."""
        while True:
            try:
                more = os.read(self.master, 65536)
            except OSError:  # nobody has the terminal open any more
                return
            self._loop.call_soon_threadsafe(self._show, more)

    def _show(self, more: bytes) -> None:
        self.written += more
        self._stream.feed(more)
        self._news.set()
