"""What an author has said in case a turn fails: `@bot.on_error`.

1. It is called once for a turn, after what was raised is logged; what it raises is no new turn's.
2. The turn can still be asked, and sends what it is given. State it changes no more.
"""

from __future__ import annotations

import functools
import inspect
from typing import Any, NamedTuple

from chatstate.bot.functions import BoundFunction
from chatstate.bot.resources import Resources
from chatstate.bot.returns import Answers, replies, told_of
from chatstate.bot.turn import Turn
from chatstate.engine.threads import HandlerThreads
from chatstate.engine.turns.turn import RunningTurn
from chatstate.errors import ReplyError
from chatstate.messages import Message


class _Given(NamedTuple):
    """What the function may get."""

    error: BaseException
    message: Message
    turn: Turn
    resources: Resources


class OnError:
    """Asks a function what is to be answered in a turn that has failed."""

    def __init__(
        self, function: BoundFunction, resources: Resources, threads: HandlerThreads
    ) -> None:
        self._function = function
        self.fn = function.fn
        self._resources = resources
        self._threads = threads

    async def __call__(self, turn: RunningTurn, error: BaseException) -> Answers | None:
        """Return what is answered; None if that is left to the framework."""
        given = _Given(error, turn.message, turn.turn, self._resources)
        returned = await self._call(self._function.arguments(given))
        if returned is None:
            return None
        try:
            return replies(returned, turn.returns)
        except ReplyError as no_reply:
            raise told_of(no_reply, by=self.fn)  # noqa: B904 - it suppresses what it replaces

    async def _call(self, arguments: dict[str, Any]) -> Any:
        call = functools.partial(self.fn, **arguments)
        returned = call() if self._function.is_async else await self._threads.run(call)
        return await returned if inspect.isawaitable(returned) else returned
