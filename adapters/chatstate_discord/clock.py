"""Discord's own time, which its ids hold.

1. What is compared with an id is Discord's time, whatever the clock of this machine says.
2. It is what Discord's last answer has told, and what has passed since by the monotonic clock.
   Until the first answer it is this machine's.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from typing import Any

import aiohttp

from chatstate.adapter import time_told


async def _nothing() -> None:
    """Do nothing: who is alone need not be assured."""


class DiscordClock:
    """Tells Discord's time; the requests of `trace` set it, each of which awaits `assure` first.

    discord.py may have waited for a limit before it makes one. `tell` hears each time that is told.
    """

    def __init__(self) -> None:
        self._offset = time.time() - time.monotonic()
        self.assure: Callable[[], Awaitable[None]] = _nothing
        self.tell: Callable[[float], None] = lambda _: None

    def now(self) -> float:
        """Return the seconds since 1970."""
        return time.monotonic() + self._offset

    def set(self, date: str | None) -> None:
        """Take the time from an answer's header; one that cannot be read changes nothing."""
        told = time_told(date)
        if told is None:
            return
        self._offset = told - time.monotonic()
        self.tell(told)

    def trace(self) -> aiohttp.TraceConfig:
        """Return what lets a client's requests set it."""

        async def answered(_session: Any, context: Any, end: aiohttp.TraceRequestEndParams) -> None:
            self.set(end.response.headers.get("Date"))
            if context.trace_request_ctx:  # of whoever wants to know how each try was answered
                context.trace_request_ctx.heard(end.response.status)

        async def begins(*_: Any) -> None:
            await self.assure()

        config = aiohttp.TraceConfig()
        config.on_request_start.append(begins)
        config.on_request_end.append(answered)
        return config
