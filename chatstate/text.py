"""Text and what is said about it: the neutral form that each platform renders.

Positions are code points. Rules, which `chatstate.markup` keeps and renderers may rely on:

1. Spans are sorted by `(start, -end)` and nested: of two spans that overlap, one holds the other.
2. No span is empty, and each lies within the text.
3. A `pre` and a `quote` cover whole lines; nothing is in a `pre`.
4. No markup is in the text: what is not covered by a span is shown as it stands.

Text from elsewhere goes to a terminal or a log through `visible`, `one_line` or `escaped` alone:
what would control it, or show it in another order than it has, is shown instead.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, Self

import msgspec

SpanKind = Literal[
    "bold",
    "italic",
    "underline",
    "strike",
    "spoiler",
    "code",
    "pre",
    "link",
    "quote",
    "heading",
    "bullet",
    "table",
    "mention",
    "time",
    "emoji",
]
"""What can be said about a stretch of text; a platform that lacks one shows the bare text.

- `bullet` covers the marker of a list's item, with the space after it, so that a platform with
  lists of its own can write it in its own way.
- `table` is around a `pre` that is a table, laid out: whoever knows `pre` alone shows it rightly,
  and whoever writes fences around code can leave them out.
- `spoiler` is hidden until somebody wants to see it.
- `mention` names a person or a chat, `time` a moment, `emoji` one that is a platform's own. They
  are shown whole, or by their words.
"""
_WHOLE: frozenset[SpanKind] = frozenset(("mention", "time", "emoji"))

Unit = Literal["codepoints", "utf16", "utf8"]
"""What a platform counts when it limits a text."""


class Span(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """From code point `start` up to `end`, the text is of this kind.

    `value` is the URL of a link, the language of a `pre` (or empty), the level of a heading
    (`"1"` to `"6"`), of a whole table its `Table` as JSON, of a mention `"user ID"` or `"chat ID"`,
    of a time `"SECONDS STYLE"`: since 1970, and as in `chatstate.timestamp`; of an emoji names of
    platforms, each with what it has for it: `"telegram ID discord <:NAME:ID>"`. Other kinds have
    none.
    """

    kind: SpanKind
    start: int
    end: int
    value: str = ""

    def own(self, platform: str) -> str:
        """Return what a platform has for an emoji; "" if nothing."""
        words = self.value.split()
        return dict(zip(words[::2], words[1::2], strict=False)).get(platform, "")


Align = Literal["left", "center", "right"]


class Table(msgspec.Struct, frozen=True, gc=False):
    """A table's cells, row by row, the header first, and how its columns are aligned.

    A row may have fewer cells than there are columns, and more: these stand behind the table's.
    """

    aligns: Sequence[Align]
    rows: Sequence[Sequence[str]]


class StyledText(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """A text and its spans. Without spans it is plain: no character in it is ever markup."""

    text: str
    spans: tuple[Span, ...] = ()

    def cut(self, start: int, end: int) -> StyledText:
        """Return what lies from `start` up to `end`; spans that reach beyond are clipped.

        A mention or a time that is cut is words alone, and a table has no cells then.
        Bounds outside the text are its ends; there are no negative ones from behind.
        """
        start, end = max(start, 0), min(end, len(self.text))
        if start >= end:
            return StyledText("")
        clipped = tuple(
            _clipped(span, start, end)
            for span in self.spans
            if span.start < end
            and span.end > start
            and (span.kind not in _WHOLE or (span.start >= start and span.end <= end))
        )
        return StyledText(self.text[start:end], _ordered(clipped))


def _clipped(span: Span, start: int, end: int) -> Span:
    is_whole = span.start >= start and span.end <= end
    value = span.value if is_whole or span.kind != "table" else ""
    return Span(span.kind, max(span.start, start) - start, min(span.end, end) - start, value)


def _ordered(spans: tuple[Span, ...]) -> tuple[Span, ...]:
    """Sort again: spans that now share a start are in the order of their ends."""
    return tuple(sorted(spans, key=lambda span: (span.start, -span.end)))


def size(text: str, unit: Unit) -> int:
    """Return how long a text is in the unit that a platform counts.

    A lone surrogate counts as one unit of UTF-16 and as three of UTF-8.
    """
    if unit == "codepoints":
        return len(text)
    if unit == "utf16":
        return len(text.encode("utf-16-le", "surrogatepass")) // 2
    return len(text.encode("utf-8", "surrogatepass"))


# For terminals and logs

_C0, _DELETE, _C1 = range(0x20), 0x7F, range(0x80, 0xA0)
_LINE_ENDS = (0x2028, 0x2029)
_DIRECTIONS = (*range(0x202A, 0x202F), *range(0x2066, 0x206A))  # "bidi" overrides and the like
_HALVES = range(0xD800, 0xE000)  # of surrogate pairs, which nothing can write
_PICTURES = {
    **{code: 0x2400 + code for code in _C0},  # ESC as ␛, and so on
    _DELETE: 0x2421,
    **dict.fromkeys((*_C1, *_LINE_ENDS, *_DIRECTIONS, *_HALVES), 0xFFFD),  # they have no pictures
}
_IN_TEXT = {code: picture for code, picture in _PICTURES.items() if chr(code) not in "\t\n"}
_IN_JSON = {code: f"\\u{code:04x}" for code in _PICTURES}


class Private(str):
    """A text without what people have said, which `revealed` has: for logs."""

    __slots__ = ("revealed",)
    revealed: str

    def __new__(cls, text: str, revealed: str) -> Self:
        """Make one of both."""
        private = super().__new__(cls, text)
        private.revealed = revealed
        return private


def revealed(text: str) -> str:
    """Return a text with what it hides."""
    return text.revealed if isinstance(text, Private) else text


def visible(text: str) -> str:
    """Return a text of any number of lines whose control characters are seen and not obeyed.

    Each character stays one character, so that what is said about positions stays true.
    """
    return text.translate(_IN_TEXT)


def one_line(text: str) -> str:
    """Return a name, a label or an error in one line, its control characters seen, not obeyed."""
    return text.translate(_PICTURES)


def escaped(json: str) -> str:
    """Return JSON of one line that means the same, without control characters in it."""
    return json.translate(_IN_JSON)
