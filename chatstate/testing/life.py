"""A bot that runs for a test: opened, stopped, crashed and started again on one store.

1. A bot that is made by a function is made anew at each start, as a process loads it anew, unless
   the test has put another one there.
2. What stops the engine is raised where the test waits for anything of it.
3. A store that the test names stays; another one is removed at the end.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, NoReturn, Self, TypeVar, cast

from chatstate.bot.interface import Interface
from chatstate.bot.outgoing import Verdict
from chatstate.engine import Engine
from chatstate.messages import Event
from chatstate.stores import open_store
from chatstate.stores.base import Store
from chatstate.stores.sqlite import SQLiteStore
from chatstate.testing.clock import FakeClock
from chatstate.testing.memory.store import MemoryStore
from chatstate.testing.platform import FakePlatform

T = TypeVar("T")
_USAGE = "`async with TestClient(bot) as client:`"


class Life:
    """The part of a `TestClient` that runs its bot."""

    def __init__(
        self,
        bot: Interface | Callable[[], Interface],
        store: str | None,
        platform: FakePlatform | None,
        clock: FakeClock | None,
        store_options: Mapping[str, Any],
        engine_options: Mapping[str, Any],
    ) -> None:
        self._given = bot
        self._make: Callable[[], Interface] = _maker(bot)
        self.bot: Interface = self._make()
        self._made: Interface = self.bot
        self._is_new = True
        self.platform = platform or FakePlatform()
        self.clock = clock or FakeClock()
        self._store_url = store
        self._store_options = store_options
        self._engine_options = engine_options
        self._errors: dict[str, BaseException] = {}
        self.verdicts: list[Verdict] = []
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._engine: Engine | None = None

    async def __aenter__(self) -> Self:
        if self._store_url is None:
            self._folder = tempfile.TemporaryDirectory(prefix="chatstate-")
            self._store_url = f"sqlite:///{Path(self._folder.name) / 'test.db'}"
        try:
            await self._start()
        except BaseException:  # what starts no bot must leave nothing behind either
            if self._folder:
                self._folder.cleanup()
            raise
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            await self._stop()
        finally:
            self._engine = None
            if self._folder:
                self._folder.cleanup()

    def __enter__(self) -> NoReturn:
        raise TypeError(f"a TestClient is asynchronous: {_USAGE}")

    def __exit__(self, *_: object) -> None:
        return

    @property
    def store_url(self) -> str:
        """The URL of the store in use."""
        if self._store_url is None:
            raise RuntimeError(f"this TestClient has no store yet: {_USAGE}")
        return self._store_url

    async def restart(self) -> None:
        """Stop the bot as SIGTERM would, and start it on the same store."""
        await self._stop()
        await self._start()

    async def crash(self) -> None:
        """End the bot as SIGKILL would: nothing more is written or sent. See `start`."""
        engine = self._require_open()
        self._waiting.cancel()
        await engine.abandon()
        await self._store.abandon()

    async def start(self) -> None:
        """Start the bot again, after a `crash`."""
        self._require_open()
        await self._start()

    async def _start(self) -> None:
        if not self._is_new and self.bot is self._made:  # else a test has put another one there
            self.bot = self._made = self._make()
        self._is_new = False
        self._store = store = self._open_store()
        told: dict[str, Any] = {"on_failure": self._failed, "on_verdict": self.verdicts.append}
        options: dict[str, Any] = {"clock": self.clock, **told, **self._engine_options}
        held = cast("Store", store)  # for pyright, whose async functions are no coroutines' makers
        engine = Engine(self.bot, [self.platform], held, **options)
        await engine.start()
        self._engine = engine
        self._waiting = asyncio.create_task(engine.wait())
        await self._or_failure(self.platform.connected())

    def _open_store(self) -> SQLiteStore | MemoryStore:
        store = open_store(self.store_url, clock=self.clock.time, **self._store_options)
        if not isinstance(store, SQLiteStore):
            raise TypeError(f"{self.store_url} is no SQLite store")
        return store

    async def _stop(self) -> None:
        engine = self._require_open()
        engine.request_stop()
        try:
            if not self._waiting.cancelled():
                await self._waiting
        finally:
            await engine.stop()

    def _failed(self, event: Event, error: BaseException) -> None:
        self._errors[event.id] = error

    def _require_open(self) -> Engine:
        if self._engine is None:
            raise RuntimeError(f"this TestClient is not open, so its bot does not run: {_USAGE}")
        return self._engine

    async def _or_failure(self, wanted: Awaitable[T]) -> T:
        task = asyncio.ensure_future(wanted)
        await asyncio.wait({task, self._waiting}, return_when=asyncio.FIRST_COMPLETED)
        if not task.done():
            task.cancel()
            if self._waiting.cancelled():
                raise RuntimeError("the bot has crashed; `await client.start()` starts it again")
            self._waiting.result()
            raise RuntimeError("the engine has stopped")
        return task.result()


def _maker(bot: Interface | Callable[[], Interface]) -> Callable[[], Interface]:
    return (lambda: bot) if isinstance(bot, Interface) else bot
