"""Handing over: what this run's code cannot handle is left to other runs, whose code may.

1. What newer code has written, or what only newer code has a handler for, is refused: nothing of
   the turn is kept. Its conversation is others' once all that is on its way there is done, and this
   run does not claim it again for a while.
2. What nobody can handle is a dead letter after ten minutes, as any that fails; see `refusals`.
3. A command that is unknown, pressed or typed in private, and the answer to a function that is
   gone, are told of as soon as all runs have refused them: somebody waits for that. So is what is
   unknown in a group of commands, or too much for one that takes nothing: newer code may know it.
4. Where one run alone can have the store, nothing is left to anybody.
"""

from __future__ import annotations

from collections.abc import Collection

from chatstate.clock import Clock
from chatstate.engine.inbox.lanes import Lanes
from chatstate.engine.inbox.receipts import Receipts
from chatstate.engine.outbox.sender import Sender
from chatstate.engine.outbox.spool import Spool
from chatstate.engine.states.cache import StateCache
from chatstate.engine.states.commits import Commits
from chatstate.engine.turns.later import Later
from chatstate.engine.turns.refusals import Refusals
from chatstate.engine.turns.turn import RunningTurn
from chatstate.errors import OtherVersionError
from chatstate.language.sentences import NoHandlerSentence
from chatstate.stores.base import Store

AGAIN = 10.0
"""Seconds after which a run looks whether nobody has taken up what it has left."""
_MOMENT = 0.05
_AT_ONCE = 256


class Handover:
    """Leaves the conversations of one bot's turns to other runs."""

    def __init__(
        self,
        *,
        refusals: Refusals,
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
        self.refusals = refusals
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
        return isinstance(error, OtherVersionError) or _lacks_handler(error)

    async def leave(self, turn: RunningTurn, error: BaseException) -> bool:
        """Leave the conversation of a turn to others; False if none of them can handle it."""
        if not await self.refusals.note(turn, error):
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


def _lacks_handler(error: BaseException) -> bool:
    return isinstance(error, NoHandlerSentence)
