"""What the runs of a bot have refused, because the code of each has no handler for it.

1. Who has refused an event, and since when, is a note of its turn.
2. It is refused for good once every run that lives has refused it, unless one of them knows it and
   has left it for another reason; or after ten minutes, for a run that has it may come.
3. Where one run alone can have the store, it is refused at once.
"""

from __future__ import annotations

import logging

import msgspec

from chatstate.clock import Clock
from chatstate.engine.turns.reports import account
from chatstate.engine.turns.turn import RunningTurn
from chatstate.errors import OtherVersionError
from chatstate.stores.base import Store

log = logging.getLogger("chatstate.turns")

PATIENCE = 600.0
"""Seconds for which an event is left to runs that may come."""
_NAME = "refused"


class Refused(msgspec.Struct, frozen=True):
    """Since when an event is refused, by which runs that lack its handler, or if one has it."""

    since: float
    by: list[int] = []
    is_known: bool = False


class Refusals:
    """Notes what one run refuses, and tells what the others have."""

    def __init__(self, bot: str, *, run: int, store: Store, clock: Clock) -> None:
        self._bot = bot
        self._run = run
        self._store = store
        self._clock = clock

    async def check(self, turn: RunningTurn, error: Exception | None = None) -> None:
        """Raise `error` for what has no handler here, while another run may have one.

        Or `OtherVersionError` if one has left it for another reason.
        """
        if self._store.is_sole:
            return
        noted = await self._noted(turn)
        if noted.is_known:
            raise OtherVersionError("it is for a handler that another worker has")
        if error and await self._is_left(self._by_this(noted)):
            raise error

    async def note(self, turn: RunningTurn, error: BaseException) -> bool:
        """Note why a turn is refused here; False, and nothing, if it is so for good."""
        noted = await self._noted(turn)
        if isinstance(error, OtherVersionError):
            if not noted.is_known:
                log.warning("%s", account(turn, "is left to other workers", str(error)))
            noted = Refused(noted.since, noted.by, is_known=True)
        else:
            noted = self._by_this(noted)
        if not await self._is_left(noted):
            return False
        await self._store.note(turn.arrivals[0].seq, _NAME, msgspec.json.encode(noted).decode())
        return True

    async def _is_left(self, noted: Refused) -> bool:
        """Tell whether what is refused here may be handled by another run, or one that comes."""
        if self._clock.time() - noted.since >= PATIENCE:
            return False
        return noted.is_known or not set(await self._alive()).issubset(noted.by)

    def _by_this(self, noted: Refused) -> Refused:
        return Refused(noted.since, [*noted.by, self._run], noted.is_known)

    async def _noted(self, turn: RunningTurn) -> Refused:
        note = (await self._store.notes(turn.arrivals[0].seq)).get(_NAME)
        return msgspec.json.decode(note, type=Refused) if note else Refused(self._clock.time())

    async def _alive(self) -> list[int]:
        return [run.id for run in await self._store.workers() if run.bot == self._bot]
