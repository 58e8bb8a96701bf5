"""Runners: tasks that carry out many short jobs one after the other, and never wait for a long one.

1. A job that awaits nothing costs no task: the runner goes on with the next job at once.
2. While a job waits, another runner takes what is ready: as many runners as jobs that wait.
3. What runs in a job may keep its task. So a runner in which a job has waited, whose task somebody
   has kept, or which was cancelled, is retired: what was kept reaches no other job.
4. Each step of a job runs in the job's own context.
5. A job that yields a `Call` is parked, without a task, until the thread is done with it.
"""

from __future__ import annotations

import asyncio
import contextvars
import sys
import types
import weakref
from collections import deque
from collections.abc import Callable, Coroutine, Generator
from typing import Any, Generic, Protocol, TypeVar

import msgspec

from chatstate.engine.threads import Call, HandlerThreads, takeable

_AT_A_STRETCH = 128  # jobs, before others must run
_MOST_AT_ONCE = 128  # runners that are started together
Course = Coroutine[Any, Any, None]
_OVER: Any = object()


class Job(Protocol):
    """What is carried out. Once it has to wait, `run` tells how far it is."""

    run: Run[Any] | None


J = TypeVar("J", bound=Job)


@types.coroutine
def in_thread(call: Call) -> Generator[Any, Any, Any]:
    """Return what comes of a call that is made in a thread. To be awaited by a job alone."""
    return (yield call)


class Run(msgspec.Struct, Generic[J], eq=False, gc=False):
    """A job under way: its course, and what is to be sent into it next, or thrown.

    `task` is where it waits, if not for a thread. `is_left`: it was cancelled, and its job goes on
    without it.
    """

    job: J
    course: Course
    context: contextvars.Context
    result: Any = None
    error: BaseException | None = None
    task: asyncio.Task[None] | None = None
    is_left: bool = False


class Runners(Generic[J]):
    """Carries out what is added: `begin` makes the course of a job, which begin in a task.

    `waits` is called when a job waits for the first time. Jobs that are not `of_authors` share one
    context, and a runner whose task one of them may have kept.
    """

    def __init__(
        self,
        begin: Callable[[J, asyncio.Task[None]], Course],
        threads: HandlerThreads,
        waits: Callable[[J], None] = lambda _: None,
        *,
        of_authors: bool = True,
    ) -> None:
        self._begin = begin
        self._threads = threads
        self._waits = waits
        self._of_authors = of_authors
        self._loop = asyncio.get_running_loop()
        self._context = contextvars.copy_context()
        self._ready: deque[J | Run[J]] = deque()
        self._idle: list[asyncio.Future[None]] = []
        self._parked: set[Run[J]] = set()
        self._is_called = False
        self._jobs_wait = False
        self._is_ending = False
        self._tasks: set[asyncio.Task[None]] = set()

    def add(self, job: J) -> None:
        """Carry out a job soon, unless all have been cancelled."""
        if self._is_ending:
            return
        self._ready.append(job)
        if not self._is_called:
            self._call_somebody()

    def cancel(self, run: Run[J]) -> None:
        """Throw `CancelledError` into a job that waits; it ends by itself from now on."""
        run.is_left = True
        if run in self._parked:
            self._unpark(run, None, asyncio.CancelledError())
        elif run.task:
            run.task.cancel()

    def cancel_all(self) -> list[asyncio.Task[None]]:
        """Do so to all jobs, begin no other, and return the tasks in which they end."""
        self._is_ending = True
        self._ready.clear()
        for run in list(self._parked):
            self._unpark(run, None, asyncio.CancelledError())
        ending = [self._start() for _ in self._ready]
        for task in self._tasks.difference(ending):
            task.cancel()
        return list(self._tasks)

    def _call_somebody(self) -> None:
        self._is_called = True
        self._loop.call_soon(self._send_somebody)

    def _send_somebody(self) -> None:
        """Let others run, if nobody has taken what is ready: those who run must be waiting."""
        self._is_called = False
        wanted = min(len(self._ready), _MOST_AT_ONCE if self._jobs_wait else 1)
        while wanted and self._idle:
            idle = self._idle.pop()
            if not idle.done():
                idle.set_result(None)
                wanted -= 1
        for _ in range(wanted):
            self._start()

    def _start(self) -> asyncio.Task[None]:
        itself: list[asyncio.Task[None]] = []
        task = self._loop.create_task(self._run(itself))
        itself.append(task)
        self._tasks.add(task)
        return task

    async def _run(self, itself: list[asyncio.Task[None]]) -> None:
        me = itself.pop()
        try:
            while await self._do_what_is_ready(me):
                if self._ready:
                    await asyncio.sleep(0)
                elif self._is_ending:
                    break
                else:
                    idle = self._loop.create_future()
                    self._idle.append(idle)
                    await idle
        except GeneratorExit:  # see `_resumed`
            pass
        finally:
            self._tasks.discard(me)

    async def _do_what_is_ready(self, me: asyncio.Task[None]) -> bool:
        """Carry out jobs; tell whether this runner may be used for others."""
        ready, begin, of_authors = self._ready, self._begin, self._of_authors
        known = _references(me)
        context = self._context.copy()
        run: Any = None
        course: Course | None = None
        for _ in range(_AT_A_STRETCH):
            if not ready:
                break
            job: Any = ready.popleft()
            if ready and not self._is_called:
                self._call_somebody()  # in case this job waits
            if job.__class__ is Run:
                run = job
                waits_for = _step(job)
            else:
                course = begin(job, me)
                # `next` tells of an end without an exception, which would take twice as long.
                waits_for = context.run(next, course.__await__(), _OVER)
                if waits_for is not _OVER:
                    run = job.run = Run(job, course, context)
            if waits_for is _OVER:
                self._jobs_wait = False
            elif type(waits_for) is Call:
                self._park(run, waits_for)
            else:
                await self._wait(run, waits_for, me)
                return False
            if of_authors:
                context = self._context.copy()  # for the next
                del job
                course = run = None  # they may know the task
                if _references(me) != known or me.cancelling():
                    return False
        return True

    async def _wait(self, run: Run[J], waits_for: Any, me: asyncio.Task[None]) -> None:
        """Go on with a job to its end, in this task."""
        self._jobs_wait = True
        run.task = me
        if not run.is_left:
            self._waits(run.job)
        await self._resumed(run, waits_for)

    @types.coroutine
    def _resumed(self, run: Run[J], waits_for: Any) -> Generator[Any, Any, None]:
        while True:
            try:
                if type(waits_for) is Call:
                    run.result = yield from self._threads.make(waits_for, run.context.copy())
                else:
                    run.result = yield waits_for
            except GeneratorExit as error:  # what it waits for has raised that: Python closes us
                self._hand_over(run, error)
                return
            except BaseException as error:  # noqa: BLE001 - it is the job's
                run.error = error
            waits_for = _step(run)
            if waits_for is _OVER:
                return

    def _hand_over(self, run: Run[J], error: GeneratorExit) -> None:
        """Let another runner go on with a job, so that it may still wait for something."""
        if self._loop.is_closed():
            run.context.run(run.course.close)
            return
        run.task, run.error = None, takeable(error)
        self._ready.append(run)
        if not self._is_called:
            self._call_somebody()

    def _park(self, run: Run[J], call: Call) -> None:
        self._parked.add(run)
        if not run.is_left:
            self._waits(run.job)
        self._threads.submit(call, run.context.copy(), self._unpark, run)

    def _unpark(self, run: Run[J], result: Any, error: BaseException | None) -> None:
        if run in self._parked:  # else it was cancelled meanwhile
            self._parked.remove(run)
            run.result, run.error = result, error
            self._ready.append(run)
            if not self._is_called:
                self._call_somebody()


def _step(run: Run[Any]) -> Any:
    """Go on with a job up to where it waits, and return for what: `_OVER` at its end."""
    error, run.error = run.error, None
    try:
        if error is None:
            return run.context.run(run.course.send, run.result)
        return run.context.run(run.course.throw, error)
    except StopIteration:
        return _OVER


def _references(task: asyncio.Task[None]) -> int:
    """Count who knows a task: more than before means that somebody has kept it."""
    return sys.getrefcount(task) + weakref.getweakrefcount(task)
