"""Daemon threads in which sync handlers run.

1. Jobs wait in one line; a thread that is awake takes job after job. Waking a thread costs more
   than a short job, so only as many are woken as the recent jobs' duration makes worth it.
2. A job that blocks delays no other: while the line does not move, more threads are woken, twice
   as many each time. Not while one that was woken has yet to run: then the machine is busy, and
   more threads would only make it busier.
3. What quick jobs return is told together, once the line is empty: to wake the loop for each costs
   more than they do. Nothing is kept for longer than the loop takes to look after the line again.
4. Threads are never joined: one that hangs cannot keep the process from ending.
"""

from __future__ import annotations

import asyncio
import contextvars
import queue
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

import msgspec

_WORTH_A_THREAD = 0.0005
_CHECK_EVERY = 0.002
_IDLE_SECONDS = 30.0
_SMOOTHING = 0.1


Done = Callable[[Any, Any, BaseException | None], None]
"""Is called in the loop: with whom to tell, what a call returned, and what it raised."""


class Call(msgspec.Struct, frozen=True, gc=False):
    """What is to be called in a thread."""

    fn: Callable[..., Any]
    positional: Sequence[Any] = ()
    named: Mapping[str, Any] = MappingProxyType({})


class _Job(msgspec.Struct, eq=False, gc=False):
    call: Call
    context: contextvars.Context
    done: Done
    told: Any


class HandlerThreads:
    """Runs functions in threads, for one event loop."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._jobs: deque[_Job] = deque()
        self._results: deque[tuple[_Job, Any, BaseException | None]] = deque()
        self._wakeups: queue.SimpleQueue[None] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._idle = 0
        self._taken = 0
        self._duration = 0.0
        self._starting = False
        self._watching = False
        self._reporting = False

    def run(self, fn: Callable[[], Any]) -> asyncio.Future[Any]:
        """Run `fn` in a thread, in a copy of the caller's context; its future has the result."""
        return self.make(Call(fn), contextvars.copy_context())

    def make(self, call: Call, context: contextvars.Context) -> asyncio.Future[Any]:
        """Make a call in a thread, in this context; its future has the result."""
        future: asyncio.Future[Any] = self._loop.create_future()
        self.submit(call, context, _fulfil, future)
        return future

    def submit(self, call: Call, context: contextvars.Context, done: Done, told: Any) -> None:
        """Make a call in a thread, in this context; `done(told, ...)` gets what became of it."""
        self._jobs.append(_Job(call, context, done, told))
        if not self._starting:
            self._starting = True
            self._loop.call_soon(self._start)

    def _start(self) -> None:
        self._starting = False
        self._wake(int(len(self._jobs) * self._duration / _WORTH_A_THREAD))
        if not self._watching:
            self._watching = True
            self._loop.call_later(_CHECK_EVERY, self._watch, self._taken, 1)

    def _watch(self, taken: int, woken: int) -> None:
        is_over = not self._jobs
        self._report()  # after that look: who finds the line empty from now on tells of it
        if is_over:
            self._watching = False
            return
        if taken != self._taken:
            woken = 1
        elif not 0 < self._wakeups.qsize() <= self._idle:
            woken *= 2
            self._wake(woken)
        self._loop.call_later(_CHECK_EVERY, self._watch, self._taken, woken)

    def _wake(self, wanted: int) -> None:
        wanted = max(1, min(wanted, len(self._jobs)))
        for _ in range(wanted - self._idle + self._wakeups.qsize()):
            self._count_idle(1)
            threading.Thread(target=self._work, name="chatstate-handler", daemon=True).start()
        for _ in range(wanted):
            self._wakeups.put(None)

    def _work(self) -> None:
        while True:
            try:
                self._wakeups.get(timeout=_IDLE_SECONDS)
            except queue.Empty:
                return
            finally:
                self._count_idle(-1)
            self._do_jobs()
            self._count_idle(1)

    def _count_idle(self, change: int) -> None:
        with self._lock:
            self._idle += change

    def _do_jobs(self) -> None:
        while True:
            try:
                job = self._jobs.popleft()
            except IndexError:
                self._tell()
                return
            self._taken += 1
            self._do(job)
            del job  # an idle thread must not keep the last job's objects alive
            if self._duration > _WORTH_A_THREAD:
                self._tell()

    def _do(self, job: _Job) -> None:
        call, result, error = job.call, None, None
        begun = time.perf_counter()
        try:
            result = job.context.run(call.fn, *call.positional, **call.named)
        except BaseException as raised:  # noqa: BLE001 - the turn that waits for it is told
            error = raised
        self._duration += (time.perf_counter() - begun - self._duration) * _SMOOTHING
        self._results.append((job, result, error))
        del job, call, error  # who knows the error knows this frame: it would never be let go

    def _tell(self) -> None:
        """Let the loop take what jobs returned."""
        if self._results and not self._reporting:
            self._reporting = True
            try:
                self._loop.call_soon_threadsafe(self._report)
            except RuntimeError:  # the loop was closed: nobody waits any more
                self._results.clear()

    def _report(self) -> None:
        self._reporting = False
        while self._results:
            job, result, error = self._results.popleft()
            job.done(job.told, result, takeable(error) if error else None)


def _fulfil(future: asyncio.Future[Any], result: Any, error: BaseException | None) -> None:
    if future.done():
        return
    if error is None:
        future.set_result(result)
    else:
        future.set_exception(error)


def takeable(error: BaseException) -> BaseException:
    """Return an error as one that can be thrown into a coroutine without ending it out of turn."""
    if not isinstance(error, StopIteration | GeneratorExit):
        return error
    taken = RuntimeError(f"{type(error).__name__} was raised")
    taken.__cause__ = error
    return taken
