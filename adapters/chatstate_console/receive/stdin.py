"""The console's input is the chat's: nothing else in the process reads it meanwhile."""

from __future__ import annotations

import contextlib
import io
import sys
from collections.abc import Generator
from typing import Any, NoReturn, cast

_INSTEAD = (
    "input() and sys.stdin read nothing here: what is typed is said to the bot. Ask with a reply, "
    "and take the next message for the answer (a state remembers what you have asked); or let "
    "inputs= ask for several things one by one"
)


class _Refusing(io.TextIOBase):
    """Refuses to be read, in whatever way."""

    def readable(self) -> bool:
        return True

    def read(self, *_: Any) -> NoReturn:
        raise RuntimeError(_INSTEAD)

    def readline(self, *_: Any) -> NoReturn:
        raise RuntimeError(_INSTEAD)


@contextlib.contextmanager
def said_to_the_bot() -> Generator[None]:
    """Let `input()` and `sys.stdin` say what to use instead, as long as the console reads."""
    before = sys.stdin
    sys.stdin = cast("Any", _Refusing())
    try:
        yield
    finally:
        sys.stdin = before
