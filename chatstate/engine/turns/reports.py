"""What an operator is told of a turn that went wrong: whose code, what was said, and by whom.

1. A report is one line; what was raised in an author's code follows it as a traceback, from which
   the framework's frames are taken out.
2. To report may not fail itself, whatever an author's objects do when they are shown.
"""

from __future__ import annotations

import reprlib
import types
from collections.abc import Callable, Iterator
from typing import Any, cast

from chatstate.bot.returns import NoReply, kind_of
from chatstate.engine.describing import describe, told_in_full
from chatstate.engine.turns.turn import RunningTurn
from chatstate.errors import ChatstateError, ReplyError
from chatstate.messages import Message, User
from chatstate.signature import is_framework, where
from chatstate.text import Private, one_line, revealed

_LONGEST = 60


def report(
    turn: RunningTurn, error: BaseException, fn: Callable[..., Any] | None = None
) -> Private:
    """Return what became of a turn: `number() in bot.py:12 returned int (5), answering ...`.

    `fn` is the function that has failed, if not the handler.
    """
    if isinstance(error, ReplyError) and isinstance(error.no_reply, NoReply):
        value, how, by = error.no_reply
        kind = f"{how} {kind_of(value)}"
        shown = Private(kind, f"{kind} ({_shown(value)})")
        return account(turn, shown, error.no_reply.remedy, by or fn)
    if isinstance(error, ChatstateError):
        return account(turn, "failed", _text(error), fn)
    return account(turn, f"raised {type(error).__name__}", "", fn)


def account(
    turn: RunningTurn, what: str, remedy: str = "", fn: Callable[..., Any] | None = None
) -> Private:
    """Return a line that tells of a turn what has happened in it, and what can be done."""
    if fn is None and turn.plan:
        fn = turn.plan.handler.author_fn
    who = where(fn) if fn else f"the turn of event {turn.arrival.event.id}"
    message = turn.arrival.event.message
    end = f": {remedy}" if remedy else ""
    return Private(
        one_line(f"{who} {what}, answering {_kind(message) or 'a message'}{end}"),
        one_line(f"{who} {revealed(what)}, answering {_said(message)}{end}"),
    )


def in_brief(told: Private, error: BaseException) -> str:
    """Return what a list of dead letters says: the error's own words, where they say enough."""
    is_no_reply = isinstance(error, ReplyError) and error.no_reply is not None
    return f"{type(error).__name__}: {told.revealed}" if is_no_reply else describe(error)


def in_full(told: Private, error: BaseException) -> str:
    """Return a report with the traceback of what was raised, if any of it is an author's."""
    if error.__traceback__ is None:
        return told.revealed
    return f"{told.revealed}\n{told_in_full(error)}"


def fold(error: BaseException) -> None:
    """Take the framework's frames out of the tracebacks of an error and of what led to it."""
    known: set[int] = set()
    waiting = [error]
    while waiting:
        error = waiting.pop()
        if id(error) not in known:
            known.add(id(error))
            BaseException.with_traceback(error, _folded(error))  # also if it lets nobody set it
            waiting += _linked(error)


def _linked(error: BaseException) -> Iterator[BaseException]:
    for other in (error.__cause__, error.__context__):
        if other is not None:
            yield other
    if isinstance(error, BaseExceptionGroup):
        yield from cast("BaseExceptionGroup[BaseException]", error).exceptions


def _folded(error: BaseException) -> types.TracebackType | None:
    """Return a traceback without the framework's frames.

    What the framework did not raise on purpose is its own fault: then those where that happened,
    below the last of an author's, stay.
    """
    frames = list(_frames(error.__traceback__))
    authors = [n for n, frame in enumerate(frames) if not is_framework(frame.tb_frame)]
    kept = [frames[n] for n in authors]
    if not isinstance(error, ChatstateError):
        kept += frames[authors[-1] + 1 if authors else 0 :]
    folded = None
    for frame in reversed(kept):
        folded = types.TracebackType(folded, frame.tb_frame, frame.tb_lasti, frame.tb_lineno)
    return folded


def _frames(trace: types.TracebackType | None) -> Iterator[types.TracebackType]:
    while trace is not None:
        yield trace
        trace = trace.tb_next


def _said(message: Message) -> str:
    """Return what was said, and by whom: `"/number" of alice`, `the press "1" of Bob (42)`."""
    text = f'"{_shortened(message.text)}"' if message.text else ""
    return f"{f'{_kind(message)} {text}'.strip() or 'a message'}{_of(message.sender)}"


def _kind(message: Message) -> str:
    return "" if message.kind == "message" else f"the {message.update or message.kind}"


def _of(person: User) -> str:
    if person.name in ("", person.id):
        return f" of {person.id}" if person.id else ""
    return f" of {person.name} ({person.id})"


def _text(error: BaseException) -> str:
    try:
        return str(error)
    except BaseException:  # noqa: BLE001 - an author's __str__ may raise anything
        return "?"


def _shown(value: object) -> str:
    try:
        return _shortened(reprlib.repr(value))
    except BaseException:  # noqa: BLE001 - an author's __repr__ may raise anything
        return "?"


def _shortened(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"
