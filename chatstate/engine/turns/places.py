"""`Places`: how many handlers run at once, in all, for one person and in one chat.

1. Only a handler that waits takes a place: one that does not is over before another could begin.
2. A person has an eighth of the places at most, and a chat, with its threads, a quarter. So
   whatever hangs of theirs stops nobody else.
3. Whoever finds none free waits for the person's, then for the chat's, then for one of all: always
   in this order, so that nobody waits in a circle. One that is given back goes to whoever has
   waited longest for it.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence

from chatstate.scope import Place

Sharer = int
"""Who shares the places: a person by their id, a chat by its id below 0, or all."""
_PERSON, _CHAT = 8, 4  # so many have places, if each takes all that are his
_ALL: Sharer = 0


class Places:
    """Counts those that are taken. `full` has the sharers for whom none is free."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._of_person, self._of_chat = max(limit // _PERSON, 1), max(limit // _CHAT, 1)
        self._taken: dict[Sharer, int] = {}
        self._waiting: dict[Sharer, deque[asyncio.Future[None]]] = {}
        self.full: set[Sharer] = set()

    def take(self, sharers: Sequence[Sharer]) -> None:
        """Take a place of each, whether one is free or not."""
        taken, least = self._taken, self._of_person
        for sharer in sharers:
            taken[sharer] = count = taken.get(sharer, 0) + 1
            if count >= least and count >= self._limit_of(sharer):
                self.full.add(sharer)

    def give_back(self, sharers: Sequence[Sharer]) -> None:
        """Let others have what was taken."""
        taken, full = self._taken, self.full
        for sharer in sharers:
            if full and sharer in full and self._hand_over(sharer):
                continue
            count = taken[sharer] - 1
            if count:
                taken[sharer] = count
            else:
                del taken[sharer]
            if full and count < self._limit_of(sharer):
                full.discard(sharer)

    async def wait(self, sharers: Sequence[Sharer]) -> bool:
        """Wait for places and take them; False if they are free, and not taken yet."""
        if self.full.isdisjoint(sharers):
            return False
        held: list[Sharer] = []
        try:
            for sharer in sharers:
                if sharer in self.full:
                    await self._given(sharer)
                else:
                    self.take([sharer])
                held.append(sharer)
        except BaseException:  # also when cancelled: others wait for these places
            self.give_back(held)
            raise
        return True

    async def _given(self, sharer: Sharer) -> None:
        given: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(sharer, deque()).append(given)
        try:
            await given
        except BaseException:  # also when cancelled: others wait for this place
            if given.done() and not given.cancelled():
                self.give_back([sharer])
            raise

    def _limit_of(self, sharer: Sharer) -> int:
        if sharer == _ALL:
            return self._limit
        return self._of_person if sharer > 0 else self._of_chat

    def _hand_over(self, sharer: Sharer) -> bool:
        """Give a place to whoever waits longest for it; False if nobody may have it."""
        waiting = self._waiting.get(sharer)
        while waiting and self._taken[sharer] <= self._limit_of(sharer):
            given = waiting.popleft()
            if not waiting:
                del self._waiting[sharer]
            if not given.done():
                given.set_result(None)
                return True
        return False


def sharers_at(place: Place) -> Sequence[Sharer]:
    """Return who shares the places that a handler takes, in the order of waiting."""
    if place.person:
        return place.person, -place.chat, _ALL
    return -place.chat, _ALL  # nobody speaks
