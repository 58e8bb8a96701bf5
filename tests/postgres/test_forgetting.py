"""Somebody is forgotten while several workers share a store."""

import asyncio
import os
from pathlib import Path

import asyncpg
import pytest
from engines import tell, worker
from stores.schemas import Schemas

from chatstate import Interface, PerUser, Ref
from chatstate.inspection import Request
from chatstate.stores import open_store
from chatstate.stores.postgres.address import parsed
from chatstate.testing import FakePlatform

WORD = "Sesame"
bot = Interface(id="bot")


@bot.on_message
async def keep(message: str, said: PerUser[Ref[str]]) -> str:
    said.value += message
    return said.value


async def rows(url: str) -> str:
    """Return all that the tables hold, as text."""
    address = parsed(url)
    connection = await asyncpg.connect(address.dsn)
    try:
        tables = await connection.fetch(
            "SELECT tablename FROM pg_tables WHERE schemaname = $1", address.schema
        )
        found = [
            await connection.fetch(f'SELECT * FROM "{address.schema}"."{table}"')  # noqa: S608 - its own
            for (table,) in tables
        ]
        return repr([[dict(row) for row in found_rows] for found_rows in found])
    finally:
        await connection.close()


@pytest.mark.skipif(not os.environ.get("CHATSTATE_LONG"), reason="CHATSTATE_LONG is not set")
async def test_all_workers_let_go_of_them(schemas: Schemas, tmp_path: Path) -> None:
    """What any of them holds of the person is gone; who comes back is somebody new to each."""
    url = schemas.url_of(tmp_path)
    sent = FakePlatform()
    other = FakePlatform()
    other.delivered = sent.delivered
    async with worker(url, bot, sent) as first, worker(url, bot, other) as second:
        await tell(first, "1", WORD, "a")
        await tell(second, "2", WORD, "b")
        store = open_store(url)
        (person,) = await store.list("people")
        assert await store.ask(Request(verb="forget", number=person.number))
        while await store.forgotten(is_open=True):
            await asyncio.sleep(0.05)
        assert WORD not in await rows(url)
        await tell(second, "3", "x", "b")
        await tell(first, "4", "y", "a")
    assert [reply.text for reply in sent.delivered][-2:] == ["x", "xy"]
