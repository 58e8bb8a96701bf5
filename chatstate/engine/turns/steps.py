"""Steps: results of calls to the outside, remembered from one attempt at a turn to the next."""

from __future__ import annotations

import asyncio
import inspect
from collections import Counter
from collections.abc import Callable
from typing import Any

from chatstate.engine.context import Context
from chatstate.errors import StateError
from chatstate.state.codec import Codec

_any = Codec(Any)


class Steps:
    """The steps of one attempt at turn number `turn`.

    `notes` are the results of earlier attempts, by name; None if they are not loaded.
    """

    def __init__(self, context: Context, turn: int, notes: dict[str, str] | None) -> None:
        self.notes = notes
        self._context = context
        self._turn = turn
        self._times: Counter[str] = Counter()

    async def take(self, name: str, fn: Callable[[], Any], is_over: Callable[[], bool]) -> Any:
        """Return `fn()`, or what it returned in an earlier attempt.

        Is cancelled if the attempt is over, which `is_over` tells.
        """
        self._times[name] += 1
        note = f"{self._times[name]} {name}"
        if self.notes is None:
            self.notes = dict(await self._context.store.notes(self._turn))
        if is_over():
            raise asyncio.CancelledError
        if note in self.notes:
            return _any.decode(self.notes[note])
        result = await self._outcome(fn)
        try:
            text = _any.encode(result)
        except StateError as error:
            raise StateError(f"the result of step {name!r}: {error}") from error
        if not await self._context.store.note(self._turn, note, text):
            raise asyncio.CancelledError
        self.notes[note] = text
        return result

    async def _outcome(self, fn: Callable[[], Any]) -> Any:
        if inspect.iscoroutinefunction(fn):
            return await fn()
        result = await self._context.threads.run(fn)
        return await result if inspect.isawaitable(result) else result
