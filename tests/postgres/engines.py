"""Workers in the process of a test, which share a store."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator

from chatstate import Interface
from chatstate.adapter import Adapter
from chatstate.engine import Engine
from chatstate.stores.postgres import PostgresStore


@contextlib.asynccontextmanager
async def worker(
    url: str, bot: Interface, adapter: Adapter, *, dies: bool = False
) -> AsyncGenerator[Engine]:
    """Let one more worker run; it is connected. One that `dies` leaves its lease to go on."""
    is_there = asyncio.Event()
    store = PostgresStore(url)
    engine = Engine(bot, [adapter], store, connected=lambda *_: is_there.set())
    await engine.start()
    try:
        await is_there.wait()
        yield engine
    finally:
        if dies:
            await engine.abandon()
            await store.abandon()
        else:
            await engine.stop()
