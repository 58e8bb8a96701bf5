"""Styled text as plain text, for a pipe and for platforms without markup."""

from __future__ import annotations

import re

from chatstate.markup.pieces import Close, Open, walk
from chatstate.text import Span, StyledText

_LINE = re.compile(r"[^\n]*\n|[^\n]+")
_MARKS = {"strike": "~~", "spoiler": "||"}
_BACKTICKS = re.compile(r"`{3,}")


def plain(text: StyledText) -> str:
    """Return the text as it can be read without markup.

    Lines of a quote begin with `> `, code stands between fences with its language, what is struck
    out between `~~` (without them it would say the opposite), a spoiler between `||`, a link's
    address in parentheses behind its label unless they are the same. A table stands as it is laid
    out, and nothing else is marked.
    """
    if not text.spans:
        return text.text
    writer = _Writer(text.text)
    for event in walk(text):
        match event:
            case str():
                writer.write(event)
            case Open(span):
                writer.open(span)
            case Close(span):
                writer.close(span)
    return "".join(writer.written)


class _Writer:
    def __init__(self, text: str) -> None:
        self.text = text
        self.written: list[str] = []
        self._kinds: list[str] = []
        self._at_line_start = True

    def write(self, text: str) -> None:
        for line in _LINE.findall(text):
            if self._at_line_start:
                prefix = "> " * self._kinds.count("quote")
                self.written.append(prefix if line != "\n" else prefix.rstrip())
            self.written.append(line)
            self._at_line_start = line.endswith("\n")

    def open(self, span: Span) -> None:
        if span.kind == "pre" and self._is_code():
            self.write(f"{self._fence(span)}{span.value}\n")
        elif mark := _MARKS.get(span.kind):
            self.write(mark)
        self._kinds.append(span.kind)

    def close(self, span: Span) -> None:
        self._kinds.pop()
        label = self.text[span.start : span.end]
        if span.kind == "pre" and self._is_code():
            self.write(f"\n{self._fence(span)}")
        elif mark := _MARKS.get(span.kind):
            self.write(mark)
        elif span.kind == "link" and label != span.value:
            self.write(f" ({span.value})")

    def _is_code(self) -> bool:
        return not {"table", "pre"} & set(self._kinds)

    def _fence(self, span: Span) -> str:
        """Return a fence that the code does not hold itself."""
        inside = _BACKTICKS.findall(self.text, span.start, span.end)
        return "`" * max(3, *(len(ticks) + 1 for ticks in inside), 0)
