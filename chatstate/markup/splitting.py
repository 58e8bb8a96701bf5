"""Cuts a text into parts that are no longer than a platform allows.

1. A part reaches as far as its measure allows; there it is cut at the best place (`breaks`) behind
   which something begins that fits in a part of its own. What would not is cut by the next rank.
2. Measures are asked a few times for each part, about little more than the part: a search guesses
   from what was measured, and halves when guesses are bad.
3. Measures need not grow with the text: a part that is too long once it is stripped is cut again.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from chatstate.markup.breaks import ANY_SPACE, Break, Breaks
from chatstate.markup.pieces import Slices
from chatstate.text import StyledText

Measure = Callable[[StyledText], int]
"""How long a text is for a platform once it is rendered; at least one per code point."""

_NOT_SPACE = re.compile(r"\S")


def split(text: StyledText, limit: int, measure: Measure) -> list[StyledText]:
    """Cut a text into parts of at most `limit`, as `measure` counts them when rendered.

    What fits in a part of its own is not cut: a paragraph or a `pre`, else a line, else a word, a
    link or code, else a grapheme cluster, else a code point. A `pre` that is cut goes on as one in
    the next part. White space where the text is cut, and at its ends if it is cut, is dropped but
    for the indentation of code; nothing else is. No part is only white space, so a text that is
    has no parts.

    Raises `ValueError` if one character alone, with the spans it is in, is longer than `limit`.
    """
    if not text.text or text.text.isspace():
        return []
    if len(text.text) <= limit and measure(text) <= limit:
        return [text]
    return list(_Splitter(text, limit, measure).parts())


class _Splitter:
    def __init__(self, text: StyledText, limit: int, measure: Measure) -> None:
        self.text = text.text
        self._slices = Slices(text)
        self._breaks = Breaks(text)
        self._limit = limit
        self._measure = measure
        self._window = limit

    def parts(self) -> Iterator[StyledText]:
        start = self._begin(0)
        while start is not None:
            part, behind = self._part(start)
            yield part
            start = self._begin(behind)

    def _begin(self, start: int) -> int | None:
        """Return where the next part begins: at something, or at the indentation of code."""
        found = _NOT_SPACE.search(self.text, start)
        if found is None:
            return None
        first = found.start()
        if pre := self._breaks.pres.holding(first):
            start = max(start, pre[0])
            return max(start, self.text.rfind("\n", start, first) + 1)
        is_base = first > start and self._breaks.is_joined(first)
        return first - is_base  # a space may carry a combining mark

    def _part(self, start: int) -> tuple[StyledText, int]:
        """Return the part that begins here, and where the text goes on behind it."""
        first = self._first(start)
        reach = self._reach(start)
        if reach <= first:  # code is indented deeper than a part is long
            start, reach = first, self._reach(first)
        while reach > first:
            cut = self._cut(start, first, reach)
            part = self._slices.cut(start, self._stripped(cut.end))
            if self._measure(part) <= self._limit:
                return part, cut.start
            reach = cut.end - 1
        raise ValueError(
            f"a limit of {self._limit} is too small for the character {self.text[first]!r}, which "
            f"takes {self._size(first, first + 1)} when rendered"
        )

    def _first(self, start: int) -> int:
        found = _NOT_SPACE.search(self.text, start)
        return found.start() if found else len(self.text)

    def _stripped(self, end: int) -> int:
        while self.text[end - 1].isspace():
            end -= 1
        return end

    def _size(self, start: int, end: int) -> int:
        return self._measure(self._slices.cut(start, end))

    def _reach(self, start: int) -> int:
        """Return the furthest end of a part that begins here; `start` if there is none.

        Looks no further than twice as far as the last part went, unless all of that fits.
        """
        for width in (self._window, self._limit):
            end = min(len(self.text), start + width)
            size = self._size(start, end)
            if size > self._limit:
                end = self._search(start, end, size)
                break
            if width == self._limit or end == len(self.text):
                break
        self._window = min(self._limit, 2 * max(end - start, 1))
        return end

    def _search(self, start: int, exceeds: int, exceeding: int) -> int:
        """Return the furthest end that fits, knowing one that does not.

        Guesses from what was measured, which is exact where each character counts the same, and
        halves what is left once two guesses in a row left more than half of it.
        """
        fits, fitting, bad_guesses = start, 0, 0
        while (width := exceeds - fits) > 1:
            halves = bad_guesses > 1
            share = 0.5 if halves else (self._limit - fitting) / (exceeding - fitting)
            middle = fits + max(1, min(width - 1, int(width * share)))
            size = self._size(start, middle)
            if size <= self._limit:
                fits, fitting = middle, size
            else:
                exceeds, exceeding = middle, size
            is_bad = halves or exceeds - fits > width / 2
            bad_guesses = bad_guesses + 1 if is_bad else 0
        return fits

    def _cut(self, start: int, first: int, reach: int) -> Break:
        """Return the best place for the end of a part that may reach this far."""
        if reach == len(self.text):
            return Break(reach, reach)
        place: Break | None = None
        for rank in range(ANY_SPACE + 1):
            place = self._breaks.last(rank, first, reach)
            if place and self._fits(place.start, self._breaks.unit_end(rank, place)):
                return place
        if place and not self.text[place.start : reach].strip():
            return place  # only indentation would follow
        end = self._breaks.cluster_end(start, reach)
        end = end if end > first else reach
        return Break(end, end)

    def _fits(self, start: int, end: int) -> bool:
        """Tell whether this fits in a part of its own."""
        return end - start <= self._limit and self._size(start, end) <= self._limit
