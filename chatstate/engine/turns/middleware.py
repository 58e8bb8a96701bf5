"""Middleware: the author's functions around a turn, before its state is loaded.

1. It runs for each attempt at a turn, so again after a conflict.
2. What the handler did is kept only if it returned. A middleware that catches what the handler
   raised, and answers itself, commits its answer and no state.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import NamedTuple

from chatstate.bot.functions import BoundFunction
from chatstate.bot.injected import CallNext
from chatstate.bot.resources import Resources
from chatstate.bot.returns import Answers, replies, told_of
from chatstate.bot.turn import Turn
from chatstate.engine.turns.turn import RunningTurn
from chatstate.errors import ReplyError
from chatstate.messages import Message

Handle = Callable[[RunningTurn], Awaitable[Answers]]


class _Given(NamedTuple):
    """What a middleware may get."""

    message: Message
    turn: Turn
    resources: Resources
    call_next: CallNext


class Around:
    """The middleware around one route, the outermost first, and within it `handle`."""

    def __init__(
        self, functions: Sequence[BoundFunction], resources: Resources, handle: Handle
    ) -> None:
        self._functions = functions
        self._resources = resources
        self._handle = handle

    async def __call__(self, turn: RunningTurn) -> Answers:
        """Return what is answered. Raises what the middleware, or in it the handler, raises."""

        async def handle() -> Answers:
            try:
                return await self._handle(turn)
            except BaseException:  # also when cancelled: what it held is not its own any more
                turn.forget()
                raise

        return await self._from(0, turn, handle)()

    def _from(self, number: int, turn: RunningTurn, handle: CallNext) -> CallNext:
        """Return what the middleware before `number` calls to go on."""
        calls = 0

        async def call_next() -> Answers:
            nonlocal calls
            calls += 1
            if calls > 1:
                raise RuntimeError("call_next() was called twice; a turn runs its handler once")
            if number == len(self._functions):
                return await handle()
            function = self._functions[number]
            further = self._from(number + 1, turn, handle)
            given = _Given(turn.message, turn.turn, self._resources, further)
            returned = await function.fn(**function.arguments(given))
            try:
                return replies(returned, turn.returns)
            except ReplyError as error:
                raise told_of(error, by=function.fn)  # noqa: B904 - it suppresses what it replaces

        return call_next
