"""Callers of tools who say nothing of who they are: what they do is their session's, and not kept.

1. A session is the protocol's own, where it has them: its state lasts until its client ends it, or
   has not called for `LASTS` seconds. Revisions since 2026-07-28 have none: there it is a call's.
2. State of theirs is in memory alone (`Host.guest`), under an id that is nobody's before or after.
   What the bot answered is erased once it is told.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from collections.abc import AsyncGenerator, Callable

from chatstate.adapter import Host
from chatstate_web.receive.callers import Caller

LASTS = 1800.0
MOST = 1000
"""How many sessions there are at once."""


class _Session:
    """A guest's own, in which one call goes on at a time."""

    def __init__(self, host: Host) -> None:
        self.caller = _somebody()
        self.stay = host.guest(self.caller.id)
        self.used_at = 0.0
        self.is_open = False
        self.calling = asyncio.Lock()


class Guests:
    """The guests of one bot. `clock` is monotonic, in seconds."""

    def __init__(self, host: Host, clock: Callable[[], float]) -> None:
        self._host = host
        self._clock = clock
        self._sessions: dict[str, _Session] = {}  # those that have not called longest come first

    @contextlib.asynccontextmanager
    async def calling(self, session: str | None) -> AsyncGenerator[Caller]:
        """Give whose a call is: that of a session, or its own."""
        if session is None:
            known = _Session(self._host)
            async with known.stay, self._telling(known.caller):
                yield known.caller
            return
        await self._end_idle()
        known = self._newest(session)
        known.used_at = self._clock()
        async with known.calling:
            if not known.is_open:
                await known.stay.__aenter__()
                known.is_open = True
            async with self._telling(known.caller):
                yield known.caller

    async def leave(self, session: str) -> None:
        """Forget what was a session's."""
        known = self._sessions.pop(session, None)
        if known and known.is_open:
            await known.stay.__aexit__(None, None, None)

    async def close(self) -> None:
        """Forget all."""
        for session in list(self._sessions):
            await self.leave(session)

    def _newest(self, session: str) -> _Session:
        """Return a session, which is the newest from now on."""
        known = self._sessions.pop(session, None)
        if known is None:
            known = _Session(self._host)
        self._sessions[session] = known
        return known

    @contextlib.asynccontextmanager
    async def _telling(self, caller: Caller) -> AsyncGenerator[None]:
        try:
            yield
        finally:
            await self._host.transcript.erase(caller.id)

    async def _end_idle(self) -> None:
        long_ago = self._clock() - LASTS
        idle = [
            name
            for name, session in self._sessions.items()
            if session.used_at < long_ago and not session.calling.locked()
        ]
        for name in idle:
            await self.leave(name)


def _somebody() -> Caller:
    return Caller(f"mcp-guest@{secrets.token_hex(10)}", "guest")
