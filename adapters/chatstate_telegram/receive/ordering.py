"""Updates that are posted, put in the order in which they were made.

Telegram posts several updates at once, so that a later one may come a few milliseconds before an
earlier one. Their ids restore the order ("Update": `update_id`).

1. The update that is next goes on at once. So does an earlier one, which is late already.
2. Any other waits a moment for those before it. Then it goes on, and all that are before it.
3. An id says what is next for an hour: after a week of silence Telegram begins anew anywhere.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, NamedTuple

from chatstate_telegram.receive.content import number_of

WINDOW, WINDOW_OF_WORKERS = 0.25, 1.0
_KNOWN_SECONDS = 3600.0

Take = Callable[[list[Any]], asyncio.Future[None]]
"""Takes updates in; what it returns is done when they are durable."""


class _Waiting(NamedTuple):
    number: int
    update: Any
    due: float
    taken: asyncio.Future[None]


class Ordering:
    """Hands updates on in their order, as long as they are not late by more than a window.

    That is longer where `peers` tells of other workers, by which an update may come.
    """

    def __init__(self, take: Take, peers: Callable[[], int] = lambda: 1) -> None:
        self._hand_on = take
        self._peers = peers
        self._waiting: list[_Waiting] = []
        self._next: int | None = None
        self._known_until = 0.0
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None

    def take(self, updates: list[Any]) -> asyncio.Future[None]:
        """Return what is done when this one update is durable, and cancelled if it never is."""
        (update,) = updates
        number = number_of(update)
        if number is None:
            return self._hand_on([update])
        now = self._loop.time()
        if now > self._known_until:
            self._next = None
        taken: asyncio.Future[None] = self._loop.create_future()
        self._waiting.append(_Waiting(number, update, now + self._window(), taken))
        self._go_on()
        return taken

    def close(self) -> None:
        """Hand nothing on any more."""
        if self._timer:
            self._timer.cancel()
        for waiting in self._waiting:
            waiting.taken.cancel()

    def _window(self) -> float:
        return WINDOW if self._peers() == 1 else WINDOW_OF_WORKERS

    def _go_on(self) -> None:
        """Hand on what is next, or has waited long enough."""
        if ready := self._ready(self._loop.time()):
            handed = self._hand_on([waiting.update for waiting in ready])
            for waiting in ready:
                _follow(handed, waiting.taken)
        if self._timer:
            self._timer.cancel()
        due = min((waiting.due for waiting in self._waiting), default=None)
        self._timer = None if due is None else self._loop.call_at(due, self._go_on)

    def _ready(self, now: float) -> list[_Waiting]:
        late = max((waiting.number for waiting in self._waiting if waiting.due <= now), default=-1)
        ready: list[_Waiting] = []
        self._waiting.sort(key=lambda waiting: waiting.number)
        while self._waiting and self._is_next(self._waiting[0].number, late):
            waiting = self._waiting.pop(0)
            self._next = max(self._next or 0, waiting.number + 1)
            self._known_until = now + _KNOWN_SECONDS
            ready.append(waiting)
        return ready

    def _is_next(self, number: int, late: int) -> bool:
        return number <= late or (self._next is not None and number <= self._next)


def _follow(handed: asyncio.Future[None], taken: asyncio.Future[None]) -> None:
    """Let `taken` end as `handed` does."""

    def end(ended: asyncio.Future[None]) -> None:
        if taken.done():
            return
        if ended.cancelled():
            taken.cancel()
        elif error := ended.exception():
            taken.set_exception(error)
        else:
            taken.set_result(None)

    handed.add_done_callback(end)
