"""`TurnParts`: what the engine needs of what runs turns, once it is put together."""

from __future__ import annotations

from dataclasses import dataclass

from chatstate.engine.states.expiry import Expiries
from chatstate.engine.timers import Timers
from chatstate.engine.turns.answering import Answering
from chatstate.engine.turns.approvals import Approvals
from chatstate.engine.turns.dispatch import Dispatch
from chatstate.engine.turns.fences import Fences
from chatstate.engine.turns.handover import Handover
from chatstate.engine.turns.later import Later
from chatstate.engine.turns.modals import Modals
from chatstate.engine.turns.overlap import Overlap
from chatstate.engine.turns.quick import QuickTurns
from chatstate.engine.turns.turns import Turns


@dataclass(frozen=True, kw_only=True)
class TurnParts:
    """What runs the turns of one bot, and what else the engine asks of them."""

    dispatch: Dispatch
    turns: Turns
    fences: Fences
    quick: QuickTurns
    modals: Modals
    answering: Answering
    approvals: Approvals
    overlap: Overlap
    expiries: Expiries
    timers: Timers
    later: Later
    handover: Handover
