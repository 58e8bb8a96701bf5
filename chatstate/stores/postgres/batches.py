"""Batches: whatever waits when the one before is done goes together."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

W = TypeVar("W")
R = TypeVar("R")

_SLICE = 256


class Batches(Generic[W, R]):
    """Hands pieces of work to `do`, many at a time, one call on its way.

    If a call fails, each piece of work is tried alone, so that one cannot spoil the others.
    """

    def __init__(self, do: Callable[[Sequence[W]], Awaitable[Sequence[R]]]) -> None:
        self._do = do
        self._waiting: deque[tuple[W, int, asyncio.Future[R]]] = deque()
        self._task: asyncio.Task[None] | None = None

    def submit(self, work: W, weight: int = 1) -> asyncio.Future[R]:
        """Queue work; return what its result will be."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[R] = loop.create_future()
        self._waiting.append((work, weight, future))
        if self._task is None:
            self._task = loop.create_task(self._run())
        return future

    async def drain(self) -> None:
        """Return when all that was submitted is done."""
        while self._task:
            await asyncio.wait([self._task])

    async def abandon(self) -> None:
        """Stop in the middle, as a killed process does."""
        if self._task:
            self._task.cancel()
            await asyncio.wait([self._task])
        for _, _, future in self._waiting:
            future.cancel()
        self._waiting.clear()

    async def _run(self) -> None:
        try:
            while self._waiting:
                await self._batch(self._next())
        finally:
            self._task = None

    def _next(self) -> list[tuple[W, asyncio.Future[R]]]:
        batch: list[tuple[W, asyncio.Future[R]]] = []
        room = _SLICE
        while self._waiting and room > 0:
            work, weight, future = self._waiting.popleft()
            if not future.cancelled():
                batch.append((work, future))
                room -= weight
        return batch

    async def _batch(self, batch: list[tuple[W, asyncio.Future[R]]]) -> None:
        try:
            results = await self._do([work for work, _ in batch])
        except Exception as error:  # noqa: BLE001 - whoever waits for it is told
            if len(batch) > 1:
                for entry in batch:
                    await self._batch([entry])
            elif batch and not batch[0][1].done():
                batch[0][1].set_exception(error)
            return
        for (_, future), result in zip(batch, results, strict=True):
            if not future.done():
                future.set_result(result)
