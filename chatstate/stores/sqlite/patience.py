"""Waiting for a file that another program has locked, or a thread of ours."""

from __future__ import annotations

import asyncio
import logging
import math
import sqlite3
from collections.abc import Callable
from typing import TypeVar

from chatstate.clock import TOLD_AT, growing_pauses
from chatstate.stores.sqlite.errors import is_soon_over, storage_error

log = logging.getLogger("chatstate.store")

T = TypeVar("T")


async def once_others_let(do: Callable[[], T], path: str, *, at_most: float = math.inf) -> T:
    """Return what `do` returns, which uses the file at `path`: again and again while it is locked.

    Raises `StorageError` for another reason than that, and once a pause would take `at_most`
    seconds.
    """
    pauses = growing_pauses()
    while True:
        try:
            return do()
        except sqlite3.Error as error:
            told = storage_error(error, path)
            pause = next(pauses)
            if not is_soon_over(error) or pause >= at_most:
                raise told from error
            if pause >= TOLD_AT:
                log.warning("%s; trying again", told)
            await asyncio.sleep(pause)
