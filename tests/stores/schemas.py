"""Schemas of a PostgreSQL for tests: made once, and emptied for the next test."""

import asyncio
import threading
from collections.abc import Coroutine
from pathlib import Path

import asyncpg

from chatstate.stores.postgres.address import parsed
from chatstate.stores.postgres.connection import Connections

_EMPTY = """DO $$ DECLARE found text; BEGIN
    FOR found IN SELECT tablename FROM pg_tables
        WHERE schemaname = '{schema}' AND tablename NOT IN ('migrations', 'server')
    LOOP EXECUTE 'DELETE FROM {schema}.' || found; END LOOP; END $$"""


class Schemas:
    """The schemas of a process, on the server that a URL names. Each folder has one."""

    def __init__(self, url: str, prefix: str) -> None:
        self._url = url
        self._prefix = prefix
        self._free: list[str] = []
        self._made = 0
        self._taken: dict[Path, str] = {}

    def url_of(self, folder: Path) -> str:
        """Return the URL of the store of a folder: the same for the same folder."""
        if folder not in self._taken:
            self._taken[folder] = self._free.pop() if self._free else self._make()
        return f"{self._url}&schema={self._taken[folder]}&files={folder / 'files'}"

    def give_back(self) -> None:
        """Empty those that were taken."""
        if self._taken:
            taken = list(self._taken.values())
            _wait_for(self._empty(taken))
            self._free += taken
            self._taken.clear()

    def _make(self) -> str:
        self._made += 1
        schema = f"{self._prefix}_{self._made}"
        _wait_for(_migrate(f"{self._url}&schema={schema}"))
        return schema

    async def _empty(self, schemas: list[str]) -> None:
        connection = await asyncpg.connect(parsed(self._url).dsn)
        for schema in schemas:
            await connection.execute(_EMPTY.format(schema=schema))
        await connection.close()


async def _migrate(url: str) -> None:
    connections = Connections(parsed(url))
    await connections.open(url)
    await connections.close()


def _wait_for(task: Coroutine[None, None, None]) -> None:
    """Run something to its end, whether a loop runs already or not."""
    thread = threading.Thread(target=asyncio.run, args=[task])
    thread.start()
    thread.join()
