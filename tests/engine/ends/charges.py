"""What an author's code may raise, and how it is brought to a point of a bot to go off there.

1. A charge goes off once, at the point that is touched next; a bot counts in its chat's state the
   turns that went well, and answers with that number.
2. `FAMILIES` has one of each kind that Python, asyncio or chatstate treat differently; `TYPES` has
   all that there are.
"""

from __future__ import annotations

import asyncio
import builtins
import sqlite3
from collections.abc import Callable
from typing import Any

from chatstate import Interface, PerChat, Ref, StorageError, UserError, errors

Charge = Callable[[], None]
Total = PerChat[Ref[int]]


class Mine:
    """What lies at a point of a bot: harmless, unless it has a `charge`."""

    def __init__(self, said: str = "go") -> None:
        self.said = said
        self.charge: Charge | None = None

    def take(self) -> Charge | None:
        """Remove the charge, and return it if there is one."""
        charge, self.charge = self.charge, None
        return charge

    def touch(self) -> None:
        """Let the charge go off, if there is one."""
        if charge := self.take():
            charge()

    def counted(self, total: Ref[int]) -> str:
        """Count a turn, and go off; return what is answered."""
        total.value += 1
        self.touch()
        return str(total.value)


def counting(**options: Any) -> Interface:
    """Return a bot that counts, and has no point yet."""
    bot = Interface(id="bot", **options)

    @bot.on_message
    async def count(total: Total) -> str:
        total.value += 1
        return str(total.value)

    return bot


class Unspeakable(Exception):  # noqa: N818 - what it is
    """Has no text."""

    def __str__(self) -> str:
        raise SystemExit("no text")

    __repr__ = __str__


class UnspeakableUserError(UserError):
    """Is for the person, and has no text."""

    def __str__(self) -> str:
        raise asyncio.CancelledError


class Own(BaseException):
    """What an author derives from no usual exception."""


_ARGUMENTS: dict[type[BaseException], tuple[Any, ...]] = {
    UnicodeDecodeError: ("utf-8", b"x", 0, 1, "no text"),
    UnicodeEncodeError: ("utf-8", "x", 0, 1, "no text"),
    UnicodeTranslateError: ("x", 0, 1, "no text"),
    BaseExceptionGroup: ("several", [asyncio.CancelledError()]),
    ExceptionGroup: ("several", [ValueError("first"), StorageError("second")]),
    errors.RetryAfter: (1.0,),
    errors.Moved: ("elsewhere",),
}
TYPES = {
    value.__name__: value
    for module in (builtins, asyncio.exceptions, sqlite3, errors)
    for value in vars(module).values()
    if isinstance(value, type) and issubclass(value, BaseException)
} | {own.__name__: own for own in (Unspeakable, UnspeakableUserError, Own)}
FAMILIES = [
    "ValueError",
    "OSError",
    "TimeoutError",
    "MemoryError",
    "RecursionError",
    "AssertionError",
    "DatabaseError",
    "InvalidStateError",
    "ExceptionGroup",
    "BaseExceptionGroup",
    "BaseException",
    "CancelledError",
    "GeneratorExit",
    "StopIteration",
    "StopAsyncIteration",
    "KeyboardInterrupt",
    "SystemExit",
    "UserError",
    "StateError",
    "ReplyError",
    "StorageError",
    "StoreLockedError",
    "AdapterError",
    "Rejected",
    "RetryAfter",
    "Unspeakable",
    "UnspeakableUserError",
    "Own",
]
ENDS_THE_LOOP = {"SystemExit", "KeyboardInterrupt", "Unspeakable"}
"""What a task of an author's own must not raise: asyncio ends the process then."""


def raising(name: str) -> Charge:
    """Return what raises an error of a type, made at that moment."""
    type_ = TYPES[name]

    def go_off() -> None:
        raise type_(*_ARGUMENTS.get(type_, ("of an author",)))

    return go_off


def _cancelling() -> None:
    try:
        task = asyncio.current_task()
    except RuntimeError:  # there is none in a thread
        raise asyncio.CancelledError from None
    assert task
    task.cancel()


CHARGES: dict[str, Charge] = {
    **{name: raising(name) for name in FAMILIES},
    "its task is cancelled": _cancelling,
}
