"""Turns of what a platform tells of nobody: a poll that has ended, say; maybe of no chat either.

1. No person's state is there. Nobody's would be shared by all who are not there.
2. What is of no chat has a lane of its own, that of the account, and nothing can be said there:
   whoever answers, or raises what a person should read, gets an error.
"""

from __future__ import annotations

from collections.abc import Sequence

from chatstate.engine.turns.own_events import OwnEvent
from chatstate.engine.turns.plan import Plan
from chatstate.engine.turns.turn import RunningTurn
from chatstate.errors import ReplyError, StateError
from chatstate.replies import Reply
from chatstate.scope import PERSONAL
from chatstate.state.bound import BoundState
from chatstate.stores.base import Arrival


def begin_for_nobody(turn: RunningTurn, plan: Plan) -> None:
    """Let a turn run that is nobody's. Raises `StateError` if its handler has a person's state."""
    if not turn.message.chat.id:
        turn.own = _PLACELESS
    for slot in plan.slots:
        if slot.state.scope in PERSONAL:
            raise persons_state(slot.state)


def persons_state(state: BoundState) -> StateError:
    """Return the error for a person's state where there is no person."""
    return StateError(
        f"{state.scope} state {state.name!r} is a person's, and nobody speaks here: "
        "say whose, as in turn.state(..., of=user)"
    )


def _refuse_replies(arrival: Arrival, answer: Sequence[object]) -> None:
    if any(isinstance(said, Reply) for said in answer):
        raise ReplyError(
            f"{arrival.event.message.update} is of no chat and of nobody, so a reply to it has "
            "nowhere to go: return None"
        )


_PLACELESS = OwnEvent(find=lambda _arrival: None, check=_refuse_replies, is_admitted=True)
