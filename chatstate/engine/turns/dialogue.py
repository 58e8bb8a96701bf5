"""A dialogue: a handler that asks, is put aside, and runs again from the top with each answer.

1. To ask raises nothing. The handler is left where it waits, the turn commits what is asked, and
   only then is its coroutine closed: what that does to the turn is refused, what it raises logged.
2. Answered questions return at once. What is said before them is not said again; what is said
   before the open one is said once, by its place: so many sends after an answer.
3. What a run changes of the memo is a copy's: a turn that runs again, or fails, finds it as it was.
"""

from __future__ import annotations

import asyncio
import copy
import logging
import types
from collections.abc import Coroutine, Generator, Sequence
from typing import Any

import msgspec

from chatstate.bot.memos import Memo
from chatstate.engine.turns.turn import RunningTurn
from chatstate.errors import Rejected, StateError, UserError
from chatstate.messages import Message, MessageRef
from chatstate.replies import Reply
from chatstate.stores.base import Arrival

log = logging.getLogger("chatstate.turns")

_WAITING = object()


class Chance(msgspec.Struct, frozen=True):
    """The time and the luck of a turn, which all runs of a dialogue have in common."""

    now: float
    seed: int


class Dialogue:
    """What one turn knows of a dialogue: its memo, and how far this run has come.

    - `answer` is the message that brought the newest answer, `before` the memo without this run.
    - `has_run`: its function was called. `waits`: a question is put, and the handler is left at it;
      `remark` is what is said before it, `there` where it is put; `is_put_to_one`: once more, to
      whoever of several has answered what does not fit. `is_over`: nobody answers any more.
      `outcome` shows on the messages of a question what came of it.
    """

    def __init__(
        self,
        memo: Memo,
        *,
        fresh: str = "",
        answer: Message | None = None,
        has_run: bool = False,
    ) -> None:
        self.memo = memo
        self.answer = answer
        self.before = copy.deepcopy(memo)
        self.has_run = has_run
        self.waits = self.is_over = self.is_put_to_one = False
        self.remark: UserError | Rejected | None = None
        self.there: Sequence[Arrival] = ()
        self.outcome: Sequence[Reply] = ()
        self._fresh = fresh
        self._asked: set[str] = set()
        self._passed, self._place = "", 0
        self._left: Coroutine[Any, Any, Any] | None = None

    def again(self) -> Dialogue | None:
        """Return what another run goes on with; None if this one has begun it."""
        self.close()
        if not self.before.asked:
            return None
        return Dialogue(self.before, fresh=self._fresh, answer=self.answer)

    def asks(self, key: str) -> None:
        """Note a question of this run. Raises `StateError` for a key that it used before."""
        if key in self._asked:
            raise StateError(
                f"turn.ask: the key {key!r} was used before in this run; an answer is known by its "
                'key: in a loop number it, key=f"item-{i}"'
            )
        self._asked.add(key)

    def is_fresh(self, key: str) -> bool:
        """Tell whether an answer came with this event."""
        return key == self._fresh

    def passes(self, key: str) -> None:
        """Go on behind an answered question."""
        self._passed, self._place = key, 0

    def said(self) -> MessageRef | None:
        """Return what leads to what is sent now, if it was sent in an earlier run."""
        known = self.memo.said.get(self._passed, ())
        self._place += 1
        return known[self._place - 1] if self._place <= len(known) else None

    def says(self, reference: MessageRef) -> None:
        """Note what is sent now."""
        self.memo.said.setdefault(self._passed, []).append(reference)

    def leave(self, course: Coroutine[Any, Any, Any]) -> None:
        """Leave a handler where it waits, until the turn is over."""
        self._left, self.has_run = course, True

    def close(self) -> None:
        """Close a handler that was left."""
        course, self._left = self._left, None
        if course is None:
            return
        try:
            course.close()
        except BaseException as error:  # noqa: BLE001 - an author's `finally` may raise anything
            log.warning(
                "what stands around turn.ask(..., key=%r) raised when its handler was put aside, "
                "which changes nothing; a `finally` there runs at each question, can do nothing "
                "with the turn, and must wait for nothing: %r",
                self.memo.asked and self.memo.asked.key,
                error,
            )


@types.coroutine
def run(
    turn: RunningTurn, course: Coroutine[Any, Any, Any]
) -> Generator[Any, Any, tuple[bool, Any]]:
    """Run a handler; tell whether it waits for an answer now, and return what it has returned."""
    result, error = None, None
    task = asyncio.current_task()
    while True:
        turn.asks_in = task
        try:
            waits_for = course.throw(error) if error else course.send(result)
        except StopIteration as end:
            if turn.dialogue:
                turn.dialogue.has_run = True
            return False, end.value
        finally:
            turn.asks_in = None
        if waits_for is _WAITING and turn.dialogue:
            turn.dialogue.leave(course)
            return True, None
        try:
            result, error = (yield waits_for), None
        except GeneratorExit:  # Python closes us, and so what we run
            course.close()
            raise
        except BaseException as raised:  # noqa: BLE001 - it is the handler's
            error = raised


@types.coroutine
def wait() -> Generator[object, None, None]:
    """Leave the handler that awaits this, and what it awaits this in, where it is: see `run`."""
    yield _WAITING
