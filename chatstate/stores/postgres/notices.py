"""Notices between runs: who may have something to do. Nothing depends on them.

1. They are sent after the transaction, on a connection of their own: within it they would take a
   lock of the whole server.
2. A run that waits looks every second, whether there was a notice or not. So one that gets lost
   costs a second.
3. A notice names a run, or a bot, all of whose runs are meant.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Collection
from typing import Any

import asyncpg

from chatstate.stores.postgres.connection import Connections
from chatstate.stores.postgres.errors import TROUBLE, is_passing

log = logging.getLogger("chatstate.store")

_SWEEP = 1.0
_TELL = "SELECT pg_notify($1, told) FROM unnest($2::text[]) AS told"


class Notices:
    """Sends notices for a schema, and waits for those to one run."""

    def __init__(self, connections: Connections, schema: str) -> None:
        self._connections = connections
        self._channel = f"chatstate.{schema}"
        self._woken = asyncio.Event()
        self._own = ""
        self._names: frozenset[str] = frozenset()
        self._listener: asyncpg.Connection | None = None

    async def listen(self, run: int, bot: str) -> None:
        """Wait for notices to this run from now on, as far as the server has any."""
        self._own = str(run)
        self._names = frozenset((self._own, _of_bot(bot)))
        await self._listen()
        if self._listener is None:
            log.warning(
                "the store's server is behind PgBouncer, through which no notice comes: what other "
                "workers store is found within a second. Name the server itself for notices, as in "
                "postgresql://...?listen=HOST:PORT"
            )

    async def close(self) -> None:
        """Listen no more."""
        if self._listener:
            self._listener.terminate()

    async def tell(self, runs: Collection[int], bots: Collection[str]) -> None:
        """Wake these runs, and all runs of these bots. It may fail: then they find it later."""
        names = {*map(str, runs), *map(_of_bot, bots)}
        if names & self._names:
            self._woken.set()
        others = sorted(names - {self._own})
        if not others:
            return
        with contextlib.suppress(*TROUBLE):
            async with self._connections.lent() as connection:
                await connection.execute(_TELL, self._channel, others)

    async def wait(self) -> None:
        """Return when there was a notice, or after a second."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_SWEEP):
                await self._woken.wait()
        self._woken.clear()
        if self._listener and self._listener.is_closed():
            await self._listen()

    async def _listen(self) -> None:
        try:
            self._listener = await self._connections.listening()
            if self._listener:
                await self._listener.add_listener(self._channel, self._heard)
        except TROUBLE as error:
            if not is_passing(error):
                raise
            log.info("no notices for now: %s", error)

    def _heard(self, _connection: Any, _pid: int, _channel: str, payload: object) -> None:
        if payload in self._names:
            self._woken.set()


def _of_bot(bot: str) -> str:
    return f"bot {bot}"
