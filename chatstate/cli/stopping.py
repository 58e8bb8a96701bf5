"""How a bot's process is told to stop, and that it ends then.

1. The first Ctrl-C or SIGTERM lets what was begun be finished, the second stops in the middle, the
   third ends the process at once.
2. They are heard where Python hears signals, not by the event loop: code that blocks the loop does
   not keep them from being heard.
3. `AT_MOST` seconds after the first, the process has ended, whatever an author's code still does:
   a task that cannot be cancelled, a thread, a loop that is blocked. SIGTERM means the process,
   also if a script would go on when its bot has stopped; Ctrl-C means the bot.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import queue
import signal
import threading
import time
from collections.abc import Generator
from types import FrameType

from chatstate.engine import Engine
from chatstate.errors import ChatstateError

log = logging.getLogger("chatstate")

AT_MOST = 10.0
_CLOSING = 1.0  # seconds for what is left once the engine has stopped
_PATIENCE = 2  # asked once it finishes, asked twice it stops in the middle, then it just exits
_SPEAKING = 0.2


class LastResort:
    """Ends the process if it has not ended by itself in time, with `status` and a last word."""

    def __init__(self) -> None:
        self.status = 1
        self.last_word = "something does not end when it is told to; the process ends without it"
        self._ends: queue.SimpleQueue[float] = queue.SimpleQueue()  # may be put by a signal handler
        threading.Thread(target=self._wait, name="chatstate-last-resort", daemon=True).start()

    def within(self, seconds: float) -> None:
        """Let the process end within so many seconds from now."""
        self._ends.put(time.monotonic() + seconds)

    def is_needless(self) -> None:
        """Let it be."""
        self._ends.put(0.0)

    def _wait(self) -> None:
        end = self._ends.get()
        while end and (left := end - time.monotonic()) > 0:
            with contextlib.suppress(queue.Empty):
                end = min(end, self._ends.get(timeout=left))
        if end:
            # In a thread: whoever hangs may hold the lock of the log.
            threading.Thread(target=log.critical, args=(self.last_word,), daemon=True).start()
            time.sleep(_SPEAKING)
            os._exit(self.status)


class Stopping:
    """Hears signals for an engine that it runs."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._loop: asyncio.AbstractEventLoop | None = None
        self._heard: list[int] = []
        self._last_resort = LastResort()

    @contextlib.contextmanager
    def heard(self) -> Generator[None]:
        """Hear Ctrl-C and SIGTERM; in the end, let whoever heard them before do so."""
        before = {
            number: signal.signal(number, self._hear) for number in (signal.SIGINT, signal.SIGTERM)
        }
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler or signal.SIG_DFL)
            if signal.SIGTERM not in self._heard:
                self._last_resort.is_needless()

    async def run(self) -> None:
        """Run the engine until it ends, or is told to."""
        self._loop = asyncio.get_running_loop()
        if self._heard:
            return
        try:
            await self._engine.run()
        except ChatstateError as error:
            self._last_resort.last_word = str(error)
            raise
        else:
            self._last_resort.status = 0
        finally:
            self._last_resort.within(_CLOSING)

    def _hear(self, number: int, _frame: FrameType | None) -> None:
        self._heard.append(number)
        if len(self._heard) > _PATIENCE:
            os._exit(130)
        self._last_resort.within(AT_MOST)
        if self._loop and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._engine.request_stop)
