"""Functions that a turn applies to states at the moment of its commit."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from chatstate.bot.returns import Answers, replies
from chatstate.errors import ReplyError, StateError
from chatstate.replies import Native, files_of
from chatstate.scope import Key
from chatstate.state.bound import BoundState


class Update(msgspec.Struct, frozen=True):
    """A function that is to be applied to the value of `key`; see `Turn.apply`."""

    bound: BoundState
    key: Key
    fn: Callable[[Any], Any]
    reply: Callable[[Any], Any] | None

    def to(self, value: Any, answer: Answers) -> Any:
        """Return the new value, and add what is to be said of it to `answer`.

        Raises `StateError` if there is none.
        """
        result = self.fn(value)
        if result is None and value is not None:
            raise StateError(
                f"the function given to turn.apply for state {self.bound.name!r} returned None; "
                "return the new value"
            )
        if self.reply:
            answer += _shown(self.reply(result))
        return result


def _shown(reply: Any) -> Answers:
    shown = replies(reply)
    if _has_files(shown):
        raise ReplyError("the reply of turn.apply is made within the commit and has no files")
    return shown


def _has_files(answer: Answers) -> bool:
    return any(
        files_of(reply) or (isinstance(reply, Native) and _has_files(reply.otherwise))
        for reply in answer
    )
