"""Two versions of a bot on one PostgreSQL; all cases are in `engine/test_deploys.py`."""

import contextlib
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Annotated

import pytest
from stores.schemas import Schemas

from chatstate import Chat, Event, Interface, Message, Ref, State, User
from chatstate.engine import Engine
from chatstate.stores.postgres import PostgresStore
from chatstate.testing import FakePlatform


@pytest.fixture
def url(schemas: Schemas, tmp_path: Path) -> str:
    """Return the URL of a store."""
    return schemas.url_of(tmp_path)


def bot(version: int) -> Interface:
    """Return a version of a bot that keeps what was said, and counts for all."""
    made = Interface(id="bot")
    migrations = dict.fromkeys(range(1, version), str)
    kind = str if version > 1 else int
    said = State(kind(), name="said", version=version, migrations=migrations)
    count = State(kind(), name="count", scope="global", version=version, migrations=migrations)

    @made.command
    def say(said: Annotated[Ref[kind], said]) -> str:  # type: ignore[valid-type]  # made here
        said.value = kind(int(said.value or 0) + 1)
        return f"said {said.value!r}"

    @made.command
    def add(count: Annotated[Ref[kind], count]) -> str:  # type: ignore[valid-type]  # made here
        count.value = kind(int(count.value or 0) + 1)
        return f"count {count.value!r}"

    return made


@contextlib.asynccontextmanager
async def worker(url: str, version: int, sent: FakePlatform) -> AsyncGenerator[Engine]:
    """Let a worker run; what it sends is among what `sent` has."""
    platform = FakePlatform()
    platform.delivered = sent.delivered
    engine = Engine(bot(version), [platform], PostgresStore(url), stay=True)
    await engine.start()
    try:
        yield engine
    finally:
        await engine.stop()


async def tell(engine: Engine, identity: str, text: str, chat: str) -> None:
    """Deliver a message to a worker, and return once it is answered, by whomever."""
    assert engine._connections
    (host,) = engine._connections.hosts
    (receipt,) = await host.deliver([Event(identity, Message(text, User("u"), Chat(chat)))])
    await receipt.settled()


async def test_each_version_leaves_to_the_other_what_only_that_can_handle(url: str) -> None:
    """A value of newer code to the newer, a shared one that would be migrated to the older."""
    sent = FakePlatform()
    async with worker(url, 1, sent) as old:
        await tell(old, "1", "/add", "a")
        async with worker(url, 2, sent) as new:
            await tell(new, "2", "/say", "b")
        async with worker(url, 2, sent) as new:
            await tell(old, "3", "/say", "b")
            await tell(new, "4", "/add", "c")
            await tell(old, "5", "/add", "d")
    async with worker(url, 2, sent) as new:
        await tell(new, "6", "/add", "c")
    assert [reply.text for reply in sent.delivered] == [
        "count 1",
        "said '1'",
        "said '2'",
        "count 2",
        "count 3",
        "count '4'",
    ]
