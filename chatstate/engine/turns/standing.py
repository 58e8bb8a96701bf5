"""What a turn can do at the moment, when its author asks for something."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from chatstate.engine.turns.turn import RunningTurn
from chatstate.errors import StateError
from chatstate.signature import label

_TIMERS = ("later", "every", "cancel")
_OF_STATE = ("state", "replace", "apply", "step", "charge", "ask", *_TIMERS)
_STORED = ("replace", "apply", "step", "charge", "ask", *_TIMERS)
_ANSWERING = ("send", "apply", *_TIMERS)  # what is sent and applied goes with the answer


def refuse_what_cannot_be(
    turn: RunningTurn, attempt: int, fn: Callable[..., Any], what: str
) -> None:
    """Raise if `turn.what()` has no effect, or must have none, in this attempt at a turn of `fn`.

    `RuntimeError` if it is over, or has failed; `StateError` if it is stored nowhere.
    """
    is_too_late = turn.is_answered and what in _ANSWERING
    if is_too_late or turn.is_over or turn.fenced or turn.attempt != attempt:
        raise RuntimeError(
            f"turn.{what}() was called after the turn of {label(fn)} had ended, so it has no "
            "effect; a turn is its handler's while that runs: await what it begins"
        )
    if turn.is_quick and what in _STORED:
        raise not_stored(turn, what)
    if turn.has_failed and what in _OF_STATE:
        raise RuntimeError(
            f"turn.{what}() was called in on_error, and a turn that failed changes no state"
        )


def not_stored(turn: RunningTurn, what: str) -> StateError:
    """Return what to raise where something is to be stored with what is stored nowhere."""
    return StateError(
        f"turn.{what}(): what answers {turn.message.update} is stored nowhere, so nothing of it "
        "can be kept, or sent to others: do that in the handler of what follows"
    )
