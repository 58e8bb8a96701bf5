"""What a transcript is made of: what somebody does, each with what the bot is to answer. Data.

1. Each part keeps its lines as they were written, with the comments above them: what is written
   anew differs only where the bot does.
2. Who is where is told by the ids of chats and threads that the platform for tests has.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Literal, get_args

import msgspec
from msgspec.structs import replace

from chatstate.testing.virtual.store import Moment

Where = tuple[str, str]
"""A chat and a thread by their ids, "" for none."""
Verb = Literal[
    "says", "edits", "replies", "reacts", "shares", "joins", "leaves", "speaks", "is admin"
]
VERBS: tuple[Verb, ...] = get_args(Verb)


class Act(msgspec.Struct, frozen=True):
    """What somebody does in a chat: `text` is said, the new text, an emoji, a place, a language.

    `taps` are labels of what is pressed or chosen instead, `files` names of what is sent along.
    `at_once`: at the very same moment as what was done before it.
    """

    who: str
    where: Where
    verb: Verb = "says"
    text: str = ""
    taps: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    at_once: bool = False


class Pause(msgspec.Struct, frozen=True):
    """Time that passes, since what stands before it began."""

    seconds: float


Fault = Literal["crash", "restart", "repeat", "refuse", "reject", "lose"]
FAULTS: tuple[Fault, ...] = get_args(Fault)


class Trouble(msgspec.Struct, frozen=True):
    """What happens to the bot.

    A "crash" is now, or at a moment of what comes next; a call of what comes next is refused for
    now, or rejected for good, or its answer lost; what was delivered last is delivered again.
    """

    fault: Fault
    moment: Moment | None = None


class Set(msgspec.Struct, frozen=True):
    """The clock is set to a time, in seconds since 1970."""

    time: float


class Shift(msgspec.Struct, frozen=True):
    """The clock is moved by so many seconds, forward or back, and no time passes."""

    seconds: float


class Late(msgspec.Struct, frozen=True):
    """What is done next was done so many seconds before it arrives."""

    seconds: float


class Look(msgspec.Struct, frozen=True):
    """All values that are stored are told."""


What = Act | Pause | Trouble | Set | Shift | Late | Look


class Expected(msgspec.Struct, frozen=True):
    """What the bot is to say somewhere: `text` is all of it, with `...` for anything.

    `lines` are as written, with comments. With `text` None it may say whatever it wants to.
    """

    where: Where
    text: str | None
    lines: tuple[str, ...]


class Step(msgspec.Struct, frozen=True):
    """What happens in the line of a number, and what the bot is to answer."""

    what: What
    number: int
    lines: tuple[str, ...]
    expected: tuple[Expected, ...] = ()


class Transcript(msgspec.Struct, frozen=True):
    """A conversation in the file `path`: with which bot, if it says so. `end` are last comments."""

    path: Path
    steps: Sequence[Step]
    bot: str = ""
    begin: tuple[str, ...] = ()
    end: tuple[str, ...] = ()

    def lines(self) -> Iterator[str]:
        """Yield its lines as they were written."""
        yield from self.begin
        for step in self.steps:
            yield from step.lines
            for expected in step.expected:
                yield from expected.lines
        yield from self.end


def together(steps: Sequence[Step]) -> Iterator[Sequence[Step]]:
    """Yield steps as they happen: those of the very same moment together, each other by itself."""
    start = 0
    for end in range(1, len(steps) + 1):
        if end == len(steps) or not _is_at_once(steps[end - 1].what, steps[end].what):
            yield steps[start:end]
            start = end


def apart(steps: Sequence[Step]) -> Sequence[Step]:
    """Return steps of which none says that it is at the moment of what is no act, or not there."""
    return [step for same in together(steps) for step in joined(same)]


def joined(same: Sequence[Step]) -> Sequence[Step]:
    """Return steps of the very same moment, of which the first does not say that it is at once."""
    return [_at_once(step, is_at_once=place > 0) for place, step in enumerate(same)]


def _at_once(step: Step, *, is_at_once: bool) -> Step:
    what = step.what
    return replace(step, what=replace(what, at_once=is_at_once)) if isinstance(what, Act) else step


def _is_at_once(before: What, what: What) -> bool:
    return isinstance(before, Act) and isinstance(what, Act) and what.at_once


def private(person: str, thread: str = "") -> Where:
    """Return where somebody is alone with the bot."""
    return f"private-{person}", thread
