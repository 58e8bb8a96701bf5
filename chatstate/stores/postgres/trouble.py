"""What stands in the way of transactions is told: once, then ever more seldom, and its end."""

from __future__ import annotations

import logging
from collections.abc import Callable

from chatstate.clock import TOLD_AT
from chatstate.errors import StorageError

log = logging.getLogger("chatstate.store")

_FIRST, _LONGEST = 10.0, 600.0
_WORDINGS = 20


class Trouble:
    """Counts the calls that are tried again, of a store at `location`, and their tries.

    `now` returns seconds that only grow. `words`: why they are; "" if none is.
    """

    def __init__(self, location: str, now: Callable[[], float]) -> None:
        self._location = location
        self._now = now
        self._calls = 0
        self._tries = 0
        self._since = 0.0
        self._interval = _FIRST
        self._told_at = 0.0
        self._told: set[str] = set()
        self.words = ""

    def begin(self) -> None:
        """Note that a call has failed for the first time."""
        if not self._calls:
            self._since, self._tries, self._interval = self._now(), 0, _FIRST
        self._calls += 1

    def tell(self, error: StorageError, pause: float) -> None:
        """Tell why a call is tried again after a pause, unless that may pass in a moment."""
        self._tries += 1
        self.words = str(error)
        if pause < TOLD_AT:
            return
        words, now = self.words, self._now()
        if words not in self._told and len(self._told) < _WORDINGS:
            log.warning("%s; trying again", words)
            self._told.add(words)
            self._told_at = now
        elif now - self._told_at >= self._interval:
            past = (now - self._since, self._tries)
            log.warning("%s; still so after %.0f s and %d tries", words, *past)
            self._told_at, self._interval = now, min(self._interval * 2, _LONGEST)

    def end(self, *, is_done: bool) -> None:
        """Note that a call that had failed is done, or given up."""
        self._calls -= 1
        self.words = self.words if self._calls else ""
        if self._calls or not self._told:
            return
        if is_done:
            past = (self._now() - self._since, self._tries)
            log.warning("%s: all goes on, after %.0f s and %d tries", self._location, *past)
        self._told.clear()
