"""Pieces of a styled text: any slice quickly, its blocks, and its edges in order.

1. A walk yields each character once, and opens and closes spans as they nest.
2. Blocks are whole lines: each `pre`, and what stands around it line by line. With a line break
   between each two they are the text.
3. A slice costs what is in it: spans that reach over its start are found by way of their parents.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator
from typing import Literal

import msgspec

from chatstate.text import Span, StyledText

_SECTIONS = ("table", "pre", "quote", "heading")


class Open(msgspec.Struct, frozen=True):
    """Here a span begins."""

    span: Span


class Close(msgspec.Struct, frozen=True):
    """Here a span ends; those that began in it have ended."""

    span: Span


class Block(msgspec.Struct, frozen=True):
    """A line, or the lines of a `pre`; `quotes` is how many quotes it stands in."""

    kind: Literal["line", "pre", "table"]
    text: StyledText
    quotes: int = 0


def sections(text: StyledText) -> Iterator[tuple[StyledText, Span | None]]:
    """Yield a text in pieces: headings, quotes, code and tables with their spans, the outermost.

    What stands between them comes with None, and may be empty.
    """
    end = 0
    for span in text.spans:
        if span.kind in _SECTIONS and span.start >= end:
            yield text.cut(end, span.start), None
            yield text.cut(span.start, span.end), span
            end = span.end
    yield text.cut(end, len(text.text)), None


def walk(text: StyledText) -> Iterator[str | Open | Close]:
    """Yield the text in stretches, and between them which spans begin and end there."""
    position = 0
    open_spans: list[Span] = []
    for span in text.spans:
        while open_spans and open_spans[-1].end <= span.start:
            yield from _stretch(text.text, position, open_spans[-1].end)
            position = open_spans[-1].end
            yield Close(open_spans.pop())
        yield from _stretch(text.text, position, span.start)
        position = span.start
        open_spans.append(span)
        yield Open(span)
    while open_spans:
        yield from _stretch(text.text, position, open_spans[-1].end)
        position = open_spans[-1].end
        yield Close(open_spans.pop())
    yield from _stretch(text.text, position, len(text.text))


def _stretch(text: str, start: int, end: int) -> Iterator[str]:
    if start < end:
        yield text[start:end]


def blocks(text: StyledText) -> Iterator[Block]:
    """Yield the text in pieces: each `pre` as a whole, the rest line by line.

    Between two pieces stood one line break, which neither holds.
    """
    slices = Slices(text)
    position = 0
    for pre in (span for span in text.spans if span.kind == "pre"):
        if pre.start < position:
            continue  # in another one
        if pre.start > position:
            before = pre.start - text.text.startswith("\n", pre.start - 1)
            yield from _lines(slices, position, before)
        yield slices.block(pre.start, pre.end)
        position = pre.end + 1
        if not text.text.startswith("\n", pre.end):
            position = pre.end
            if position == len(text.text):
                return
    yield from _lines(slices, position, len(text.text))


def _lines(slices: Slices, start: int, end: int) -> Iterator[Block]:
    while (line_end := slices.text.text.find("\n", start, end)) >= 0:
        yield slices.block(start, line_end)
        start = line_end + 1
    yield slices.block(start, end)


class Slices:
    """A text that is cut often: a cut looks only at the spans it holds, not at all of them."""

    def __init__(self, text: StyledText) -> None:
        self.text = text
        self._starts = [span.start for span in text.spans]
        self._parents = _parents(text.spans)

    def cut(self, start: int, end: int) -> StyledText:
        """Return what `StyledText.cut` returns; the bounds lie within the text."""
        first, after = bisect_left(self._starts, start), bisect_left(self._starts, end)
        held = (*self._reaching_over(start, first), *self.text.spans[first:after])
        return StyledText(self.text.text, held).cut(start, end)

    def open_at(self, position: int) -> list[Span]:
        """Return the spans that cover the character at `position`, the outermost first."""
        return self._reaching_over(position, bisect_left(self._starts, position + 1))

    def block(self, start: int, end: int) -> Block:
        """Return a line or a `pre`; an empty line stands in quotes as its line break does."""
        kinds = [span.kind for span in self.open_at(start)]
        text = self.cut(start, end)
        if "pre" not in kinds or start == end:
            return Block("line", text, kinds.count("quote"))
        return Block("table" if "table" in kinds else "pre", text, kinds.count("quote"))

    def _reaching_over(self, position: int, after: int) -> list[Span]:
        """Return those of the spans before number `after` that end behind `position`."""
        found: list[Span] = []
        index = after - 1
        while index >= 0:
            span = self.text.spans[index]
            if span.end > position:
                found.append(span)
            index = self._parents[index]
        return found[::-1]


def _parents(spans: tuple[Span, ...]) -> list[int]:
    """Return for each span the number of the one that holds it most closely, or -1."""
    parents: list[int] = []
    open_spans: list[int] = []
    for index, span in enumerate(spans):
        while open_spans and spans[open_spans[-1]].end <= span.start:
            open_spans.pop()
        parents.append(open_spans[-1] if open_spans else -1)
        open_spans.append(index)
    return parents
