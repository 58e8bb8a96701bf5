"""Questions as they are put: what is said, what buttons offer, and what a press on one brings.

1. What is put is kept as JSON, so that it can be put again without asking the handler.
2. A button carries the random id of its question, and the number of what it offers: what that is,
   the memo knows. It answers that question alone.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Any, NamedTuple

from msgspec.structs import replace

from chatstate.bot.memos import Open
from chatstate.bot.questions import Question
from chatstate.bot.returns import Answers, Returns, replies, told_of
from chatstate.content import Contact, Location
from chatstate.engine.outbox.hanging import AnswerButton
from chatstate.engine.outbox.letters import read, written
from chatstate.errors import Rejected, ReplyError, UserError
from chatstate.language.sentences import Sentence, told
from chatstate.replies import (
    Markdown,
    Reply,
    ShareContact,
    ShareLocation,
    files_of,
    fit_label,
    rows_of,
)
from chatstate.scope import Place

_ID_BYTES, _ID = 6, 8  # as they are made, and as they are written
_SHARES: Mapping[Any, ShareContact | ShareLocation] = {
    Contact: ShareContact(),
    Location: ShareLocation(),
}
Words = Mapping[str, str]


def opened(
    question: Question, before: Open | None, returns: Returns, words: Words, place: Place
) -> Open:
    """Return a question as it is open from now on, `before` which another was, or this.

    `place` is whose dialogue it is.

    Raises `ReplyError` for what cannot be asked.
    """
    try:
        said = replies(question.said, returns)
    except ReplyError as error:
        raise told_of(error, how="asked")  # noqa: B904 - it suppresses what it replaces
    last = said[-1] if said else None
    if not isinstance(last, Reply) or not last.says_something or any(map(files_of, said)):
        raise ReplyError(
            f"turn.ask {question.key!r}: a question ends with words, and has no files; "
            "`await turn.send(...)` before it sends what else there is"
        )
    if any(isinstance(reply, Reply) and reply.best_before for reply in said):
        raise ReplyError(
            f"turn.ask {question.key!r}: a question waits for its answer, so it has no "
            "best_before: give it a timeout="
        )
    offered = _offered(question, last, words)
    if offered:
        said[-1] = replace(last, buttons=())
    elif question.type in _SHARES and not (last.buttons or last.select or last.suggestions):
        said[-1] = replace(last, suggestions=[_SHARES[question.type]])
    of = question.of
    people = of if of is None or isinstance(of, str) else [user.id for user in of]
    owner = () if of is None else (place.conversation, place.person)
    same = before if before and before.key == question.key else None
    return Open(
        question.key,
        same.id if same else secrets.token_urlsafe(_ID_BYTES),
        written(said)[0],
        offered,
        question.confirms or question.choices is not None,
        question.timeout,
        people,
        owner,
        first=same.first if same else None,
    )


def _offered(question: Question, last: Reply, words: Words) -> list[tuple[str, str]]:
    """Return what buttons offer: their labels, each with the text that answers."""
    if question.confirms:
        return [(words["yes"], "yes"), (words["no"], "no")]
    if question.choices is not None:
        return [(fit_label(choice), choice) for choice in question.choices]
    buttons = [button for row in rows_of(last.buttons) for button in row]
    if any(button.command or button.url for button in buttons):
        return []
    return [(button.label, button.sends) for button in buttons]


def put(asked: Open | None) -> tuple[Answers, Reply | None]:
    """Return a question as it is put: what is said before it, and itself with its buttons."""
    if asked is None:
        return [], None
    *before, last = read(asked.said, ())
    if asked.offered:
        last = replace(last, buttons=_buttons(asked))
    return before, last


def put_with(
    remark: UserError | Rejected | None, asked: Open | None, words: Words
) -> tuple[Answers, Reply | None]:
    """Return the same behind a remark: what was wrong with an answer, mostly."""
    before, last = put(asked)
    if remark is None or last is None:
        return before, last
    text = told(remark if isinstance(remark, UserError) else Sentence("file_gone"), words)
    if before or isinstance(last.text, Markdown):
        return [Reply(text), *before], last
    return before, replace(last, text=f"{text}\n{last.text}")


def _buttons(asked: Open) -> list[AnswerButton]:
    return [
        AnswerButton(label, text, answers=str(Brought(asked.id, number, *asked.owner)))
        for number, (label, text) in enumerate(asked.offered)
    ]


def outcome(asked: Open, told: str) -> list[Reply]:
    """Return the changes of a question's messages that show what came of it."""
    last = read(asked.said, ())[-1]
    text = last.text
    if isinstance(text, Markdown):
        shown: str | Markdown = Markdown(f"{text.text}\n\n{told}")
    else:
        shown = f"{text}\n{told}"
    return [replace(last, text=shown, suggestions=(), edit=ref) for ref in asked.refs]


class Brought(NamedTuple):
    """What a press tells: which question it answers, and with which of what that offered.

    `conversation` and `person` are whose dialogue it is, if others were asked.
    """

    question: str
    number: int
    conversation: int = 0
    person: int = 0

    def __str__(self) -> str:
        """Return it as a button carries it."""
        numbers = self[1:] if self.person else self[1:2]
        return self.question + ".".join(map(str, numbers))

    @classmethod
    def read(cls, press: str) -> Brought:
        """Return what `str` has written."""
        return cls(press[:_ID], *map(int, press[_ID:].split(".")))
