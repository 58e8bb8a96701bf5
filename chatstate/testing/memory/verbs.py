"""What the verbs of a `MemoryStore` have in common: one step each, on the way there and back.

1. A verb does what it does in one step of the event loop. Others run before and after it, as on the
   way to a server and back.
2. It is refused once its run has ended, or is buried.
3. What was settled is written with the next verb, or soon.
"""

from __future__ import annotations

import asyncio
import functools
import time
from collections.abc import Callable, Coroutine
from typing import Any, Concatenate, Literal, ParamSpec, TypeVar

from chatstate.errors import LeaseLostError, StorageError
from chatstate.stores.base import Settled
from chatstate.testing.memory import lines
from chatstate.testing.memory.tables import MemoryData, Worker

P = ParamSpec("P")
R = TypeVar("R")
S = TypeVar("S", bound="Verbs")


def verb(do: Callable[Concatenate[S, P], R]) -> Callable[Concatenate[S, P], Coroutine[Any, Any, R]]:
    """Make a verb of what it does in one step."""

    async def call(self: S, /, *args: P.args, **kwargs: P.kwargs) -> R:
        await self.way()
        self.enter()
        done = do(self, *args, **kwargs)
        await self.way()
        return done

    functools.update_wrapper(call, do)
    return call


class Verbs:
    """A run's way to the data. What it can do there is in the subclasses."""

    def __init__(
        self,
        data: MemoryData | None = None,
        *,
        lease: float = 30.0,
        waiting_limit: int = 1000,
        overflow: Literal["refuse", "drop_oldest"] = "refuse",
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._data = data or MemoryData()
        self._lease = lease
        self._waiting_limit = waiting_limit
        self._overflow = overflow
        self._clock = clock
        self._opened: Worker | None = None
        self._settled: list[Settled] = []
        self._works = asyncio.Event()
        self._works.set()

    def stall(self) -> None:
        """Let verbs wait until `recover`: the run stands still, or cannot reach the data."""
        self._works.clear()

    def recover(self) -> None:
        """End a `stall`."""
        self._works.set()

    async def way(self) -> None:
        """Return when a verb has come to the data, or its answer back."""
        await asyncio.sleep(0)
        await self._works.wait()

    def enter(self) -> None:
        """Write what was settled, before a verb. Raises `LeaseLostError` if the run is over."""
        _ = self._worker
        settled, self._settled = self._settled, []
        lines.settle(self._data, settled, self._clock())

    @property
    def _worker(self) -> Worker:
        """The run. Raises `LeaseLostError` if it is over."""
        worker = self._opened
        if worker is None:
            raise StorageError("the store is not open: call `open` first")
        if worker.is_over:
            raise LeaseLostError(
                f"run {worker.id} of bot {worker.bot!r} was silent for more than {self._lease:g} s "
                "and was taken for dead: its work is others' now; start it again"
            )
        return worker
