"""The event loop that a bot runs on: uvloop where it is installed, else asyncio's own."""

from __future__ import annotations

import asyncio
import importlib
import os
from collections.abc import Callable

from chatstate.adapter import pip_line
from chatstate.errors import LoadError

VARIABLE = "CHATSTATE_LOOP"
LoopFactory = Callable[[], asyncio.AbstractEventLoop]


def loop_factory() -> LoopFactory | None:
    """Return what makes the loop that `CHATSTATE_LOOP` names; None makes asyncio's own.

    "asyncio" or "uvloop"; not set, or empty, it is uvloop if that can be imported. Raises
    `LoadError` for another name, and for a uvloop that is wanted and not installed.
    """
    match os.environ.get(VARIABLE, ""):
        case "":
            return _uvloop_if_installed()
        case "asyncio":
            return None
        case "uvloop":
            return _uvloop()
        case other:
            raise LoadError(f"{VARIABLE}={other!r} is no event loop; use asyncio or uvloop")


def _uvloop_if_installed() -> LoopFactory | None:
    try:
        return _uvloop()
    except LoadError:
        return None


def _uvloop() -> LoopFactory:
    try:
        factory: LoopFactory = importlib.import_module("uvloop").new_event_loop
    except ImportError as error:
        raise LoadError(
            f"{VARIABLE}=uvloop needs uvloop: {pip_line('chatstate', 'speed')} (not on Windows)"
        ) from error
    return factory
