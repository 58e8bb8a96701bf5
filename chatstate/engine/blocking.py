"""Names what blocks the event loop: an author's function that runs in it and lets nobody else run.

1. A thread of its own looks, a few times a second. The loop does something for it only if an
   author's code is found at work, so turns pay nothing, on whatever loop.
2. Found at work is no fault: told of is what keeps the loop from answering for a second.
3. Each function is told of once.
4. No garbage is collected while the frames of the threads are asked for: Python holds a lock then
   that freeing a `threading.local` waits for, and the process would stand still for ever.
   https://github.com/python/cpython/issues/106883
"""

from __future__ import annotations

import asyncio
import gc
import linecache
import logging
import queue
import sys
import threading
import types
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from chatstate.signature import code_of, is_framework, short_path

log = logging.getLogger("chatstate.engine")

_LOOK_EVERY = 0.1
_PATIENCE = 1.0
_OF_THE_LOOP = ("asyncio.events", "asyncio.base_events", "asyncio.runners")


class Blocking:
    """Looks after the event loop that runs, from `start` to `stop`; `handlers` are a bot's own.

    `blocked` is called, in its thread, whenever the loop is found to be blocked.
    """

    def __init__(
        self,
        handlers: Iterable[Callable[..., Any]] = (),
        patience: float = _PATIENCE,
        blocked: Callable[[], None] = lambda: None,
    ) -> None:
        self._handlers = {code_of(handler) for handler in handlers}
        self._loop = asyncio.get_running_loop()
        self._thread = threading.get_ident()
        self._patience = patience
        self._blocked = blocked
        self._told: set[types.CodeType] = set()
        self._stopped: queue.SimpleQueue[None] = queue.SimpleQueue()

    def start(self) -> None:
        """Look from now on."""
        threading.Thread(target=self._run, name="chatstate-blocking", daemon=True).start()

    def stop(self) -> None:
        """Look no more."""
        self._stopped.put(None)

    def look(self) -> None:
        """Tell of the function that blocks the loop now, if there is one nobody was told of."""
        code, _ = self._at_work()
        if code is None or self._answers():
            return
        self._blocked()
        if code in self._told:
            return
        still, frames = self._at_work()
        if still is code:
            self._told.add(code)
            log.warning(_account(code, frames))

    def _run(self) -> None:
        while not self._loop.is_closed():
            try:
                self._stopped.get(timeout=_LOOK_EVERY)
            except queue.Empty:
                self.look()
            else:
                return

    def _at_work(self) -> tuple[types.CodeType | None, list[types.FrameType]]:
        """Return which function of an author's the loop runs now, and its frames, innermost first.

        That is the handler, if there is one, and not what stands around it or is called by it.
        """
        frame = frames_of_threads().get(self._thread)
        frames = [frame for frame in called(frame) if _is_authors(frame)]
        codes = [frame.f_code for frame in frames]
        handlers = (code for code in codes if code in self._handlers)
        return next(handlers, codes[-1] if codes else None), frames

    def _answers(self) -> bool:
        answered = threading.Event()
        try:
            self._loop.call_soon_threadsafe(answered.set)
        except RuntimeError:  # it was closed
            return True
        return answered.wait(self._patience)


def frames_of_threads() -> dict[int, types.FrameType]:
    """Return what each thread runs, by its id."""
    collects = gc.isenabled()
    gc.disable()
    try:
        return sys._current_frames()  # noqa: SLF001  # pyright: ignore[reportPrivateUsage] - documented
    finally:
        if collects:
            gc.enable()


def called(frame: types.FrameType | None) -> Iterator[types.FrameType]:
    """Yield a frame and those that led to it, up to the loop's own: the innermost first."""
    while frame is not None and _module(frame) not in _OF_THE_LOOP:
        yield frame
        frame = frame.f_back


def _is_authors(frame: types.FrameType) -> bool:
    is_library = _module(frame).partition(".")[0] in sys.stdlib_module_names
    return not (is_library or is_framework(frame))


def _module(frame: types.FrameType) -> str:
    return str(frame.f_globals.get("__name__", ""))


def _account(code: types.CodeType, frames: list[types.FrameType]) -> str:
    """Return what to say of a function that blocks, and where in its file it does."""
    path = code.co_filename
    lines = (frame.f_lineno for frame in frames if frame.f_code.co_filename == path)
    number = next(lines) or code.co_firstlineno  # between two lines a frame has none
    name = short_path(path)
    line = linecache.getline(path, number).strip()
    return (
        f"{code.co_name}() in {name}:{code.co_firstlineno} has blocked the event loop for more "
        f"than a second, at {name}:{number}{f': {line}' if line else ''}; nobody else is answered "
        "meanwhile. Make it a plain `def`, which runs in a thread, or await what takes its time, "
        "as in `await asyncio.to_thread(...)`"
    )
