"""Texts as Telegram keeps them: cleaned, trimmed, measured in UTF-16 code units.

The rules are those of TDLib's `fix_formatted_text` (td/telegram/MessageEntity.cpp), with one
difference: entities which overlap wrongly are refused here and silently mended there.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from servers.telegram_model import ApiError, Json

TEXT_LIMIT = 4096
CAPTION_LIMIT = 1024
ENTITIES_LIMIT = 100
LINKED_BYTES = 9_500

_DROPPED = {0x0D, 0x030A, 0x0333, 0x033F, *range(0x2028, 0x202F)}
_SPACES = {*range(32)} - {0x0A}
_MONOSPACE = {"code", "pre"}
_BLOCKQUOTES = {"blockquote", "expandable_blockquote"}
_STYLES = {"bold", "italic", "underline", "strikethrough", "spoiler"}
_FOUND_BY_TELEGRAM = (
    ("bot_command", re.compile(r"(?<![\w/])/[A-Za-z0-9_]{1,64}(?:@[A-Za-z0-9_]{3,32})?(?![\w/])")),
    ("mention", re.compile(r"(?<![\w@/])@[A-Za-z0-9_]{3,32}(?!\w)")),
    ("url", re.compile(r"https?://[^\s<>\"]+")),
    ("hashtag", re.compile(r"(?<!\w)#\w*[^\W\d]\w*")),
)


def utf16(text: str) -> int:
    """Return the length of a text as Telegram counts it."""
    return len(text.encode("utf-16-le")) // 2


def entity(text: str, part: str, kind: str, **more: object) -> Json:
    """Return the entity that covers the first occurrence of `part` in `text`."""
    before = text[: text.index(part)]
    return {"type": kind, "offset": utf16(before), "length": utf16(part), **more}


def found_in(text: str) -> list[Json]:
    """Return the entities that Telegram finds by itself in what a person writes."""
    entities: list[Json] = []
    for kind, pattern in _FOUND_BY_TELEGRAM:
        for match in pattern.finditer(text):
            span = {"offset": utf16(text[: match.start()]), "length": utf16(match[0])}
            if not any(_overlap(span, other) for other in entities):
                entities.append({"type": kind, **span})
    return sorted(entities, key=lambda entity: int(entity["offset"]))


def formatted(text: str, entities: Iterable[Json], limit: int) -> tuple[str, list[Json]]:
    """Return a text and its entities as Telegram keeps them.

    Raises `ApiError` for entities that do not fit it or each other, and for a text too long.
    """
    try:
        text.encode()
    except UnicodeEncodeError:
        raise ApiError(400, "Bad Request: strings must be encoded in UTF-8") from None
    wanted = [entity for entity in entities if entity["length"]]
    _check_nesting(wanted)
    cleaned, positions = _cleaned(text)
    moved = [_moved(entity, positions, utf16(text)) for entity in wanted]
    trimmed, moved = _trimmed(cleaned, moved)
    if utf16(trimmed) > limit:
        what = "message is too long" if limit == TEXT_LIMIT else "message caption is too long"
        raise ApiError(400, f"Bad Request: {what}")
    addresses = sum(len(entity.get("url", "").encode()) for entity in moved)
    if addresses and addresses + len(trimmed.encode()) > LINKED_BYTES:
        raise ApiError(400, "Bad Request: message is too long")
    return trimmed, sorted(moved, key=_order)[:ENTITIES_LIMIT]


def _cleaned(text: str) -> tuple[str, dict[int, int]]:
    """Return a text without what Telegram takes out, and where each UTF-16 offset came to lie.

    The offsets inside of a surrogate pair are none.
    """
    kept: list[str] = []
    positions: dict[int, int] = {}
    before = after = 0
    for character in text:
        positions[before] = after
        size = utf16(character)
        before += size
        if ord(character) not in _DROPPED:
            kept.append(" " if ord(character) in _SPACES else character)
            after += size
    positions[before] = after
    return "".join(kept), positions


def _moved(entity: Json, positions: dict[int, int], length: int) -> Json:
    """Return an entity for the cleaned text; refuse it if its ends are nowhere."""
    start, end = entity["offset"], entity["offset"] + entity["length"]
    if start < 0 or entity["length"] < 0:
        raise ApiError(400, f"Bad Request: receive an entity with incorrect offset {start}")
    if end > length:
        where = f"beginning at UTF-16 offset {start} ends after the end of the text at UTF-16"
        raise ApiError(400, f"Bad Request: entity {where} offset {end}")
    if start not in positions or end not in positions:
        where = "begins" if start not in positions else "ends"
        raise ApiError(400, f"Bad Request: entity {where} in a middle of a UTF-16 symbol")
    return {**entity, "offset": positions[start], "length": positions[end] - positions[start]}


def _trimmed(text: str, entities: list[Json]) -> tuple[str, list[Json]]:
    """Cut spaces and line ends off a text; those in front stay if an entity covers them."""
    text = text.rstrip(" \n")
    end = utf16(text)
    cut = [
        {**entity, "length": min(entity["length"], end - entity["offset"])} for entity in entities
    ]
    shown = [entity for entity in cut if entity["length"] > 0]
    first = min((entity["offset"] for entity in shown), default=len(text))
    front = min(len(text) - len(text.lstrip(" \n")), first)
    return text[front:], [{**entity, "offset": entity["offset"] - front} for entity in shown]


def _check_nesting(entities: list[Json]) -> None:
    ordered = sorted(entities, key=_order)
    for number, outer in enumerate(ordered):
        for inner in ordered[number + 1 :]:
            if _overlap(outer, inner) and (problem := _misfit(outer, inner)):
                raise ApiError(400, f"Bad Request: entities {outer} and {inner}: {problem}")


def _misfit(outer: Json, inner: Json) -> str | None:
    """Say which of the Bot API's rules ("MessageEntity") two overlapping entities break."""
    kinds = {outer["type"], inner["type"]}
    is_same = _order(outer) == _order(inner)
    if inner["offset"] + inner["length"] > outer["offset"] + outer["length"]:
        return "they overlap and neither contains the other"
    if kinds <= _BLOCKQUOTES:
        return "blockquotes can't be nested"
    if kinds & _BLOCKQUOTES:
        is_outside = outer["type"] in _BLOCKQUOTES or is_same or outer["type"] in _STYLES
        return None if is_outside else "only styles and blockquotes contain others"
    if kinds & _MONOSPACE:
        return "code and pre are not combined with others"
    return None if kinds & _STYLES else "only styles and blockquotes contain others"


def _order(entity: Json) -> tuple[int, int]:
    return entity["offset"], -entity["length"]


def _overlap(entity: Json, other: Json) -> bool:
    starts_before_end = entity["offset"] < other["offset"] + other["length"]
    return bool(starts_before_end and other["offset"] < entity["offset"] + entity["length"])
