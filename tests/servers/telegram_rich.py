"""Rich messages: their HTML read into blocks, strictly ("Rich HTML style", `RichBlock`)."""

from __future__ import annotations

from html.parser import HTMLParser
from typing import Any

from servers.telegram_model import ApiError, Json

_LINES = {"p", *(f"h{size}" for size in range(1, 7))}
_WITHIN = {
    "": {*_LINES, "pre", "blockquote", "table"},
    "blockquote": {*_LINES, "pre", "table"},
    "table": {"tr"},
    "tr": {"th", "td"},
    "pre": {"code"},
}
_INLINE = {"b", "i", "u", "s", "code", "a", "tg-spoiler"}
_MOST_COLUMNS = 20


class _Reader(HTMLParser):
    """Reads blocks: each with its words, a table with its cells."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.blocks: list[Json] = []
        self._open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        holder = self._open[-1] if self._open else ""
        _require(tag in _WITHIN.get(holder, _INLINE), f"<{tag}> in <{holder}>")
        self._open.append(tag)
        told = dict(attrs)
        if tag == "tr":
            self.blocks[-1]["cells"].append([])
        elif tag in ("th", "td"):
            cell = {"text": "", "is_header": tag == "th", "align": told["align"], "valign": "top"}
            self.blocks[-1]["cells"][-1].append(cell)
        elif tag == "table":
            self.blocks.append({"type": "table", "cells": [], "is_bordered": "bordered" in told})
        elif tag in _LINES:
            self.blocks.append({"type": "paragraph" if tag == "p" else "heading", "text": ""})
        elif tag == "pre":
            self.blocks.append({"type": "pre", "text": ""})

    def handle_endtag(self, tag: str) -> None:
        _require(bool(self._open) and self._open.pop() == tag, f"</{tag}>")

    def handle_data(self, data: str) -> None:
        _require(bool(self._open) and self._open[-1] not in ("table", "tr"), f"text {data!r}")
        block: Any = self.blocks[-1]
        (block["cells"][-1][-1] if "cells" in block else block)["text"] += data

    def close(self) -> None:
        super().close()
        _require(not self._open, "something is open")
        columns = [len(row) for block in self.blocks for row in block.get("cells", ())]
        _require(max(columns, default=0) <= _MOST_COLUMNS, "too many columns")


def blocks_of(message: Json) -> list[Json]:
    """Return the blocks of an `InputRichMessage`, or refuse it."""
    reader = _Reader()
    reader.feed(message["html"])
    reader.close()
    return reader.blocks


def _require(is_so: bool, what: str) -> None:
    if not is_so:
        raise ApiError(400, f"Bad Request: can't parse rich message: {what}")
