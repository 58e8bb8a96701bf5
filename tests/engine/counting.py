"""Counts what a program does, on an event loop where that does not depend on how fast it is.

1. Counted are calls of Python functions (in all threads; a coroutine that goes on is called
   again), tasks, the loop's futures, SQL statements as SQLite runs them (each row of an
   `executemany` is one) and transactions. Not counted is what this module does itself.
2. The loop's time stands still while there is anything to do, so that no timer fires in between.
3. What is given to an executor is done when the loop goes on. Other threads work beside it, but
   what they report waits until the loop has nothing else to do and they are quiet.
4. The thread that looks for what blocks the loop is left out: it looks as often as time goes by.
   So is what commits in the loop if the disk was quick: all are in the thread.
5. How threads share their work is left to them: what they do differs a little from run to run.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import itertools
import queue
import selectors
import sqlite3
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Generator
from concurrent.futures import Executor, Future
from functools import partial
from types import CodeType, FrameType
from typing import Any, NamedTuple, ParamSpec, TypeVar
from unittest import mock

from chatstate.engine.blocking import Blocking
from chatstate.stores.sqlite.disk import Placement

P = ParamSpec("P")
T = TypeVar("T")
_PATIENCE = 0.1  # real seconds without a report, after which the loop's own time moves
_QUIET = 0.02  # real seconds in which no thread does anything, if it is done


class Counts(NamedTuple):
    """How often things were done: totals, or shares of a message."""

    calls: float
    tasks: float
    futures: float
    statements: float
    transactions: float


class Meter:
    """Counts between `start` and `stop`, within `watching`."""

    def __init__(self) -> None:
        self._calls = itertools.count()
        self._events = 0
        self._is_on = False
        self.tasks = 0
        self.futures = 0
        self.statements: deque[str] = deque()

    @contextlib.contextmanager
    def watching(self) -> Generator[None]:
        """Watch the threads and the SQLite connections that are made meanwhile."""
        connect = sqlite3.connect

        def watched(*arguments: Any, **options: Any) -> sqlite3.Connection:
            connection: sqlite3.Connection = connect(*arguments, **options)
            connection.set_trace_callback(self.statements.append)
            return connection

        threading.setprofile(self._profile_thread)
        try:
            with (
                mock.patch.object(sqlite3, "connect", watched),
                mock.patch.object(Blocking, "start"),
                mock.patch.object(Placement, "took"),
            ):
                yield
        finally:
            threading.setprofile(None)

    def start(self) -> None:
        """Count from now on. What is garbage is collected now, and not before `stop`."""
        gc.collect()
        gc.disable()
        self.tasks = self.futures = 0
        self.statements.clear()
        self._calls = itertools.count()
        self._is_on = True
        sys.setprofile(self._profile)

    def stop(self) -> Counts:
        """Return what was counted."""
        sys.setprofile(None)
        self._is_on = False
        gc.enable()
        begun = sum(statement.startswith("BEGIN") for statement in self.statements)
        return Counts(next(self._calls), self.tasks, self.futures, len(self.statements), begun)

    def wait_for_threads(self) -> None:
        """Return when no other thread does anything."""
        seen = -1
        while seen != self._events:
            seen = self._events
            time.sleep(_QUIET)

    def _profile_thread(self, frame: FrameType, event: str, argument: Any) -> None:
        self._events += 1
        self._profile(frame, event, argument)

    def _profile(self, frame: FrameType, event: str, _: Any) -> None:
        if event == "call" and self._is_on and frame.f_code not in _OURS:
            next(self._calls)


class CountingLoop(asyncio.SelectorEventLoop):
    """An event loop that tells a `meter` of its tasks and futures."""

    def __init__(self, meter: Meter) -> None:
        self._meter = meter
        self._now = 0.0
        self._thread = threading.get_ident()
        self._reports: queue.SimpleQueue[Callable[[], object]] = queue.SimpleQueue()
        super().__init__(_StillSelector(self._is_idle))

    def time(self) -> float:
        return self._now

    def create_future(self) -> asyncio.Future[Any]:
        self._meter.futures += 1
        return super().create_future()

    def create_task(self, *arguments: Any, **options: Any) -> asyncio.Task[Any]:
        self._meter.tasks += 1
        return super().create_task(*arguments, **options)

    def run_in_executor(  # type: ignore[override]  # of which the types are overloaded
        self, executor: Executor | None, func: Callable[..., T], *args: Any
    ) -> asyncio.Future[T]:
        if executor is None:
            return super().run_in_executor(executor, func, *args)
        done = threading.Lock()
        done.acquire()
        future: Future[T] = executor.submit(func, *args)
        future.add_done_callback(lambda _: done.release())
        done.acquire()
        return asyncio.wrap_future(future, loop=self)

    def call_soon_threadsafe(  # type: ignore[override]  # nobody needs the handle
        self, callback: Callable[..., object], *args: Any, **options: Any
    ) -> asyncio.Handle | None:
        if threading.get_ident() == self._thread:
            return super().call_soon_threadsafe(callback, *args, **options)
        self._reports.put(partial(self.call_soon, callback, *args, **options))
        return None

    def _is_idle(self, seconds: float) -> None:
        """Take what threads report, once they are quiet; if nothing comes, time has passed."""
        try:
            reports = [self._reports.get(timeout=_PATIENCE)]
        except queue.Empty:
            self._now += seconds
            return
        self._meter.wait_for_threads()
        while not self._reports.empty():
            reports.append(self._reports.get())
        for report in reports:
            report()


class _StillSelector(selectors.DefaultSelector):
    """Waits for nothing: tells `idle` for how long it should have."""

    def __init__(self, idle: Callable[[float], None]) -> None:
        super().__init__()
        self._idle = idle

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(0)
        if not ready and (timeout is None or timeout > 0):
            self._idle(timeout or 0.0)
        return ready


def _codes(*classes: type) -> set[CodeType]:
    functions = (vars(cls).values() for cls in classes)
    return {fn.__code__ for fn in itertools.chain(*functions) if hasattr(fn, "__code__")}


_OURS = _codes(Meter, CountingLoop, _StillSelector)


def uncounted(function: Callable[P, T]) -> Callable[P, T]:
    """Do not count calls of a function: they are made by who counts."""
    _OURS.add(function.__code__)
    return function
