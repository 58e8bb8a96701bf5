"""What a turn says before its answer, or elsewhere: `turn.send`, and the references to that."""

from __future__ import annotations

from msgspec.structs import replace

from chatstate.bot.returns import Answers
from chatstate.engine.outbox.addressing import addressed, by_reply
from chatstate.engine.turns.showing import Showings
from chatstate.engine.turns.turn import RunningTurn
from chatstate.messages import MessageRef
from chatstate.stores.base import Arrival


async def say(
    turn: RunningTurn, showings: Showings, new: Answers, there: Arrival, known_as: str
) -> MessageRef:
    """Owe replies at the commit of a turn, `there`; show them in advance if that is here.

    Return the reference to their first message: `known_as`, which is kept in any case, or one of
    the turn's own.
    """
    is_here = there is turn.arrival
    said_before = turn.dialogue.said() if turn.dialogue and is_here else None
    if said_before:
        return said_before
    showing = showings.of(turn)
    ref = f"{turn.arrival.seq}-{len(showing.sent) + len(showing.elsewhere)}"
    addresses, reference = addressed(new, there, known_as or ref, is_kept=bool(known_as))
    turn.addressed = {**(turn.addressed or {}), **by_reply(addresses)}
    said = [address.reply for address in addresses]
    if not is_here:
        showing.elsewhere += said
        return reference
    showing.sent += said
    showing.refs.append(reference)
    if turn.dialogue:  # what is before an answered question is dropped: it is not shown yet
        turn.dialogue.says(reference)
        return reference
    await showing.prepare()
    showing.show([])
    return reference


def refer(turn: RunningTurn, answer: Answers, ref: str, *, is_whole: bool = False) -> None:
    """Let a reference lead to the first message of what a turn's handler returns, or to all."""
    addresses, _ = addressed(answer, turn.arrival, ref, is_kept=True)
    if addresses:
        addresses[0] = replace(addresses[0], is_whole=is_whole)
    turn.addressed = by_reply(addresses)
    answer[:] = [address.reply for address in addresses]
