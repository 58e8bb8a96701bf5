"""Middleware: the author's functions around a turn, before its state is loaded.

1. It runs for each attempt at a turn, so again after a conflict.
2. What the handler did is kept only if it returned. A middleware that catches what the handler
   raised, and answers itself, commits its answer and no state.
3. That the store fails is no middleware's business: no matter what it catches, the engine is told.
"""

from __future__ import annotations

from collections.abc import Sequence

from chatstate.bot.calls import Call, CallNext, Scene
from chatstate.bot.resources import Resources
from chatstate.bot.returns import Answers
from chatstate.bot.turn import Turn
from chatstate.engine.turns.attempt import Attempt
from chatstate.errors import StorageError


class Around:
    """The middleware around one handler, the outermost first."""

    def __init__(self, calls: Sequence[Call], resources: Resources) -> None:
        self._calls = calls
        self._resources = resources

    async def __call__(self, attempt: Attempt, turn: Turn) -> Answers:
        """Return what is answered. Raises what the middleware, or in it the handler, raises."""
        broken: list[StorageError] = []

        async def handle() -> Answers:
            try:
                return await attempt.handle(turn)
            except BaseException as error:
                attempt.forget()
                if isinstance(error, StorageError):
                    broken.append(error)
                raise

        answer: Answers = []
        try:
            answer = await self._from(0, attempt, turn, handle)()
        except StorageError as error:  # of a store of the author's, unless ours is broken
            if not broken:
                raise RuntimeError(f"a middleware raised StorageError: {error}") from error
        except Exception:
            if not broken:
                raise
        if broken:
            raise broken[0]
        return answer

    def _from(self, number: int, attempt: Attempt, turn: Turn, handle: CallNext) -> CallNext:
        """Return what the middleware before `number` calls to go on."""
        calls = 0

        async def call_next() -> Answers:
            nonlocal calls
            calls += 1
            if calls > 1:
                raise RuntimeError("call_next() was called twice; a turn runs its handler once")
            if number == len(self._calls):
                return await handle()
            call = self._calls[number]
            further = self._from(number + 1, attempt, turn, handle)
            scene = Scene(turn.message, self._resources, turn, further)
            return attempt.read(await call.fn(**call.arguments(scene)))

        return call_next
