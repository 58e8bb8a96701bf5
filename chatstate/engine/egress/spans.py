"""What is said of a text that a guard has changed: where its spans are now.

1. A span goes with its words: what stands in the place of some of them has their style.
2. Who is named, a time or an emoji of a platform's own is words alone once these have changed:
   else a platform would show what it knows, and not what the guard has made of it.
3. Two long texts that differ in much are not compared: what was styled there is plain.
"""

from __future__ import annotations

from collections.abc import Sequence
from difflib import SequenceMatcher

from msgspec.structs import replace

from chatstate.text import Span, SpanKind, StyledText

_NAMES: frozenset[SpanKind] = frozenset(("mention", "time", "emoji"))
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
    ]
    return StyledText(text, tuple(sorted(kept, key=lambda span: (span.start, -span.end))))


def _words(text: str, span: Span) -> str:
    return text[span.start : span.end]


def _moved(span: Span, steps: Sequence[_Step]) -> Span:
    start, end = _at(span.start, steps), _at(span.end - 1, steps, is_last=True) + 1
    return replace(span, start=start, end=end)


def _at(position: int, steps: Sequence[_Step], *, is_last: bool = False) -> int:
    """Return where a character is now, or the first or last of what is in its place."""
    for what, begins, ends, now_begins, now_ends in steps:
        if begins <= position < ends:
            if what == "equal":
                return now_begins + position - begins
            return now_ends - 1 if is_last else now_begins
    return -1


def _steps(old: str, new: str) -> list[_Step]:
    """Return how one text becomes another; only what is between two common ends is compared."""
    first = _alike(old, new)
    last = _alike(old[first:][::-1], new[first:][::-1])
    ends, now_ends = len(old) - last, len(new) - last
    steps: list[_Step] = [("equal", 0, first, 0, first)]
    if max(ends, now_ends) - first > _COMPARED:
        steps.append(("replace", first, ends, first, first))
    else:
        compared = SequenceMatcher(None, old[first:ends], new[first:now_ends], autojunk=False)
        steps += [
            (what, first + i, first + j, first + k, first + m)
            for what, i, j, k, m in compared.get_opcodes()
        ]
    return [*steps, ("equal", ends, len(old), now_ends, len(new))]


def _alike(old: str, new: str) -> int:
    """Return with how many characters two texts begin alike."""
    pairs = enumerate(zip(old, new, strict=False))
    return next((n for n, (was, now) in pairs if was != now), min(len(old), len(new)))
