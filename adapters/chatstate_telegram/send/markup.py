"""Styled text as Telegram takes it: the bare text, and entities that tell what is in it.

Rules of the Bot API ("Formatting options", `MessageEntity`), and what follows from them here:

1. Offsets and lengths count UTF-16 code units.
2. An entity is in another or beside it, never across its edge.
3. Nothing is in `code` or `pre`, and they are in no style: a style goes around them in pieces.
4. A quote is in nothing, and a link holds styles only: the outer one stays.
5. White space at the ends of a message is dropped before entities are counted, so it is dropped
   here, but for the indentation of code at the start, which Telegram keeps. An entity of nothing
   but white space is none; none begins or ends with white space, but for that indentation.
6. A message has 100 entities. Telegram drops the others silently, so `measure` counts such a text
   as too long, and `split` cuts it. So it does where links with their text exceed 9,500 bytes, of
   which Telegram takes no more (telegram-bot-api, issue 165).
7. A person is mentioned by the id, a time is the reader's own. Chats have no entity.
8. A link whose address alone is long is written out, `label (address)`: it could not be cut.

Send it without `parse_mode`, or the text is read as markup after all.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import accumulate, islice
from typing import Any, NamedTuple

from chatstate.markup import Span, SpanKind, StyledText, size

MAX_ENTITIES = 100
MAX_BYTES = 9_500
MAX_ADDRESS = 2_000
LONGEST = 4096
"""The longest text of any message, in UTF-16 code units."""

_TYPES: dict[SpanKind, str] = {
    "bold": "bold",
    "heading": "bold",
    "italic": "italic",
    "underline": "underline",
    "strike": "strikethrough",
    "spoiler": "spoiler",
    "code": "code",
    "pre": "pre",
    "link": "text_link",
    "quote": "blockquote",
    "mention": "text_mention",
    "time": "date_time",
    "emoji": "custom_emoji",
}
_NAMES = {"text_mention", "date_time", "custom_emoji"}
_FORMATS = {"t": "t", "T": "T", "d": "d", "D": "D", "f": "Dt", "F": "wDt", "R": "r"}
"""How Telegram calls the styles of times ("Date-time entity formatting")."""
_STYLES = {"bold", "italic", "underline", "strikethrough", "spoiler"}
_CODE = {"code", "pre"}
_ID_DIGITS = 16
_NUMBER = re.compile(r"[0-9]{1,20}")


class _Entity(NamedTuple):
    """An entity, in code points."""

    start: int
    end: int
    type: str
    value: str = ""


def measure(text: StyledText) -> int:
    """Return how long a message with this text is, in UTF-16 code units.

    White space at the start counts, though it may be dropped. With more in its entities than
    Telegram takes, a text is longer than any message may be.
    """
    shown = text.text.rstrip()
    found = list(islice(_entities(text), MAX_ENTITIES + 1))
    is_too_rich = len(found) > MAX_ENTITIES or _is_too_large(shown, found)
    return max(size(shown, "utf16"), (LONGEST + 1) * is_too_rich)


def written_out(text: StyledText) -> StyledText:
    """Return a text in which no link's address is longer than can be sent as one."""
    spans = list(text.spans)
    shown = text.text
    for link in [span for span in text.spans if _bytes(span) > MAX_ADDRESS][::-1]:
        behind = f" ({link.value})" if shown[link.start : link.end] != link.value else ""
        shown = shown[: link.end] + behind + shown[link.end :]
        spans = [_moved(span, link.end, len(behind)) for span in spans if span != link]
    return StyledText(shown, tuple(spans)) if len(spans) < len(text.spans) else text


def message(text: StyledText) -> tuple[str, list[dict[str, Any]]]:
    """Return the text of a message, and its entities as `MessageEntity` in JSON, outer ones first.

    The text is empty if there is nothing but white space.
    """
    if not text.spans:
        return text.text.strip(), []
    found = list(_entities(text))[::-1]  # of two of one length, the outer one first
    found.sort(key=lambda entity: (entity.start, -entity.end))
    start = len(text.text) - len(text.text.lstrip())
    start = min(start, found[0].start) if found else start
    shown = text.text[start:].rstrip()
    offsets = _offsets(shown)
    return shown, [
        _json(entity, offsets[entity.start - start], offsets[entity.end - start])
        for entity in found
    ]


def _is_too_large(text: str, entities: Sequence[_Entity]) -> bool:
    addresses = sum(
        len(entity.value.encode(errors="replace"))
        for entity in entities
        if entity.type == "text_link"
    )
    return addresses > 0 and addresses + size(text, "utf8") > MAX_BYTES


def _bytes(span: Span) -> int:
    return len(span.value.encode(errors="replace")) if span.kind == "link" else 0


def _moved(span: Span, position: int, by: int) -> Span:
    """Return a span after so much was inserted at a position: in it, or before it."""
    start = span.start + by * (span.start >= position)
    return Span(span.kind, start, span.end + by * (span.end > position), span.value)


def _json(entity: _Entity, start: int, end: int) -> dict[str, Any]:
    json = {"type": entity.type, "offset": start, "length": end - start}
    if entity.type == "text_link":
        return {**json, "url": entity.value}
    if entity.type in _NAMES:
        return {**json, **_named(entity.value, entity.type)}
    if entity.type == "pre" and entity.value:
        return {**json, "language": entity.value}
    return json


def _named(value: str, type_: str) -> dict[str, Any]:
    if type_ == "custom_emoji":
        return {"custom_emoji_id": value}
    first, _, second = value.partition(" ")
    if type_ == "date_time":
        return {"unix_time": int(first), "date_time_format": _FORMATS[second]}
    return {"user": {"id": int(second), "is_bot": False, "first_name": second}}


def _has_entity(span: Span) -> bool:
    """Tell whether Telegram has what a mention, a time or an emoji names."""
    if span.kind == "emoji":
        return _NUMBER.fullmatch(span.own("telegram")) is not None
    first, _, second = span.value.partition(" ")
    if span.kind == "time":
        return first.isascii() and first.isdecimal() and second in _FORMATS
    return first == "user" and second.isascii() and second.isdecimal() and len(second) < _ID_DIGITS


def _offsets(text: str) -> Sequence[int]:
    """Return for each code point, and for the end, its offset in UTF-16 code units."""
    if text.isascii():
        return range(len(text) + 1)
    return list(accumulate((1 + (character > "\uffff") for character in text), initial=0))


def _entities(text: StyledText) -> Iterator[_Entity]:
    """Yield the entities as they end; of a style with code in it, the pieces around that."""
    open_ones: list[_Entity] = []
    for span in text.spans:
        while open_ones and open_ones[-1].end <= span.start:
            yield from _trimmed(text.text, open_ones.pop())
        kind = _TYPES.get(span.kind)
        if kind in _NAMES and not _has_entity(span):
            continue
        if kind and _may_be_in(kind, {holder.type for holder in open_ones}):
            if kind in _CODE:
                yield from _interrupt(text.text, open_ones, span)
            value = span.own("telegram") if kind == "custom_emoji" else span.value
            open_ones.append(_Entity(span.start, span.end, kind, value))
    while open_ones:
        yield from _trimmed(text.text, open_ones.pop())


def _may_be_in(kind: str, holders: set[str]) -> bool:
    if kind in holders or holders & _CODE:
        return False
    if kind == "blockquote":
        return not holders
    return kind in _STYLES or not holders & {"text_link", *_NAMES}


def _interrupt(text: str, open_ones: list[_Entity], code: Span) -> Iterator[_Entity]:
    """Yield the pieces of the open styles before some code; they go on behind it."""
    for index, style in enumerate(open_ones):
        if style.type in _STYLES:
            yield from _trimmed(text, _Entity(style.start, code.start, style.type))
            open_ones[index] = _Entity(max(code.end, style.start), style.end, style.type)


def _trimmed(text: str, entity: _Entity) -> Iterator[_Entity]:
    """Leave out white space at both ends, but not the indentation of a first line."""
    shown = text[entity.start : entity.end].rstrip()
    keeps_indentation = entity.type in ("pre", "blockquote")
    bare = shown.lstrip("\n" if keeps_indentation else None)
    end = entity.start + len(shown)
    if bare:
        yield _Entity(end - len(bare), end, entity.type, entity.value)
