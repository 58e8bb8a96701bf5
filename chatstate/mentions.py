"""People, chats, times, emoji that are named in a text, so that each platform shows its own form.

1. In a `str` such a name stands between noncharacters of Unicode, which are in nobody's text: what
   a person or a model writes is never one. So it can stand in any f-string, and in Markdown.
2. It is shown by its own words where a platform has no form for it, in code, and wherever else
   than in a text that is sent (`spoken`).
3. To name somebody notifies nobody: see `Reply.ping`.
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any, Literal, NamedTuple, cast
from urllib.parse import quote

from chatstate.text import Span, SpanKind, StyledText

START, _MIDDLE, _END = "\ufdd0", "\ufdd1", "\ufdd2"
_NAME = re.compile(f"{START}(mention|time|emoji) ([^{_MIDDLE}]*){_MIDDLE}([^{START}{_END}]*){_END}")
_PLACE = re.compile(f"{START}(\\d+){_END}")
_IN_ADDRESS = re.compile(f"(?:{START}|{quote(START)})(\\d+)(?:{_END}|{quote(_END)})")
_LOOSE = re.compile(f"[{START}{_MIDDLE}{_END}]")
_CODE = ("code", "pre")
_GAP = re.compile(rf"[\s{START}{_MIDDLE}{_END}]")

TimeStyle = Literal["t", "T", "d", "D", "f", "F", "R"]
"""How a time is shown: short and long time, date, both; or relative to now. As on Discord."""
_WRITTEN: dict[str, str] = {
    "t": "%H:%M",
    "T": "%H:%M:%S",
    "d": "%Y-%m-%d",
    "D": "%Y-%m-%d",
}


class Name(NamedTuple):
    """What is named, as a span tells it, and the words for it."""

    kind: SpanKind
    value: str
    words: str


def timestamp(when: datetime, style: TimeStyle = "f") -> str:
    """Return a time to be put into a text: each person sees it in their own zone, if they can.

    Elsewhere it is written as it is given, with its zone. Raises `ValueError` for a time without
    one, and for a style that is none.
    """
    given: Any = when
    if not isinstance(given, datetime) or given.tzinfo is None:
        raise ValueError(f"timestamp takes a datetime with its zone, not {when!r}")
    if style not in ("t", "T", "d", "D", "f", "F", "R"):
        raise ValueError(f"timestamp: style={style!r} is none of t, T, d, D, f, F, R")
    form = _WRITTEN.get(style, "%Y-%m-%d %H:%M")
    words = when.strftime(form if style in ("d", "D") else f"{form} %Z")
    return named(Name("time", f"{int(when.timestamp())} {style}", words.strip()))


def custom_emoji(words: str, **own: str) -> str:
    """Return an emoji of a platform's own, to be put into a text: elsewhere it is its `words`.

    Platforms are named: `custom_emoji("👍", telegram="5368324170671202286")` by its number there,
    `discord="<:party:123>"` as it is written there. Raises `ValueError` if there is none, or no
    words.
    """
    if not own or not _bare(words) or any(_GAP.search(name) or not name for name in own.values()):
        raise ValueError(
            'custom_emoji takes words, and what a platform knows it by: telegram="536", '
            f'discord="<:party:123>"; not {words!r}, {own}'
        )
    return named(Name("emoji", " ".join(f"{p} {name}" for p, name in own.items()), words))


def mention(kind: Literal["user", "chat"], identity: str, words: str) -> str:
    """Return the name of a person or a chat, by the platform's id, to be put into a text."""
    return named(Name("mention", f"{kind} {_bare(identity)}", _bare(words) or identity))


def named(name: Name) -> str:
    """Return a name as it stands in a `str`."""
    return f"{START}{name.kind} {name.value}{_MIDDLE}{_bare(name.words)}{_END}"


def mentioned(text: str) -> list[str]:
    """Return the ids of the people who are named in a text, each as often as they are."""
    values = [found[2].partition(" ") for found in _NAME.finditer(text) if found[1] == "mention"]
    return [identity for kind, _, identity in values if kind == "user"]


def spoken(text: str) -> str:
    """Return a text with the words for what is named in it, for wherever it is not sent."""
    return _LOOSE.sub("", _NAME.sub(lambda found: found[3], text)) if START in text else text


def set_apart(text: str) -> tuple[str, list[Name]]:
    """Return a text with places in which names stand, so that no markup is found in these."""
    names: list[Name] = []

    def place(found: re.Match[str]) -> str:
        names.append(Name(cast("SpanKind", found[1]), found[2], found[3]))
        return f"{START}{len(names) - 1}{_END}"

    return _NAME.sub(place, text), names


def put_back(text: StyledText, names: list[Name]) -> StyledText:
    """Return a text with names in their places, and a span for each that is not in code."""
    shown: list[str] = []
    moves: list[tuple[int, int]] = []  # from where on positions are moved, and by how much
    spans: list[Span] = []
    position = length = 0
    for found in _PLACE.finditer(text.text):
        number = int(found[1])
        if number >= len(names):
            continue
        name = names[number]
        before = text.text[position : found.start()]
        shown += (before, name.words)
        start = length + len(before)
        length = start + len(name.words)
        position = found.end()
        moves.append((position, length - position))
        holders = (span.kind for span in text.spans if span.start <= found.start() < span.end)
        if name.words and not any(kind in _CODE for kind in holders):
            spans.append(Span(name.kind, start, length, name.value))
    whole = _LOOSE.sub(" ", "".join([*shown, text.text[position:]]))
    moved = [_moved(span, moves, names) for span in text.spans]
    every = sorted((*moved, *spans), key=lambda span: (span.start, -span.end))
    return StyledText(whole, tuple(every))


def _moved(span: Span, moves: list[tuple[int, int]], names: list[Name]) -> Span:
    """Return a span where it is now; what is named in an address is words there."""

    def at(position: int) -> int:
        return position + next((by for begin, by in reversed(moves) if position >= begin), 0)

    def words(found: re.Match[str]) -> str:
        number = int(found[1])
        return quote(names[number].words) if number < len(names) else ""

    value = _IN_ADDRESS.sub(words, span.value) if span.value else ""
    return Span(span.kind, at(span.start), at(span.end), value)


def _bare(text: str) -> str:
    """Return a text as words of a name: in one line, without what names are marked by."""
    return " ".join(_LOOSE.sub("", text).split())
