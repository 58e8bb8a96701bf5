"""`Watch`: the turns that wait for something, and how many handlers may run at once.

1. Only a turn that waits is known here: one that does not is over before anybody could ask.
2. The time of a handler counts from where it began, up to its limit; waiting for others (locks,
   places, the platform) is not its time.
3. At most `limit` handlers run at once. One that ends gives its place to whoever waits longest.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterable

from chatstate.clock import Clock
from chatstate.engine.turns.turn import RunningTurn
from chatstate.scope import Key

_PATIENCE = 0.4  # seconds that a turn may take without a notice of typing


class Watch:
    """Knows the turns that wait, by conversation. `begun` is set whenever there is a new one."""

    def __init__(self, clock: Clock, limit: int) -> None:
        self._clock = clock
        self._limit = limit
        self._turns: dict[int, RunningTurn] = {}
        self._taken = 0
        self._wanting: deque[asyncio.Future[None]] = deque()
        self.begun = asyncio.Event()

    @property
    def turns(self) -> list[RunningTurn]:
        """The turns that wait."""
        return list(self._turns.values())

    def of(self, conversation: int) -> RunningTurn | None:
        """Return the turn that waits in a conversation."""
        return self._turns.get(conversation)

    def add(self, turn: RunningTurn) -> None:
        """Watch a turn that waits for the first time."""
        self._turns[turn.place.conversation] = turn
        turn.watch = self
        turn.typing_at = self._clock.monotonic() + _PATIENCE
        if turn.allowed:
            self.begins(turn)
        self.begun.set()

    def remove(self, turn: RunningTurn) -> None:
        """Forget a turn that is over."""
        conversation = turn.place.conversation
        if self._turns.get(conversation) is turn:
            del self._turns[conversation]

    def begins(self, turn: RunningTurn) -> None:
        """Count the time of a turn, and its place."""
        turn.deadline = self._clock.monotonic() + turn.allowed
        if turn.wants_place and not turn.has_place:
            turn.has_place = True
            self._taken += 1

    def ends(self, turn: RunningTurn) -> None:
        """Count it no more."""
        turn.deadline = 0.0
        if turn.has_place:
            turn.has_place = False
            self._give_back()

    def late(self) -> list[RunningTurn]:
        """Return the turns whose time is over."""
        now = self._clock.monotonic()
        return [t for t in self._turns.values() if 0.0 < t.deadline <= now and not t.fenced]

    def expiring_keys(self) -> Iterable[Key]:
        """Return the keys of values that expire, and that turns are using."""
        return [key for turn in self._turns.values() for key in turn.expiring or ()]

    @property
    def is_full(self) -> bool:
        """Whether a handler has to wait for its place."""
        return self._taken >= self._limit

    async def place(self, turn: RunningTurn) -> None:
        """Wait for a place, and take it."""
        wanting: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._wanting.append(wanting)
        try:
            await wanting
        except BaseException:
            if wanting.done() and not wanting.cancelled():
                self._give_back()
            raise
        turn.has_place = True

    def _give_back(self) -> None:
        while self._wanting:
            wanting = self._wanting.popleft()
            if not wanting.done():
                wanting.set_result(None)
                return
        self._taken -= 1
