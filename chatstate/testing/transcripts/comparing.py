"""What a transcript expects, beside what the bot did.

1. What was expected and came stands as it was written; else what the bot did stands in its place.
2. The order counts within each conversation, and not between them.
"""

from __future__ import annotations

import difflib
import re
from collections import defaultdict
from collections.abc import Iterator, Sequence

import msgspec

from chatstate.testing.transcripts.playing import Played
from chatstate.testing.transcripts.reading import ANYTHING
from chatstate.testing.transcripts.script import Expected, Step, Transcript, Where
from chatstate.testing.transcripts.showing import Shown


class Outcome(msgspec.Struct, frozen=True):
    """A transcript, and the lines it would have if it expected what the bot did.

    `problems` are those of steps that could not be played, with their lines.
    """

    transcript: Transcript
    lines: Sequence[str]
    problems: Sequence[str] = ()

    @property
    def is_as_expected(self) -> bool:
        """Whether the bot did all that it says, and nothing else."""
        return not self.problems and list(self.transcript.lines()) == list(self.lines)

    @property
    def text(self) -> str:
        """The transcript anew."""
        return "".join(f"{line}\n" for line in self.lines)

    def difference(self) -> str:
        """Return what differs, for people to read: `-` is expected, `+` is what the bot did."""
        path = str(self.transcript.path)
        told = self.problems or [f"{path}: the bot did otherwise"]
        before, after = list(self.transcript.lines()), list(self.lines)
        compared = difflib.unified_diff(before, after, path, "what the bot did", lineterm="", n=4)
        return "\n".join([*told, *compared])


def outcome(transcript: Transcript, played: Sequence[Played]) -> Outcome:
    """Return what became of a transcript."""
    lines, problems = [*transcript.begin], list[str]()
    for step, done in zip(transcript.steps, played, strict=True):
        lines += step.lines
        lines += _answers(step, done)
        if done.problem:
            problems.append(f"{transcript.path}:{step.number}: {done.problem}")
    return Outcome(transcript, [*lines, *transcript.end], problems)


def _answers(step: Step, played: Played) -> Iterator[str]:
    left: defaultdict[Where, list[Shown]] = defaultdict(list)
    for shown in played.shown:
        left[shown.where].append(shown)
    for expected in step.expected:
        if expected.text is None:
            yield from expected.lines
            return
        if left[expected.where]:
            shown = left[expected.where].pop(0)
            yield from expected.lines if _fits(expected, shown) else shown.lines(played.here)
    for shown in played.shown:
        if any(shown is other for other in left[shown.where]):
            yield from shown.lines(played.here)


def _fits(expected: Expected, shown: Shown) -> bool:
    parts = (expected.text or "").split(ANYTHING)
    return bool(re.fullmatch(".*".join(map(re.escape, parts)), shown.text, re.DOTALL))
