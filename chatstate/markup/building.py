"""Builds a styled text from front to back.

1. Blocks are as far apart as in the source: a line break if one stood on the next line, else a
   blank line. The first block of an item stands behind the item's marker.
2. What belongs to an item is indented below its first word, but no deeper than `DEEPEST`: a line
   of two characters should not become one of a hundred.
3. A quote begins with its first block and ends with its last one, so it covers whole lines; no
   line of it is indented.
4. One span of a kind covers a character, but for quotes, which are counted.
5. Spans are trimmed and sorted at the end, by the rules of `chatstate.text`.
"""

from __future__ import annotations

import msgspec

from chatstate.text import Span, SpanKind, StyledText, Table

DEEPEST = 12
"""How many spaces lines are indented at most."""

_PADDED = ("bold", "italic", "underline", "strike", "spoiler", "code", "link", "heading")
"""What need not cover the white space at its ends; platforms differ in whether it may."""


class _Opened(msgspec.Struct):
    """A span that has no end yet; nor a `start`, until the text goes on.

    `kind` is `None` if one of its kind is open already: a second one would say nothing.
    """

    kind: SpanKind | None
    start: int | None
    value: str = ""


class Builder:
    """The text so far, the spans that are open, and how far lines are indented."""

    def __init__(self) -> None:
        self._written: list[str] = []
        self._length = 0
        self._spans: list[tuple[int, int, int, Span]] = []
        self._open: list[_Opened] = []
        self._kinds: set[SpanKind] = set()
        self._indents = [""]
        self._last_line = 0
        self._after_marker = False

    def begin(self, line: int, *, own_line: bool = False) -> None:
        """Begin a block that stood at this line of the source, as far from the last as there.

        The first block of an item stands behind its marker; one with lines of its own, which are
        not indented, stands below it.
        """
        waiting = [opened for opened in self._open if opened.start is None]
        if not self._after_marker:
            gap = "\n" if line <= self._last_line else "\n\n"
            indent = "" if own_line else self._indents[-1]
            self._write((gap if self._length else "") + indent)
        elif own_line or waiting:
            self._write("\n")
        self._after_marker = False
        for opened in waiting:
            opened.start = self._length

    def end(self, line: int) -> None:
        """End a block; in the source the next line was this one."""
        self._last_line = line

    def add(self, text: str) -> None:
        """Write text; its further lines are indented as the block is."""
        self._write(text.replace("\n", "\n" + self._indents[-1]))

    def begin_item(self, line: int, marker: str, indent: int) -> None:
        """Begin an item with its marker; what follows is indented behind it."""
        self.begin(line)
        self.open("bullet")
        self._write(marker)
        self.close()
        self._indents.append((self._indents[-1] + " " * indent)[:DEEPEST])
        self._after_marker = True

    def end_item(self, line: int) -> None:
        """End an item; if nothing followed its marker, the next line was this one."""
        self._indents.pop()
        if self._after_marker:
            self._after_marker = False
            self.end(line)

    def begin_quote(self) -> None:
        """Begin a quote with the next block: its lines are not indented."""
        self._open.append(_Opened("quote", None))
        self._indents.append("")

    def end_quote(self) -> None:
        """End a quote; there is none if no block was in it."""
        self.close()
        self._indents.pop()

    def pre(self, text: str, language: str = "", *, table: Table | None = None) -> None:
        """Write a block of code or a table, which has begun on its own line."""
        if table:
            self.open("table", msgspec.json.encode(table).decode())
        self.open("pre", language)
        self._write(text)
        self.close()
        if table:
            self.close()

    def open(self, kind: SpanKind, value: str = "") -> int:
        """Begin a span here, and return a mark for `since`."""
        self._open.append(_Opened(None if kind in self._kinds else kind, self._length, value))
        self._kinds.add(kind)
        return len(self._written)

    def close(self, value: str | None = None) -> None:
        """End the last span that is open; with a `value` that was not known before."""
        opened = self.drop()
        if opened.kind and opened.start is not None and opened.start < self._length:
            span = Span(opened.kind, opened.start, self._length, value or opened.value)
            self._spans.append((span.start, -span.end, len(self._open), span))

    def drop(self) -> _Opened:
        """End the last span that is open as if it had not been opened."""
        opened = self._open.pop()
        if opened.kind:
            self._kinds.discard(opened.kind)
        return opened

    def since(self, mark: int) -> str:
        """Return what was written since `open` gave this mark."""
        return "".join(self._written[mark:])

    def build(self) -> StyledText:
        """Return the text with its spans."""
        text = "".join(self._written)
        trimmed = (_trim(text, depth, span) for _, _, depth, span in self._spans)
        ordered = sorted(trimmed, key=lambda trimmed_span: trimmed_span[:3])
        return StyledText(text, tuple(span for *_, span in ordered if span.start < span.end))

    def _write(self, text: str) -> None:
        self._written.append(text)
        self._length += len(text)


def _trim(text: str, depth: int, span: Span) -> tuple[int, int, int, Span]:
    """Leave out white space at the ends of what should not cover it; give what sorts spans."""
    start, end = span.start, span.end
    if span.kind in _PADDED:
        while start < end and text[start].isspace():
            start += 1
        while start < end and text[end - 1].isspace():
            end -= 1
    return start, -end, depth, Span(span.kind, start, end, span.value)
