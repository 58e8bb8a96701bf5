"""Rich messages of Telegram's, as words and files. Pure functions.

A rich message has no text: it is blocks, which hold other blocks, and texts, which hold other texts
("RichMessage", "RichBlock", "RichText"). What is read here goes by where words stand, not by the
names of the blocks, so that a block that is new is read, too.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, cast

Json = dict[str, Any]

_NESTED = ("blocks", "items", "cells")
_WORDS = ("summary", "text", "expression", *_NESTED, "caption", "credit")
_FOUND = re.compile(r"(?P<bot_command>\A/\w+(?:@\w+)?)|(?P<mention>(?<!\w)@\w+)", re.ASCII)


def words_of(rich: Json) -> str:
    """Return the text of a rich message, a line for each block."""
    return "\n".join(line for line in _lines(rich["blocks"]) if line.strip())


def blocks_of(rich: Json) -> Iterator[Json]:
    """Yield all blocks of a rich message, in their order: files are in some of them."""
    yield from _blocks(rich["blocks"])


def addressed(text: str) -> Iterator[tuple[str, int, int]]:
    """Yield the mentions in such a text, and a command at its start: kind, first and last."""
    for found in _FOUND.finditer(text):
        yield str(found.lastgroup), found.start(), found.end()


def _blocks(held: Any) -> Iterator[Json]:
    for inner in cast("list[Any]", held) if isinstance(held, list) else ():
        if isinstance(inner, list):
            yield from _blocks(inner)
        else:
            yield inner
            for name in _NESTED:
                yield from _blocks(inner.get(name))


def _lines(held: Any) -> Iterator[str]:
    """Yield the lines of blocks, of items of a list, or of rows of a table."""
    for inner in cast("list[Any]", held):
        if isinstance(inner, list):
            cells = cast("list[Json]", inner)
            yield " | ".join(_text(cell.get("text", "")) for cell in cells)
        else:
            lines = list(_block(inner))
            label = [inner["label"]] if "label" in inner else []
            yield " ".join([*label, *lines[:1]])
            yield from lines[1:]


def _block(block: Json) -> Iterator[str]:
    for name in _WORDS:
        if name in block:
            yield from _lines(block[name]) if name in _NESTED else [_text(block[name])]


def _text(rich: Any) -> str:
    if isinstance(rich, str):
        return rich
    if isinstance(rich, list):
        return "".join(map(_text, cast("list[Any]", rich)))
    shown = (rich.get(name) for name in ("text", "alternative_text", "expression", "credit"))
    return " ".join(_text(part) for part in shown if part)
