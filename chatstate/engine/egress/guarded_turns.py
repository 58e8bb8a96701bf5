"""What the turns of one bot say, where it has guards: all of it passes them before the commit.

1. An answer that does not pass fails its turn, as one does that no platform could take.
2. An error for the person passes like an answer. If it does not, the turn has failed.
3. So does what is said of a turn that failed. If that does not pass, nothing is said.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence

from chatstate.engine.egress.egress import Egress
from chatstate.engine.turns.finish import Finish
from chatstate.engine.turns.sentences import apology, refusal
from chatstate.engine.turns.turn import RunningTurn
from chatstate.errors import EgressError, UserError
from chatstate.language.sentences import Sentences
from chatstate.replies import AnyReply

log = logging.getLogger("chatstate.egress")


class GuardedTurns:
    """Lets what turns say pass the guards."""

    def __init__(self, egress: Egress, *, finish: Finish, sentences: Sentences) -> None:
        self.egress = egress
        self._finish = finish
        self._sentences = sentences

    async def answer(self, turn: RunningTurn, said: Sequence[AnyReply]) -> list[AnyReply]:
        """Return what may be answered, all of it here. Raises `EgressError`."""
        return await self.egress.answer(turn.arrival, said, turn.addressed or {})

    async def refused(self, turn: RunningTurn, error: UserError) -> Exception | None:
        """End a turn with an error for the person; else return why that does not leave."""
        try:
            said = await self.answer(turn, refusal(turn, self._sentences, error))
            self._finish.queue(turn, said)
        except Exception as failure:  # noqa: BLE001 - its text may be anything
            return failure
        return None

    async def apology(self, turn: RunningTurn, error: BaseException) -> list[AnyReply]:
        """Return what is said of a turn that failed."""
        is_stopped = isinstance(error, EgressError) and error.is_stopped
        said = apology(turn, self._sentences, "withheld" if is_stopped else "failed")
        try:
            return await self.answer(turn, said)
        except EgressError as stopped:
            log.warning("nothing is said of a turn that failed: %s", stopped)
            return []
