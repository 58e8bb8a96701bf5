"""Witnesses: who looks on while turns run, and is told what each has read.

1. While nobody looks on, turns run without this: what is done with events is wrapped when somebody
   begins, and as it was before once the last has gone.
2. A turn that runs again is told of again.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Generator, Sequence
from typing import TYPE_CHECKING

from chatstate.engine.turns.turn import RunningTurn
from chatstate.inspection import Read, Seen

if TYPE_CHECKING:
    from chatstate.engine.inbox.lanes import Work

Witness = Callable[[RunningTurn, float], None]


class Witnesses:
    """Those who look on while one engine runs its turns; `let` tells it by what they are run."""

    def __init__(self, let: Callable[[Work], None], work: Work) -> None:
        self._let = let
        self._work = work
        self._seen = _SeenWork(work)

    def of(
        self, account: int, told: Callable[[Seen], None]
    ) -> contextlib.AbstractContextManager[None]:
        """See `Host.witness`."""

        def see(turn: RunningTurn, seconds: float) -> None:
            if turn.place.account == account:
                told(Seen(turn.arrival.event.id, _reads_of(turn), seconds))

        return self._seeing(see)

    @contextlib.contextmanager
    def _seeing(self, witness: Witness) -> Generator[None]:
        witnesses = self._seen.witnesses
        witnesses.append(witness)
        self._let(self._seen)
        try:
            yield
        finally:
            witnesses.remove(witness)
            if not witnesses:
                self._let(self._work)


class _SeenWork:
    """What is done with each event, and told of then."""

    def __init__(self, work: Work) -> None:
        self._work = work
        self.waits = work.waits
        self.witnesses: list[Witness] = []

    async def run(self, turn: RunningTurn) -> None:
        began = time.perf_counter()
        await self._work.run(turn)
        seconds = time.perf_counter() - began
        for witness in tuple(self.witnesses):
            witness(turn, seconds)


def _reads_of(turn: RunningTurn) -> Sequence[Read]:
    """Return what a turn has held: what its handler declares, and what it has reached beyond."""
    return [
        Read(held.key.scope, held.key.name, held.text or "null")
        for held in (turn.held or {}).values()
    ]
