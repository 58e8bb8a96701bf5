"""What one worker receives is done by all, once it has its hands full."""

import asyncio
import contextlib
from pathlib import Path
from typing import Any

from engines import delivered, worker
from stores.schemas import Schemas

from chatstate import Chat, Event, Interface, Message, User
from chatstate.testing import FakePlatform


def waiting(name: str, began: list[str], go_on: asyncio.Event) -> Interface:
    """Return a bot whose turns wait; it notes which worker has begun one."""
    bot = Interface(id="bot")

    @bot.on_message
    async def wait(message: str) -> str:
        began.append(name)
        await go_on.wait()
        return message

    return bot


async def test_what_one_receives_all_handle(schemas: Schemas, tmp_path: Path) -> None:
    """About half of what comes while many turns run; each is answered once."""
    url, go_on = schemas.url_of(tmp_path), asyncio.Event()
    began: list[str] = []
    sent = FakePlatform(), FakePlatform()
    async with contextlib.AsyncExitStack() as running:
        receiver, other = [
            await running.enter_async_context(worker(url, waiting(name, began, go_on), platform))
            for name, platform in zip("ab", sent, strict=True)
        ]
        assert receiver._parts
        await receiver._parts.roles.look()
        receipts: list[Any] = []
        for number in range(60):
            event = Event(str(number), Message(str(number), User("u"), Chat(f"c{number}")))
            receipts += await delivered(receiver, event)
        async with asyncio.timeout(30):
            while len(began) < 60:
                await other._store.check()
            go_on.set()
            for receipt in receipts:
                await receipt.settled()
    assert 10 <= began.count("b") <= 40
    texts = [reply.text for platform in sent for reply in platform.delivered]
    assert sorted(texts, key=int) == [str(number) for number in range(60)]
