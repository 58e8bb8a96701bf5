"""A text with a table as a rich message ("Rich HTML style"). Pure functions.

1. A text is rich if a whole table is in it: all else a usual message shows as well, in any app.
2. Lines are paragraphs; headings, quotes, code and tables are blocks of their own.
3. Nothing in a text is markup: what would be is escaped, in attributes, too.
4. A table has 20 columns at most and a message 500 blocks ("Rich Message Limits"): beyond them a
   text is not rich, nor is one with a row of more cells than its header. Cells are words.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from html import escape

import msgspec

from chatstate.markup import Span, StyledText, Table, sections

MAX_COLUMNS = 20
MAX_BLOCKS = 500
_TAGS = {
    "bold": "b",
    "italic": "i",
    "underline": "u",
    "strike": "s",
    "spoiler": "tg-spoiler",
    "code": "code",
}


def rich(text: StyledText) -> str | None:
    """Return a text as HTML of a rich message; None if it is none."""
    tables = [_table_of(span) for span in text.spans if span.kind == "table"]
    found = [table for table in tables if table]
    if not found or not all(map(_fits, found)):
        return None
    blocks = sum(len(table.rows) for table in found) + text.text.count("\n") + 1
    return "".join(_html(text)) if blocks <= MAX_BLOCKS else None


def _fits(table: Table) -> bool:
    columns = len(table.aligns)
    return columns <= MAX_COLUMNS and all(len(row) <= columns for row in table.rows)


def _table_of(span: Span) -> Table | None:
    return msgspec.json.decode(span.value, type=Table) if span.value else None


def _html(text: StyledText) -> Iterator[str]:
    for piece, block in sections(text):
        yield from [_block(piece, block)] if block else _paragraphs(piece)


def _block(text: StyledText, block: Span) -> str:
    if block.kind == "heading":
        return f"<h{block.value}>{_words(text)}</h{block.value}>"
    if block.kind == "quote":
        within = tuple(span for span in text.spans if span.kind != "quote")
        return f"<blockquote>{''.join(_html(StyledText(text.text, within)))}</blockquote>"
    table = _table_of(block) if block.kind == "table" else None
    if table:
        return _rows(table)
    named = (
        f' class="language-{escape(block.value)}"' if block.kind == "pre" and block.value else ""
    )
    return f"<pre><code{named}>{escape(text.text, quote=False)}</code></pre>"


def _rows(table: Table) -> str:
    head, *rows = table.rows
    shown = [_row(head, table, "th"), *(_row(row, table, "td") for row in rows)]
    return f"<table bordered striped>{''.join(shown)}</table>"


def _row(row: Sequence[str], table: Table, tag: str) -> str:
    cells = zip(row, table.aligns, strict=False)  # a row may be short
    return f"<tr>{''.join(_cell(words, align, tag) for words, align in cells)}</tr>"


def _cell(words: str, align: str, tag: str) -> str:
    return f'<{tag} align="{align}">{escape(words, quote=False)}</{tag}>'


def _paragraphs(text: StyledText) -> Iterator[str]:
    start = 0
    for line in text.text.split("\n"):
        end = start + len(line)
        if line.strip():
            yield f"<p>{_words(text.cut(start, end))}</p>"
        start = end + 1


def _words(text: StyledText) -> str:
    """Return the words of a line with its styles and links."""
    marks: dict[int, list[str]] = defaultdict(list)
    for span in text.spans[::-1]:  # inner ones end first
        if tag := _tag(span):
            marks[span.end].append(f"</{tag.partition(' ')[0]}>")
    for span in text.spans:
        if tag := _tag(span):
            marks[span.start].append(f"<{tag}>")
    cuts = sorted({0, len(text.text), *marks})
    pieces = [
        "".join(marks[start]) + escape(text.text[start:end], quote=False)
        for start, end in zip(cuts, [*cuts[1:], len(text.text)], strict=True)
    ]
    return "".join(pieces)


def _tag(span: Span) -> str:
    """Return what begins a span; "" for one that Telegram does not show in rich messages."""
    if span.kind == "link":
        return f'a href="{escape(span.value)}"'
    first, _, second = span.value.partition(" ")
    if span.kind == "mention" and first == "user" and second.isdecimal():
        return f'a href="tg://user?id={second}"'
    return _TAGS.get(span.kind, "")
