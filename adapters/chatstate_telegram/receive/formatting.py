"""How a text of Telegram's is formatted: its entities as spans. Pure functions.

1. What people format is told; what Telegram itself finds in a text (names, addresses, commands) is
   not.
2. A block of code within a line is code as any other, since a `pre` is of whole lines. A quote is
   of its lines, which Telegram leaves without the blanks at their ends.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from chatstate.markup import Span, SpanKind, StyledText
from chatstate_telegram.receive.content import Json

_KINDS: Mapping[str, SpanKind] = {
    "bold": "bold",
    "italic": "italic",
    "underline": "underline",
    "strikethrough": "strike",
    "spoiler": "spoiler",
    "code": "code",
    "pre": "pre",
    "text_link": "link",
    "blockquote": "quote",
    "expandable_blockquote": "quote",
    "text_mention": "mention",
    "date_time": "time",
    "custom_emoji": "emoji",
}
_STYLES = {"t": "t", "T": "T", "d": "d", "D": "D", "Dt": "f", "wDt": "F", "r": "R"}
"""The styles of times by what Telegram calls them ("Date-time entity formatting")."""


def formatted(text: str, found: Iterable[tuple[int, int, Json]]) -> StyledText:
    """Return a text with what was `found` in it: first and last code point, and the entity."""
    spans = sorted(_spans(text, found), key=lambda span: (span.start, -span.end))
    return StyledText(text, tuple(spans))


def _spans(text: str, found: Iterable[tuple[int, int, Json]]) -> Iterator[Span]:
    for first, last, entity in found:
        kind = _KINDS.get(entity["type"])
        if kind and first < last:
            lines = _lines(text, first, last)
            if kind == "pre" and lines != (first, last):
                kind = "code"
            start, end = lines if kind == "quote" else (first, last)
            yield Span(kind, start, end, _value(kind, entity))


def _lines(text: str, start: int, end: int) -> tuple[int, int]:
    """Return where the lines of a stretch begin and end."""
    behind = text.find("\n", end)
    return text.rfind("\n", 0, start) + 1, behind if behind >= 0 else len(text)


def _value(kind: SpanKind, entity: Json) -> str:
    if kind == "link":
        return str(entity["url"])
    if kind == "pre":
        return str(entity.get("language", ""))
    if kind == "mention":
        return f"user {entity['user']['id']}"
    if kind == "time":
        style = _STYLES.get(entity.get("date_time_format", ""), "f")
        return f"{entity['unix_time']} {style}"
    return f"telegram {entity['custom_emoji_id']}" if kind == "emoji" else ""
