"""Handing over: what this run's code cannot handle is left to other runs, whose code may.

1. What newer code has written, or what only newer code has a handler for, is refused: nothing of
   the turn is kept. Its conversation is others' once all that is on its way there is done, and this
   run does not claim it again for a while.
2. Who has refused it, and since when, is a note of the turn. After ten minutes it is a dead letter,
   as any that fails.
3. A command that is unknown, pressed or typed in private, is told of as soon as all runs have
   refused it, unless one of them knows it: somebody waits for that.
4. Where one run alone can have the store, nothing is left to anybody.
"""

from __future__ import annotations

import logging
from collections.abc import Collection

import msgspec

from chatstate.clock import Clock
from chatstate.engine.inbox.lanes import Lanes
from chatstate.engine.inbox.receipts import Receipts
from chatstate.engine.outbox.sender import Sender
from chatstate.engine.outbox.spool import Spool
from chatstate.engine.states.cache import StateCache
from chatstate.engine.states.commits import Commits
from chatstate.engine.turns.later import Later
from chatstate.engine.turns.reports import account
from chatstate.engine.turns.turn import RunningTurn
from chatstate.errors import OtherVersionError
from chatstate.language.sentences import Sentence
from chatstate.stores.base import Store

log = logging.getLogger("chatstate.turns")

PATIENCE = 600.0
"""Seconds for which an event is left to runs that may come."""
AGAIN = 10.0
"""Seconds after which a run looks whether nobody has taken up what it has left."""
_MOMENT = 0.05
_AT_ONCE = 256
_NAME = "refused"


class _Refused(msgspec.Struct, frozen=True):
    """Since when an event is refused, by which runs that lack its command, or if one has it."""

    since: float
    by: list[int] = []
    is_known: bool = False


class Handover:
    """Leaves the conversations of one bot's turns to other runs."""

    def __init__(
        self,
        bot: str,
        *,
        run: int,
        store: Store,
        clock: Clock,
        lanes: Lanes,
        receipts: Receipts,
        cache: StateCache,
        commits: Commits,
        sender: Sender,
        spool: Spool,
        later: Later,
    ) -> None:
        self._bot = bot
        self._run = run
        self._store = store
        self._clock = clock
        self._lanes = lanes
        self._receipts = receipts
        self._cache = cache
        self._commits = commits
        self._sender = sender
        self._spool = spool
        self._later = later
        self._left: dict[int, float] = {}

    def is_for(self, error: BaseException) -> bool:
        """Tell whether a turn has failed with what another run may be able to handle."""
        if self._store.is_sole:
            return False
        return isinstance(error, OtherVersionError) or _is_unknown(error)

    async def check(self, turn: RunningTurn) -> None:
        """Raise `OtherVersionError` for what has no handler here, if another run has one.

        That run has left it for another reason.
        """
        if not self._store.is_sole and (await self._noted(turn)).is_known:
            raise OtherVersionError("it is for a handler that another worker has")

    async def leave(self, turn: RunningTurn, error: BaseException) -> bool:
        """Leave the conversation of a turn to others; False if none of them can handle it."""
        if not await self._may_be_left(turn, error):
            return False
        await turn.drop_files(self._spool)
        turn.fenced = True  # nothing ends it here any more
        self._later.let_go(turn)
        await self._let_go(turn)
        return True

    def left(self) -> Collection[int]:
        """Return the conversations that are not to be claimed now."""
        now = self._clock.monotonic()
        self._left = {number: until for number, until in self._left.items() if until > now}
        return list(self._left)

    def is_due(self) -> bool:
        """Tell whether one of them may be claimed again."""
        return bool(self._left) and min(self._left.values()) <= self._clock.monotonic()

    async def _may_be_left(self, turn: RunningTurn, error: BaseException) -> bool:
        noted = await self._noted(turn)
        if self._clock.time() - noted.since >= PATIENCE:
            return False
        if isinstance(error, OtherVersionError):
            if not noted.is_known:
                log.warning("%s", account(turn, "is left to other workers", str(error)))
            noted = _Refused(noted.since, noted.by, is_known=True)
        else:
            noted = _Refused(noted.since, [*noted.by, self._run], noted.is_known)
            if not noted.is_known and set(await self._alive()).issubset(noted.by):
                return False
        await self._store.note(turn.arrivals[0].seq, _NAME, msgspec.json.encode(noted).decode())
        return True

    async def _noted(self, turn: RunningTurn) -> _Refused:
        note = (await self._store.notes(turn.arrivals[0].seq)).get(_NAME)
        return msgspec.json.decode(note, type=_Refused) if note else _Refused(self._clock.time())

    async def _alive(self) -> list[int]:
        return [run.id for run in await self._store.workers() if run.bot == self._bot]

    async def _let_go(self, turn: RunningTurn) -> None:
        conversation = turn.place.conversation
        while self._sender.has(conversation) or self._commits.is_committing(conversation):
            await self._clock.sleep(_MOMENT)
        self._left[conversation] = self._clock.monotonic() + AGAIN
        self._cache.forget_conversations([conversation])
        await self._store.release([conversation], working=True)
        waiting = await self._store.events(conversation, 0, _AT_ONCE)
        gone = self._lanes.leave(turn, waiting)
        self._receipts.go_on_elsewhere([*turn.arrivals, *gone, *waiting])


def _is_unknown(error: BaseException) -> bool:
    return isinstance(error, Sentence) and error.name == "unknown_command"
