"""What is said of a text that a guard has changed: where its spans are now.

1. A span goes with its words: what stands in the place of some of them has their style. Texts are
   compared word by word.
2. Who is named, a time or an emoji of a platform's own is words alone once these have changed:
   else a platform would show what it knows, and not what the guard has made of it.
3. What covers whole lines is plain where it does not any more.
4. Two long texts that differ in much are not compared: what was styled there is plain.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence
from difflib import SequenceMatcher

from msgspec.structs import replace

from chatstate.text import Span, SpanKind, StyledText

_NAMES: frozenset[SpanKind] = frozenset(("mention", "time", "emoji"))
_OF_LINES: frozenset[SpanKind] = frozenset(("pre", "quote", "table"))
_WORDS = re.compile(r"\w+|\W", re.ASCII)
_COMPARED = 2_000
_Step = tuple[str, int, int, int, int]
"""As in difflib: what it is, from where to where in the old text, and in the new."""


def restyled(old: StyledText, text: str, values: Sequence[str]) -> StyledText:
    """Return a text in place of an old one, with its spans; `values` are theirs now."""
    spans = [replace(span, value=value) for span, value in zip(old.spans, values, strict=True)]
    if text == old.text:
        return StyledText(text, tuple(spans))
    steps = _steps(old.text, text)
    moved = [_moved(span, steps) for span in spans]
    kept = [
        new
        for span, new in zip(spans, moved, strict=True)
        if new.start < new.end
        and (span.kind not in _NAMES or _words(old.text, span) == _words(text, new))
        and (span.kind not in _OF_LINES or _are_lines(text, new))
    ]
    return StyledText(text, tuple(sorted(kept, key=lambda span: (span.start, -span.end))))


def _words(text: str, span: Span) -> str:
    return text[span.start : span.end]


def _are_lines(text: str, span: Span) -> bool:
    """Tell whether a span covers whole lines."""
    return f"\n{text}"[span.start] == "\n" == f"{text}\n"[span.end]


def _moved(span: Span, steps: Sequence[_Step]) -> Span:
    """Return a span where its words are; of what is changed it keeps all, or what it held all of.

    So spans of which one held the other, or that were apart, are so still.
    """
    what, begins, ends, now_begins, now_ends = _around(span.start, steps)
    start = now_begins if span.start == begins or span.end <= ends else now_ends
    if what == "equal":
        start = now_begins + span.start - begins
    what, begins, ends, now_begins, now_ends = _around(span.end - 1, steps)
    end = now_ends if span.end == ends or span.start >= begins else now_begins
    if what == "equal":
        end = now_begins + span.end - begins
    return replace(span, start=start, end=end)


def _around(position: int, steps: Sequence[_Step]) -> _Step:
    """Return the step in which a character of the old text is."""
    return next(step for step in steps if step[1] <= position < step[2])


def _steps(old: str, new: str) -> list[_Step]:
    """Return how one text becomes another; only what is between two common ends is compared."""
    first = _alike(old, new)
    last = _alike(old[first:][::-1], new[first:][::-1])
    ends, now_ends = len(old) - last, len(new) - last
    steps: list[_Step] = [("equal", 0, first, 0, first)]
    if max(ends, now_ends) - first > _COMPARED:
        steps.append(("replace", first, ends, first, first))
    else:
        before, after = _WORDS.findall(old[first:ends]), _WORDS.findall(new[first:now_ends])
        at, now_at = _positions(before, first), _positions(after, first)
        compared = SequenceMatcher(None, before, after, autojunk=False)
        steps += [
            (what, at[i], at[j], now_at[k], now_at[m])
            for what, i, j, k, m in compared.get_opcodes()
        ]
    return [*steps, ("equal", ends, len(old), now_ends, len(new))]


def _positions(words: Sequence[str], first: int) -> list[int]:
    """Return where each word begins, and where the last one ends."""
    return list(itertools.accumulate(map(len, words), initial=first))


def _alike(old: str, new: str) -> int:
    """Return with how many characters two texts begin alike."""
    pairs = enumerate(zip(old, new, strict=False))
    return next((n for n, (was, now) in pairs if was != now), min(len(old), len(new)))
