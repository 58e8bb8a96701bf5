"""`Watch`: the turns that wait for something, their time, and their places among all.

1. Only a turn that waits is known here: one that does not is over before anybody could ask.
2. The time of a handler counts from where it began, up to its limit; waiting for others (locks,
   places, the platform) is not its time.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

from chatstate.clock import Clock
from chatstate.engine.turns.places import Places, sharers_at
from chatstate.engine.turns.turn import RunningTurn
from chatstate.scope import Key

_PATIENCE = 0.4  # seconds that a turn may take without a notice of typing


class Watch:
    """Knows the turns that wait, by conversation. `begun` is set whenever there is a new one.

    At most `limit` handlers run at once; see `Places`. `ended_waits` are the numbers of events that
    have ended the wait of a turn which was put off, by /cancel, until they say so.
    """

    def __init__(self, clock: Clock, limit: int) -> None:
        self._clock = clock
        self._turns: dict[int, RunningTurn] = {}
        self.places = Places(limit)
        self.begun = asyncio.Event()
        self.ended_waits: set[int] = set()

    @property
    def turns(self) -> list[RunningTurn]:
        """The turns that wait."""
        return list(self._turns.values())

    def of(self, conversation: int) -> RunningTurn | None:
        """Return the turn that waits in a conversation."""
        return self._turns.get(conversation)

    def add(self, turn: RunningTurn) -> None:
        """Watch a turn that waits for the first time."""
        self._turns[turn.arrivals[-1].place.conversation] = turn
        turn.watch = self
        turn.typing_at = self._clock.monotonic() + _PATIENCE
        if turn.allowed:
            self.begins(turn)
        self.begun.set()

    def remove(self, turn: RunningTurn) -> None:
        """Forget a turn that is over."""
        conversation = turn.arrivals[-1].place.conversation
        if self._turns.get(conversation) is turn:
            del self._turns[conversation]

    def begins(self, turn: RunningTurn) -> None:
        """Count the time of a turn, and its place."""
        turn.deadline = self._clock.monotonic() + turn.allowed
        if turn.wants_place and not turn.sharers:
            turn.sharers = sharers_at(turn.arrivals[-1].place)
            self.places.take(turn.sharers)

    def ends(self, turn: RunningTurn) -> None:
        """Count it no more."""
        turn.deadline = 0.0
        if turn.sharers:
            self.places.give_back(turn.sharers)
            turn.sharers = ()

    def has_ended_wait(self, seq: int) -> bool:
        """Tell, once, whether an event has ended the wait of a turn that was put off."""
        has_ended = seq in self.ended_waits
        self.ended_waits.discard(seq)
        return has_ended

    def ran(self, turn: RunningTurn) -> float:
        """Return for how many seconds its handler has run, 0 if it does not."""
        if not turn.deadline:
            return 0.0
        return self._clock.monotonic() - (turn.deadline - turn.allowed)

    def late(self) -> list[RunningTurn]:
        """Return the turns whose time is over."""
        now = self._clock.monotonic()
        return [t for t in self._turns.values() if 0.0 < t.deadline <= now and not t.fenced]

    def expiring_keys(self) -> Iterable[Key]:
        """Return the keys of values that expire, and that turns are using."""
        return [key for turn in self._turns.values() for key in turn.expiring or ()]

    async def place(self, turn: RunningTurn) -> None:
        """Wait for a place, if there is none, and take it."""
        sharers = sharers_at(turn.arrivals[-1].place)
        if await self.places.wait(sharers):
            turn.sharers = sharers
