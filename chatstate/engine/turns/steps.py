"""Steps: results of calls to the outside, remembered from one attempt at a turn to the next."""

from __future__ import annotations

import inspect
from collections import Counter
from collections.abc import Callable
from typing import Any

from chatstate.engine.threads import HandlerThreads
from chatstate.engine.turns.turn import RunningTurn
from chatstate.errors import StateError
from chatstate.state.codec import Codec
from chatstate.stores.base import Store

_any = Codec(Any)


class Steps:
    """The steps of one attempt at a turn; `turn.notes` are the results of all, by name.

    `taken` are those of this attempt, for a dialogue to remember.
    """

    def __init__(self, turn: RunningTurn, store: Store, threads: HandlerThreads) -> None:
        self._turn = turn
        self._seq = turn.arrivals[0].seq
        self._store = store
        self._threads = threads
        self._times: Counter[str] = Counter()
        self.taken: dict[str, str] = {}

    async def take(self, name: str, fn: Callable[[], Any]) -> Any:
        """Return `fn()`, or what it returned in an earlier attempt.

        Raises `RuntimeError` if the turn is given up meanwhile.
        """
        turn = self._turn
        self._times[name] += 1
        note = f"{self._times[name]} {name}"
        if turn.dialogue and note in turn.dialogue.memo.steps:
            return _any.decode(turn.dialogue.memo.steps[note])
        if turn.notes is None:
            turn.notes = dict(await self._store.notes(self._seq))
        if turn.fenced:
            raise RuntimeError(f"step {name!r} was not begun: its turn has been given up")
        if note in turn.notes:
            self.taken[note] = turn.notes[note]
            return _any.decode(turn.notes[note])
        result = await self._outcome(fn)
        try:
            text = _any.encode(result)
        except StateError as error:
            raise StateError(f"the result of step {name!r}: {error}") from error
        if not await self._store.note(self._seq, note, text):
            raise RuntimeError(f"the result of step {name!r} is lost: its turn has been given up")
        self.taken[note] = turn.notes[note] = text
        return result

    async def _outcome(self, fn: Callable[[], Any]) -> Any:
        if inspect.iscoroutinefunction(fn):
            return await fn()
        result = await self._threads.run(fn)
        return await result if inspect.isawaitable(result) else result
