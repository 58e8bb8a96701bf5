"""What a turn says when it does not end as its author meant it, in the person's language."""

from __future__ import annotations

from chatstate.engine.turns.turn import RunningTurn
from chatstate.errors import UserError
from chatstate.language.sentences import Sentence, Sentences, say
from chatstate.messages import Message, Reply


def told(sentences: Sentences, message: Message, error: UserError) -> str:
    """Return the text of an error for whoever has sent `message`."""
    if isinstance(error, Sentence):
        return say(sentences.of(message.sender.language), error.name, **error.values)
    return str(error).encode(errors="replace").decode()  # half a surrogate pair is no text


def closing(turn: RunningTurn, sentences: Sentences, sentence: str) -> list[Reply]:
    """Return what a preview has shown, and a sentence that closes it; nothing without one."""
    if not (turn.preview and turn.preview.ids):
        return []
    said = say(sentences.of(turn.message.sender.language), sentence)
    return [*turn.preview.shown, Reply(said)]


def apology(turn: RunningTurn, sentences: Sentences) -> list[Reply]:
    """Return what to say of a turn that failed, below what it has shown already."""
    shown = closing(turn, sentences, "broke_off")
    if shown or (turn.own and not turn.own.apologises):
        return shown
    return [Reply(say(sentences.of(turn.message.sender.language), "failed"))]


def refusal(turn: RunningTurn, sentences: Sentences, error: UserError) -> list[Reply]:
    """Return what to say of a turn that ended with an error for the person."""
    text = told(sentences, turn.message, error)
    return [*turn.shown_before(), Reply(text, ephemeral=turn.message.kind == "press")]
