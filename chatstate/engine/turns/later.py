"""Turns that begin anew: after a crash, or because their handler has raised `TryLater`.

One that is put off waits, first in its lane.

1. How often and until when is a note of the turn: it survives a restart, as results of steps do.
2. Who waits holds nothing: no lock, no place, no share of a limit. And nobody waits for it: neither
   whoever stops the bot, nor what runs alone after a crash.
3. Then its lane is read again, so that it begins as any event does, with what its steps remember.
4. An event that interrupts it ends the wait, and so does /cancel of its person.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
from collections.abc import Callable, Iterator

import msgspec

from chatstate.clock import Clock
from chatstate.engine.inbox.lanes import Lanes
from chatstate.engine.outbox.spool import Spool
from chatstate.engine.turns.dispatch import Dispatch
from chatstate.engine.turns.previews import Previews
from chatstate.engine.turns.turn import RunningTurn
from chatstate.errors import TryLater
from chatstate.stores.base import Arrival, Store

MOST_TIMES = 10
"""How often an event is put off."""
_NAME = "put off"


class _Noted(msgspec.Struct, frozen=True):
    """How often a turn was put off; the last time until when, and for how many seconds."""

    times: int = 0
    until: float = 0.0
    seconds: float = 0.0


class Later:
    """Puts the turns of one bot off.

    `waiting` are the conversations in which one waits.
    """

    def __init__(
        self,
        *,
        store: Store,
        clock: Clock,
        lanes: Lanes,
        dispatch: Dispatch,
        previews: Previews,
        spool: Spool,
        versions: Iterator[int],
    ) -> None:
        self._store = store
        self._clock = clock
        self._lanes = lanes
        self._dispatch = dispatch
        self._previews = previews
        self._spool = spool
        self._versions = versions
        self.waiting: set[int] = set()

    async def take_up(self, turn: RunningTurn, arrived: Callable[[Arrival], None]) -> bool:
        """Find what an earlier attempt has shown, maybe before a crash; wait on, if it is put off.

        Tell whether it has waited: then its event is to begin anew.
        """
        turn.own = self._dispatch.own_event(turn.arrivals[0])
        if not turn.own:
            await self._previews.open(turn)
        seconds = await self.seconds_left(turn.arrivals[0].seq)
        if not seconds:
            return False
        turn.plan, _ = await self._dispatch.plan_of(turn.arrivals[0])  # what interrupts it asks
        await self._wait(turn, seconds, arrived)
        return True

    async def put_off(
        self, turn: RunningTurn, error: TryLater, arrived: Callable[[Arrival], None]
    ) -> bool:
        """Let a turn wait until it is to begin anew; False if it was put off often enough.

        `arrived` is told of what has come meanwhile, and may end the wait.
        """
        noted = await self._noted(turn)
        if noted.times >= MOST_TIMES:
            error.args = (f"it was put off {MOST_TIMES} times, and {error}",)
            return False
        until = self._clock.time() + error.seconds
        await self._note(turn, _Noted(noted.times + 1, until, error.seconds))
        await turn.drop_files(self._spool)
        turn.begin_again()
        await self._wait(turn, error.seconds, arrived)
        return True

    async def seconds_left(self, seq: int) -> float:
        """Return how long an event with notes waits from now on, 0 if it does not."""
        noted = _read((await self._store.notes(seq)).get(_NAME))
        return max(min(noted.until - self._clock.time(), noted.seconds), 0.0)

    async def _wait(
        self, turn: RunningTurn, seconds: float, arrived: Callable[[Arrival], None]
    ) -> None:
        """Return once a turn has waited, or has ended meanwhile."""
        conversation = turn.place.conversation
        self.let_go(turn)
        self.waiting.add(conversation)
        try:
            with contextlib.suppress(asyncio.CancelledError):  # whoever ends it: the lane is read
                await self._lanes.read_on(conversation)
                for arrival in list(self._lanes.waiting(conversation)):
                    arrived(arrival)
                await self._clock.sleep(seconds)
                self.waiting.discard(conversation)
                noted = await self._noted(turn)
                await self._note(turn, _Noted(noted.times))  # the wall clock may have been set back
        finally:
            self.waiting.discard(conversation)
            self._lanes.come_back(turn)

    def let_go(self, turn: RunningTurn) -> None:
        """Let a turn hold nothing, and nobody wait for it."""
        turn.let_go()
        turn.release = turn.leave = turn.expiring = None
        if turn.taking:
            turn.taking.redeem(self._versions, begun=False)
            turn.taking = None
        turn.is_put_off, turn.typing_at = True, math.inf
        self._lanes.stand_aside(turn)

    async def _noted(self, turn: RunningTurn) -> _Noted:
        seq = turn.arrivals[0].seq
        if turn.notes is None:
            turn.notes = dict(await self._store.notes(seq))
        return _read(turn.notes.get(_NAME))

    async def _note(self, turn: RunningTurn, noted: _Noted) -> None:
        """Note it; of a turn that somebody else has ended there is nothing to note."""
        text = msgspec.json.encode(noted).decode()
        if turn.notes is not None:
            turn.notes[_NAME] = text
        await self._store.note(turn.arrivals[0].seq, _NAME, text)


def _read(note: str | None) -> _Noted:
    return msgspec.json.decode(note, type=_Noted) if note else _Noted()
