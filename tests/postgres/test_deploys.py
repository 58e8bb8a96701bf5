"""Two versions of a bot on one PostgreSQL; all cases are in `engine/test_deploys.py`."""

from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Annotated

import engines
import pytest
from engines import tell
from stores.schemas import Schemas

from chatstate import Interface, Ref, State
from chatstate.engine import Engine
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


def worker(url: str, version: int, sent: FakePlatform) -> AbstractAsyncContextManager[Engine]:
    """Let a worker run; what it sends is among what `sent` has."""
    platform = FakePlatform()
    platform.delivered = sent.delivered
    return engines.worker(url, bot(version), platform)


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
