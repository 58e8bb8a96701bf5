"""What else the process prints while the prompt is shown goes above the prompt, too.

1. It is printed in whole lines, from whatever thread.
2. It may be coloured, as handlers and logs like to be. Any other escape sequence is shown instead:
   it may be somebody's words, and what moves the cursor would spoil the prompt.
"""

from __future__ import annotations

import asyncio
import contextlib
import io
import logging
import re
import sys
import threading
from collections.abc import Callable, Generator
from typing import TextIO, cast

from chatstate.text import visible

_COLOUR = re.compile(r"(\x1b\[[\d;:]*m)")


def coloured(line: str) -> str:
    """Return a line as a terminal would show it that knows no escape sequence but for colours."""
    shown = line.rstrip("\r").rpartition("\r")[2]  # a bar of progress is drawn over itself
    parts = _COLOUR.split(shown)
    parts[::2] = map(visible, parts[::2])
    return "".join(parts)


class _Above(io.TextIOBase):
    """A text file whose whole lines are shown in the event loop, whoever writes them."""

    def __init__(self, original: TextIO, show: Callable[[str], None]) -> None:
        self._original = original
        self._show = show
        self._loop = asyncio.get_running_loop()
        self._lock = threading.Lock()
        self._rest = ""

    @property
    def encoding(self) -> str:  # type: ignore[override]  # a stream's attribute, read and never set
        return self._original.encoding

    def isatty(self) -> bool:
        return True

    def fileno(self) -> int:
        return self._original.fileno()

    def write(self, text: str) -> int:
        with self._lock:
            lines, end, self._rest = (self._rest + text).rpartition("\n")
        if end:
            self._print(lines)
        return len(text)

    def close(self) -> None:
        if self._rest:
            self._show(self._rest)
        super().close()

    def _print(self, lines: str) -> None:
        try:
            self._loop.call_soon_threadsafe(self._show, lines)
        except RuntimeError:  # the loop was closed, and the prompt is long gone
            self._original.write(f"{lines}\n")


@contextlib.contextmanager
def redirected(show: Callable[[str], None]) -> Generator[None]:
    """Let `show` print what handlers and logs write to a terminal meanwhile."""
    terminals = {stream for stream in (sys.stdout, sys.stderr) if stream.isatty()}
    above = {stream: cast("TextIO", _Above(stream, show)) for stream in terminals}
    logs = [(handler, handler.stream) for handler in _log_handlers() if handler.stream in above]
    before = sys.stdout, sys.stderr
    sys.stdout, sys.stderr = (above.get(stream, stream) for stream in before)
    for handler, stream in logs:
        handler.setStream(above[stream])
    try:
        yield
    finally:
        sys.stdout, sys.stderr = before
        for handler, stream in logs:
            handler.setStream(stream)
        for stream in above.values():
            stream.close()


def _log_handlers() -> list[logging.StreamHandler[TextIO]]:
    return [
        cast("logging.StreamHandler[TextIO]", handler)
        for handler in logging.getLogger().handlers
        if isinstance(handler, logging.StreamHandler)
    ]
