"""An event loop whose time passes at once, as soon as nothing else is left to do.

1. Where a loop would wait for a timer, this one moves its time there: a sleep of a day takes none.
2. While somebody waits for the network, its time is the machine's. A thread that somebody waits for
   gets a second of that, since a busy machine may keep it from its work; then it hangs.
"""

from __future__ import annotations

import asyncio
import contextvars
import selectors
import time
from collections.abc import Callable, Coroutine
from concurrent.futures import Executor
from typing import Any, TypeVar, TypeVarTuple, Unpack, cast

from chatstate.engine.threads import Call, Done, HandlerThreads

T = TypeVar("T")
Ts = TypeVarTuple("Ts")
_PATIENCE, _LONGEST = 1.0, 30.0
_OWN_FILES = 1  # the pipe by which threads wake the loop


class VirtualLoop(asyncio.SelectorEventLoop):
    """Lets its `time` pass as soon as nothing is ready; `working` are threads somebody waits for.

    It begins at 0.
    """

    def __init__(self) -> None:
        self._now = 0.0
        self.working = 0
        super().__init__(_Skipping(self))

    def time(self) -> float:
        """Return the seconds that have passed in this loop."""
        return self._now

    def skip(self, seconds: float) -> None:
        """Let time pass: whoever sleeps wakes late, and once."""
        self._now += seconds

    def run_in_executor(
        self, executor: Executor | None, func: Callable[[Unpack[Ts]], T], *args: *Ts
    ) -> asyncio.Future[T]:
        """Do as all loops do, and let no time pass meanwhile."""
        future = super().run_in_executor(executor, func, *args)
        self.working += 1
        future.add_done_callback(self._worked)
        return future

    def _worked(self, _: object = None) -> None:
        self.working -= 1


class _Skipping(selectors.DefaultSelector):
    """Waits for files only where nothing else may pass the time."""

    def __init__(self, loop: VirtualLoop) -> None:
        super().__init__()
        self._loop = loop

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        found = super().select(0)
        if found or timeout == 0:
            return found
        if timeout is None:
            return self._wait_for_threads()
        if len(self.get_map()) > _OWN_FILES:
            begun = time.monotonic()
            found = super().select(timeout)
            self._loop.skip(time.monotonic() - begun)
            return found
        if self._loop.working:
            found = super().select(_PATIENCE)
        if not found:
            self._loop.skip(timeout)
        return found

    def _wait_for_threads(self) -> list[tuple[selectors.SelectorKey, int]]:
        """Return what a thread has told. Raises `RuntimeError` if none tells anything."""
        found = super().select(_LONGEST)
        if not found:
            raise RuntimeError("somebody waits in virtual time for what nobody does any more")
        return found


class WatchedThreads(HandlerThreads):
    """Threads for sync handlers, while which work no time of a `VirtualLoop` passes."""

    def submit(self, call: Call, context: contextvars.Context, done: Done, told: Any) -> None:
        """See `HandlerThreads.submit`."""
        loop = cast("VirtualLoop", asyncio.get_running_loop())
        loop.working += 1

        def worked(told: Any, result: Any, error: BaseException | None) -> None:
            loop.working -= 1
            done(told, result, error)

        super().submit(call, context, worked, told)


def run(main: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine in a loop of its own, whose time passes at once."""
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(main)
