"""Styled text as nodes of a page. Pure functions.

A node is a text, or a list: its tag, its attributes by name (None for none), its nodes.

1. Nothing is markup: a page makes elements of tags it knows and text of all else.
2. Headings, quotes, code and tables are blocks; between them are paragraphs and lists. What has no
   spans is one paragraph, shown to the letter.
3. An item begins with its marker (a `bullet` span), deeper ones are indented further.
4. Only addresses of the web become links.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any, NamedTuple

import msgspec

from chatstate.markup import Close, Open, Span, StyledText, Table, sections, walk

Node = Any
"""A text, or [tag, attributes, *nodes]."""
_TAGS = {"bold": "b", "italic": "i", "underline": "u", "strike": "s", "code": "code"}
_WEB = re.compile(r"https?://", re.IGNORECASE)
_NUMBER = re.compile(r"(\d{1,9})[.)]")
_TASKS, _DOT = ("☐", "☑"), "•"


def nodes_of(text: StyledText) -> list[Node]:
    """Return a text as the blocks that show it."""
    if not text.spans:
        return [["p", None, text.text]] if text.text else []
    return [
        node
        for piece, block in sections(text)
        for node in ([_block(piece, block)] if block else _flow(piece))
    ]


def _block(text: StyledText, block: Span) -> Node:
    if block.kind == "heading":
        return ["h", {"level": block.value}, *_words(text)]
    if block.kind == "quote":
        outer = next(span for span in text.spans if span.kind == "quote")
        within = tuple(span for span in text.spans if span is not outer)
        return ["blockquote", None, *nodes_of(StyledText(text.text, within))]
    if block.kind == "table" and block.value:
        return _table(msgspec.json.decode(block.value, type=Table))
    return ["pre", {"lang": block.value} if block.kind == "pre" else None, text.text]


def _table(table: Table) -> Node:
    head, *rows = table.rows
    shown = [_row(head, table, "th"), *(_row(row, table, "td") for row in rows)]
    return ["table", None, *shown]


def _row(row: Sequence[str], table: Table, tag: str) -> Node:
    aligns = [*table.aligns, *["left"] * (len(row) - len(table.aligns))]
    cells = zip(row, aligns, strict=False)  # a row may be short
    return ["tr", None, *([tag, {"align": align}, words] for words, align in cells)]


class _Line(NamedTuple):
    """A line of a flow: how far it is indented, and its marker, "" if it is no item's first."""

    text: StyledText
    indent: int
    marker: str


def _flow(text: StyledText) -> Iterator[Node]:
    """Yield what stands between blocks, as paragraphs and lists."""
    lines: list[_Line] = []
    for line in (*_lines(text), _Line(StyledText(""), 0, "")):
        is_blank = not (line.marker or line.text.text.strip())
        begins_list = bool(line.marker) and not (lines and lines[0].marker)
        ends_list = lines and lines[0].marker and not (line.marker or line.indent)
        if lines and (is_blank or begins_list or ends_list):
            yield from _lists(lines) if lines[0].marker else [["p", None, *_several(lines)]]
            lines = []
        if not is_blank:
            lines.append(line)


def _lines(text: StyledText) -> Iterator[_Line]:
    markers = {span.start: span.end for span in text.spans if span.kind == "bullet"}
    start = 0
    for words in text.text.split("\n"):
        end = start + len(words)
        indent = len(words) - len(words.lstrip(" "))
        begin = start + indent
        behind = markers.get(begin, begin)
        marker = text.text[begin:behind]
        line = text.cut(behind, end) if marker else text.cut(start, end)
        yield _Line(line, indent, marker)
        start = end + 1


def _several(lines: Sequence[_Line]) -> Iterator[Node]:
    for number, line in enumerate(lines):
        if number:
            yield "\n"
        yield from _words(line.text)


def _lists(lines: Sequence[_Line]) -> Iterator[Node]:
    """Yield lists of the items that are indented as the first, each with what belongs to it.

    There is one for each stretch of items that are numbered, or are not.
    """
    starts = [n for n, line in enumerate(lines) if line.marker and line.indent <= lines[0].indent]
    items = [lines[start:end] for start, end in zip(starts, [*starts[1:], None], strict=True)]
    for is_numbered, stretch in groupby(
        items, lambda item: bool(_NUMBER.fullmatch(item[0].marker.strip()))
    ):
        yield ["ol" if is_numbered else "ul", None, *map(_item, stretch)]


def _item(lines: Sequence[_Line]) -> Node:
    first, *rest = lines
    own = [first]
    while rest and not rest[0].marker:
        own.append(_own(rest.pop(0)))
    marker, number = first.marker.strip(), _number(first)
    told = {"value": number} if number else {"task": marker} if marker in _TASKS else None
    words = [] if told or marker == _DOT else [first.marker]
    return ["li", told, *words, *_several(own), *(_lists(rest) if rest else ())]


def _number(line: _Line) -> str:
    """Return the number of an item, "" if it has none."""
    found = _NUMBER.fullmatch(line.marker.strip())
    return found[1] if found else ""


def _own(line: _Line) -> _Line:
    """Return a further line of an item, without the white space before it."""
    return line._replace(text=line.text.cut(line.indent, len(line.text.text)))


def _words(text: StyledText) -> list[Node]:
    """Return what stands in a line, with its styles and links."""
    nodes: list[list[Node]] = [[]]
    for event in walk(text):
        match event:
            case str():
                nodes[-1].append(event)
            case Open(span):
                nodes.append(_element(span))
            case Close():
                made = nodes.pop()
                nodes[-1].extend(made[2:] if made[0] is None else [made])
    return nodes[0]


def _element(span: Span) -> list[Node]:
    """Return the beginning of what a span is; its tag is None if it is its words alone."""
    if span.kind == "link" and _WEB.match(span.value):
        return ["a", {"href": span.value}]
    if span.kind in ("spoiler", "mention"):
        return [span.kind, None]
    if span.kind == "time":
        return ["time", {"at": span.value.partition(" ")[0]}]
    return [_TAGS.get(span.kind), None]
