"""What a turn says when it does not end as its author meant it, in the person's language."""

from __future__ import annotations

from chatstate.engine.turns.putting import put
from chatstate.engine.turns.turn import RunningTurn
from chatstate.errors import UserError
from chatstate.language.sentences import Sentences, say, told
from chatstate.replies import AnyReply, Reply


def closing(turn: RunningTurn, sentences: Sentences, sentence: str) -> list[Reply]:
    """Return what a preview has shown, and a sentence that closes it; nothing without one."""
    if not (turn.preview and (turn.preview.ids or turn.preview.shown)):
        return []
    said = say(sentences.of(turn.message.sender.language), sentence)
    return [*turn.preview.shown, Reply(said)]


def apology(turn: RunningTurn, sentences: Sentences, sentence: str = "failed") -> list[AnyReply]:
    """Return what to say of a turn that failed, below what it has shown already."""
    shown = closing(turn, sentences, "broke_off")
    if turn.own and not turn.own.apologises:
        return [*shown]
    said = shown or [Reply(say(sentences.of(turn.message.sender.language), sentence))]
    return [*said, *_asked_again(turn)]


def refusal(turn: RunningTurn, sentences: Sentences, error: UserError) -> list[AnyReply]:
    """Return what to say of a turn that ended with an error for the person."""
    text = told(error, sentences.of(turn.message.sender.language))
    refused = Reply(text, ephemeral=turn.message.kind == "press")
    return [*turn.shown_before(), refused, *_asked_again(turn)]


def _asked_again(turn: RunningTurn) -> list[AnyReply]:
    """Return the question that is still open: its answer was not taken in the end.

    One that others were asked is open where it is.
    """
    open_still = turn.left_open or (turn.dialogue and turn.dialogue.before)
    if open_still and open_still.asked and open_still.asked.of is None:
        before, question = put(open_still.asked)
        return [*before, *([question] if question else ())]
    return []
