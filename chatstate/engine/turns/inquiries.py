"""Which questions of others somebody may answer by what they say, where they were asked.

1. A button knows its question; what is said does not. So each chat keeps the questions that were
   put there to others than their dialogue's person, from the commit on that puts them.
2. Whether one is still open only its dialogue tells: here it stays until its time is over.
3. Before anything was asked so, nothing is looked up.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Sequence

from chatstate.bot.memos import INQUIRIES, Inquiry
from chatstate.clock import Clock
from chatstate.engine.states.cache import StateCache
from chatstate.engine.states.updates import Update
from chatstate.engine.turns.turn import RunningTurn
from chatstate.engine.turns.values import TurnValues
from chatstate.scope import Place
from chatstate.state.bound import BoundState
from chatstate.stores.base import StoredState


class Inquiries:
    """Keeps them for one bot. `are_possible`: there may be any, as far as this run knows."""

    def __init__(
        self, *, bot: str, values: TurnValues, cache: StateCache, clock: Clock, is_sole: bool
    ) -> None:
        self.state = BoundState(INQUIRIES, "inquiries", list[Inquiry])
        self._bot = bot
        self._values = values
        self._cache = cache
        self._clock = clock
        self.are_possible = not is_sole

    def left(self, stored: Iterable[StoredState]) -> None:
        """Note what is stored."""
        kept = (self._bot, INQUIRIES.scope, INQUIRIES.name)
        self.are_possible |= any((state.bot, state.scope, state.name) == kept for state in stored)

    def put(self, turn: RunningTurn, inquiry: Inquiry, there: Place, seconds: float) -> None:
        """Let a question that a turn puts to others be known where it is put, for so long."""
        self.are_possible = True
        now = self._clock.time()
        key = self._values.key(self.state, there)
        known = functools.partial(_with, inquiry, now=now, until=now + seconds)
        turn.updates = [*(turn.updates or ()), Update(self.state, key, known, None)]

    async def here(self, turn: RunningTurn) -> Sequence[Inquiry]:
        """Return those that were put in the chat of a turn, the newest first."""
        key = self._values.key(self.state, turn.place)
        (entry,) = await self._cache.load([key], turn.place)
        if entry.value is None or self._cache.is_over(entry):
            return ()
        now, known = self._clock.time(), self.state.read(entry.value)[0]
        return [inquiry for inquiry in reversed(known) if inquiry.until > now]


def _with(new: Inquiry, known: list[Inquiry], *, now: float, until: float) -> list[Inquiry]:
    left = [inquiry for inquiry in known if inquiry.until > now and inquiry.id != new.id]
    return [*left, Inquiry(new.id, new.owner, new.ref, until)]
