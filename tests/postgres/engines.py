"""Workers in the process of a test, which share a store."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Sequence

from chatstate import Chat, Event, Interface, Message, User
from chatstate.adapter import Adapter, Receipt
from chatstate.engine import Engine
from chatstate.stores.postgres import PostgresStore


@contextlib.asynccontextmanager
async def worker(
    url: str, bot: Interface, adapter: Adapter, *, dies: bool = False
) -> AsyncGenerator[Engine]:
    """Let one more worker run; it is connected. One that `dies` leaves its lease to go on."""
    is_there = asyncio.Event()
    store = PostgresStore(url)
    engine = Engine(bot, [adapter], store, stay=True, connected=lambda *_: is_there.set())
    await engine.start()
    try:
        if adapter.on_each_worker:
            await is_there.wait()
        yield engine
    finally:
        if dies:
            await engine.abandon()
            await store.abandon()
        else:
            await engine.stop()


async def delivered(engine: Engine, *events: Event) -> Sequence[Receipt]:
    """Deliver events to a worker, and return their receipts once they are durable."""
    assert engine._connections
    (host,) = engine._connections.hosts
    return await host.deliver(events)


async def tell(engine: Engine, identity: str, text: str, chat: str) -> None:
    """Deliver a message to a worker, and return once it is answered, by whomever."""
    told = Event(identity, Message(text, User("u"), Chat(chat)))
    (receipt,) = await delivered(engine, told)
    await receipt.settled()
