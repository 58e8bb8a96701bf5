"""Turns that are finished within their commit: where other runs change shared values, too.

1. What was given to `turn.apply` gets the values as they are at the commit, while nobody else can
   change them: no turn runs again for them.
2. What it raises fails the turn, as if the handler had; nothing is committed then.
3. The conversation waits for the outcome: its next turn reads what this one has made of a value.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from msgspec.structs import replace

from chatstate.bot.returns import Answers
from chatstate.engine.states.commits import Commits
from chatstate.engine.turns.finish import Ending, Finish
from chatstate.engine.turns.turn import RunningTurn
from chatstate.engine.turns.values import TurnValues, Written
from chatstate.stores.base import Late, Outcome, TurnCommit, Value


class _Ended:
    """How a turn has ended, as its last `finish` says: by a commit, or by what was raised."""

    def __init__(self, turn: RunningTurn) -> None:
        self.outcome: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.commit: TurnCommit | None = None
        self.ending: Ending = Ending(turn.arrivals, ())
        self.error: Exception | None = None


class LateTurns:
    """Finishes turns within their commits."""

    def __init__(self, *, values: TurnValues, finish: Finish, commits: Commits) -> None:
        self._values = values
        self._finish = finish
        self._commits = commits

    async def end(self, turn: RunningTurn, answer: Answers, written: Sequence[Written]) -> None:
        """Return once the turn is committed, or waits again. Raises what its functions raise."""
        ended = _Ended(turn)
        base, _ = self._finish.commit(turn, (), written)
        finish = self._finishing(turn, answer, written, base, ended)
        late = replace(base, owed=(), late=Late(self._values.late_keys(turn), finish))
        self._commits.submit(late, self._over, ended)
        await ended.outcome

    def _finishing(
        self,
        turn: RunningTurn,
        answer: Answers,
        written: Sequence[Written],
        base: TurnCommit,
        ended: _Ended,
    ) -> Callable[[Sequence[Value | None]], TurnCommit | None]:
        """Return what makes the commit of a turn, given the values."""
        keys, stored = self._values.late_keys(turn), turn.stored

        def finish(values: Sequence[Value | None]) -> TurnCommit | None:
            turn.stored, said = stored, list(answer)
            ended.error = None
            try:
                found = dict(zip(keys, values, strict=True))
                complete = self._values.finished(turn, said, written, found)
                if turn.own:
                    turn.own.check(turn.arrival, turn.here(said))
                commit, outbound = self._finish.commit(turn, said, complete)
            except Exception as error:  # noqa: BLE001 - it is raised where the turn ends
                ended.error = error
                return None
            ended.ending = Ending(turn.arrivals, outbound)
            ended.commit = replace(commit, attempt=base.attempt)
            return ended.commit

        return finish

    def _over(self, ended: _Ended, late: TurnCommit, outcome: Outcome) -> None:
        if ended.outcome.done():  # its process ends
            return
        if ended.error:
            self._finish.undo(late)
            ended.outcome.set_exception(ended.error)
            return
        self._finish.committed(ended.ending, ended.commit or late, outcome)
        ended.outcome.set_result(None)
