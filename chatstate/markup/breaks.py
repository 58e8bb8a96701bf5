"""Where a text may be cut, best places first.

1. A place is a gap of white space, which is left out where a part ends; behind Chinese punctuation
   it is empty. None is at the ends of a text.
2. Its rank is `PARAGRAPH` between blocks and beside a `pre`, `LINE` at a line's end, `WORD` between
   words, and `ANY_SPACE` within a link, an address, code in a line or a marker. Behind a heading it
   is one rank worse: that stays with what it heads.
3. In a `pre` the next part begins with the indentation of its line.
4. No place separates what belongs to one grapheme cluster, and no-break spaces are none.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator
from typing import NamedTuple

import wcwidth

from chatstate.text import Span, SpanKind, StyledText

PARAGRAPH, LINE, WORD, ANY_SPACE = range(4)
"""Between blocks; at a line's end; between words, not in a link, code or a marker; there too."""

_GAP = re.compile(
    r"\s+|(?<=[。！？；，、…])(?![\s。！？；，、…」』）】〉》”’])"  # noqa: RUF001 - Chinese has no spaces
)
_CODE_GAP = re.compile(r"(?P<lines>\n(?:[^\S\n]*\n)*)|(?<=\S)[^\S\n]+(?=\S)")
_NOT_BREAKING = "\u00a0\u2007\u202f"
_URL = re.compile(r"\bhttps?://\S+")
_SIMPLE = "\u0300"
"""No character before this one is in one cluster with its neighbour, but for a line's end."""


class Break(NamedTuple):
    """A part may end at `end` and the next one begin at `start`; between them is white space."""

    end: int
    start: int


class Breaks:
    """The places of a text by rank; each rank has those of the ranks before it as well."""

    def __init__(self, text: StyledText) -> None:
        self.text = text.text
        self.pres = _Intervals(_stretches(text.spans, "pre"))
        self._headings = {span.end for span in text.spans if span.kind == "heading"}
        urls = (found.span() for found in _URL.finditer(text.text))
        self._atoms = _Intervals([*_stretches(text.spans, "link", "code", "bullet"), *urls])
        self._ranks: tuple[list[Break], ...] = ([], [], [], [])
        for rank, place in self._places():
            for ranked in self._ranks[rank:]:
                ranked.append(place)

    def last(self, rank: int, after: int, upto: int) -> Break | None:
        """Return the last place of a rank at which a part may end, within these bounds."""
        ranked = self._ranks[rank]
        index = bisect_right(ranked, Break(upto, len(self.text))) - 1
        return ranked[index] if index >= 0 and ranked[index].end > after else None

    def unit_end(self, rank: int, place: Break) -> int:
        """Return where that ends which begins behind a place: at the next one of the rank."""
        ranked = self._ranks[rank]
        index = bisect_right(ranked, place)
        return ranked[index].end if index < len(ranked) else len(self.text)

    def cluster_end(self, start: int, upto: int) -> int:
        """Return the last end of a grapheme cluster after `start`, or `start` if there is none."""
        found = position = start
        for cluster in wcwidth.iter_graphemes(self.text[start : upto + 1]):
            position += len(cluster)
            if position > upto:
                break
            found = position
        return found

    def is_joined(self, position: int) -> bool:
        """Tell whether the characters on both sides belong to one grapheme cluster."""
        return len(list(wcwidth.iter_graphemes(self.text[position - 1 : position + 1]))) == 1

    def _places(self) -> Iterator[tuple[int, Break]]:
        position = 0
        for start, end in self.pres:
            yield from self._between(position, start)
            yield from self._within(start, end)
            position = end
        yield from self._between(position, len(self.text))

    def _within(self, start: int, end: int) -> Iterator[tuple[int, Break]]:
        """Yield the places in a `pre`, whose lines keep their indentation."""
        for found in _CODE_GAP.finditer(self.text, start, end):
            rank = LINE if found["lines"] else WORD
            if self._may_break(*found.span()):
                yield rank, Break(*found.span())

    def _between(self, start: int, end: int) -> Iterator[tuple[int, Break]]:
        for found in _GAP.finditer(self.text, start, end):
            gap = Break(*found.span())
            if self._may_break(*gap):
                beside_pre = gap.end == start > 0 or gap.start == end < len(self.text)
                yield self._rank(gap, found[0], beside_pre=beside_pre), gap

    def _rank(self, gap: Break, space: str, *, beside_pre: bool) -> int:
        breaks = space.count("\n")
        if breaks:
            is_paragraph = breaks > 1 or beside_pre
            rank = PARAGRAPH if is_paragraph else LINE
            return rank + (gap.end in self._headings)  # a heading stays with what it heads
        return ANY_SPACE if self._atoms.overlap(*gap) else WORD

    def _may_break(self, end: int, start: int) -> bool:
        if not 0 < end <= start < len(self.text):
            return False
        if start > end and not self.text[end:start].strip(_NOT_BREAKING):
            return False
        if self.text[end - 1] < _SIMPLE and self.text[start] < _SIMPLE:
            return True
        return not self.is_joined(end) and not self.is_joined(start)


def _stretches(spans: tuple[Span, ...], *kinds: SpanKind) -> Iterator[tuple[int, int]]:
    return ((span.start, span.end) for span in spans if span.kind in kinds)


class _Intervals:
    """Stretches of a text, in order; those that overlap are one."""

    def __init__(self, stretches: Iterable[tuple[int, int]]) -> None:
        self._starts: list[int] = []
        self._ends: list[int] = []
        for start, end in sorted(stretches):
            if self._ends and start < self._ends[-1]:
                self._ends[-1] = max(end, self._ends[-1])
            else:
                self._starts.append(start)
                self._ends.append(end)

    def __iter__(self) -> Iterator[tuple[int, int]]:
        return zip(self._starts, self._ends, strict=True)

    def holding(self, position: int) -> tuple[int, int] | None:
        """Return the stretch which the character at `position` is in."""
        index = bisect_right(self._starts, position) - 1
        if index >= 0 and self._ends[index] > position:
            return self._starts[index], self._ends[index]
        return None

    def overlap(self, start: int, end: int) -> bool:
        """Tell whether a gap, which may be empty, is in one of the stretches, if only in part."""
        index = bisect_left(self._starts, end) - 1
        return index >= 0 and self._ends[index] > start
