"""Whatever the text, the work it makes and the length it gets are in proportion to it.

1. Work is counted in calls of functions, ours and those of markdown-it, not in seconds.
2. It is that of parsing, of the plain form, and of cutting for Telegram and Discord into parts so
   small that each text is cut.
3. Length is that of the text, and of what platforms are sent.
"""

# ruff: noqa: RUF001 - punctuation of CJK

import sys
from collections.abc import Callable
from itertools import count, islice
from types import FrameType

import pytest
from hypothesis import given
from markup.profile import PROFILE
from markup.strategies import documents, hostile

from chatstate.markup import parse, plain, split
from chatstate_discord.send import markup as discord
from chatstate_telegram.send import markup as telegram

REPEATED = {
    "quotes": "> ",
    "lazy quotes": "> > > a\nb\n",
    "brackets": "[",
    "closed brackets": "[a] ",
    "images": "![",
    "links": "[a](",
    "links with titles": '[a](b "',
    "references": "[a][b] ",
    "images in links": "[![a](b)](c) ",
    "emphasis": "*a **b ",
    "emphasis in CJK": "**注*意：_",
    "strikes": "~~a *b ",
    "markers": "*_~~",
    "spans": "**a** `b` [c](https://d.ef) ",
    "backticks": "`a",
    "fences": "```a b\n",
    "items": "- a\n",
    "items in items": "- 1. ",
    "headings": "# a\n",
    "rules": "---\n",
    "definitions": "[a]: /b\n",
    "labels": "[a]:\n",
    "chats": "[a]: **b\n[c]: d\n\n",
    "addresses": "http://a.b/(",
    "autolinks": "<http://a.b>",
    "entities": "&amp;",
    "escapes": "\\*",
    "dollars": "$a",
    "unclosed dollars": "$$a\n",
    "unclosed brackets of formulas": "\\(\\[",
    "lines of formulas": "a\n\\[\n",
    "environments": "\\begin{align}\\begin{cases}\n",
    "rows": "|a|b|\n|-|-|\n",
    "bars": "|",
    "unclosed cells": "|a|\n|-|\n|`b|$c|\n\n",
    "lines": "a\n",
    "spaces": " \n",
    "prose": "Lorem *ipsum* dolor `sit` amet.\n\n",
}


def repeated(unit: str) -> Callable[[int], str]:
    return lambda length: unit * (length // len(unit))


def ladder(unit: str, line: str) -> Callable[[int], str]:
    """Make lines that begin with more and more of a mark, up to 30."""

    def make(length: int) -> str:
        lines = (unit * (number % 30) + line for number in count())
        return "".join(islice(lines, 2 * length // (30 * len(unit) + 2 * len(line))))

    return make


def nested(begin: str, end: str) -> Callable[[int], str]:
    def make(length: int) -> str:
        depth = length // (len(begin) + len(end))
        return begin * depth + "a" + end * depth

    return make


def table(header: str, row: str) -> Callable[[int], str]:
    """Make a table whose header is a third of the text."""

    def make(length: int) -> str:
        columns = length // 3 // (len(header) + 2)
        return f"{header * columns}|\n{'|-' * columns}|\n" + row * (length // 2 // len(row))

    return make


HOSTILE: dict[str, Callable[[int], str]] = {
    **{name: repeated(unit) for name, unit in REPEATED.items()},
    "a ladder of quotes": ladder(">", "a\n"),
    "a ladder of items": ladder("  ", "- a\n"),
    "a ladder of fences": ladder("`", "\n"),
    "nested emphasis": nested("*a _b ", " b_ a*"),
    "nested strikes": nested("~~a *b ", " b* a~~"),
    "nested brackets": nested("[", "](/b)"),
    "nested images": nested("![", "](/b)"),
    "a wide table of short rows": table("|a", "|\n"),
    "a wide table of empty cells": table("|" + 60 * "a", 50 * "|" + "\n"),
    "a row of bars": lambda length: "|a|b|\n|-|-|\n" + "|" * length,
    "a formula that is not closed": lambda length: "a\n" + "\\[\n" * (length // 3) + "\n\\]",
    "a long address again and again": lambda length: (
        f"[a]: https://b.cd/{'e' * (length // 3)}\n\n" + "[a] " * (length // 6)
    ),
    "a long link again and again": lambda length: (
        f"[a]: https://b.cd/{'e' * 300} '{'f' * 300}'\n\n" + "[a] " * (length // 5)
    ),
    "lines of a deep item": lambda length: "123456789. " * 9 + "a\n" * (length // 2),
}

SLOW = ("bars",)
"""What makes a cell of each character: a third of it is enough."""


def show(source: str) -> None:
    """Do what the platforms do with some Markdown, in small parts."""
    text = parse(source)
    plain(text)
    split(text, 500, telegram.measure)
    split(text, 500, discord.measure)


def calls(source: str) -> int:
    """Count the calls that showing a text makes, also of what is not written in Python."""
    found = 0

    def note(_: FrameType, event: str, __: object) -> None:
        nonlocal found
        found += event in ("call", "c_call")

    sys.setprofile(note)
    try:
        show(source)
    finally:
        sys.setprofile(None)
    return found


@pytest.mark.parametrize("name", HOSTILE)
def test_work_is_in_proportion(name: str) -> None:
    """A text four times as long makes about four times as much work."""
    length = 1_000 if name in SLOW else 3_000
    short, long = HOSTILE[name](length), HOSTILE[name](4 * length)
    show(short)  # once, so that what is made only once is not counted
    assert calls(long) < 5 * calls(short) + 10_000


@pytest.mark.parametrize("name", HOSTILE)
def test_length_is_in_proportion(name: str) -> None:
    """What is shown is a few times as long as what was written, and a page or two."""
    source = HOSTILE[name](3_000 if name in SLOW else 9_000)
    text = parse(source)
    most = 8 * len(source) + 20_000
    assert len(text.text) < most
    assert sum(telegram.measure(part) for part in split(text, 4096, telegram.measure)) < most
    assert sum(discord.measure(part) for part in split(text, 2000, discord.measure)) < most


@PROFILE
@given(hostile)
def test_nothing_makes_a_text_long(source: str) -> None:
    """However short a text is, it becomes no book."""
    assert len(parse(source).text) <= 10 * len(source) + 8_000


@PROFILE
@given(documents)
def test_documents_stay_as_long(source: str) -> None:
    """A text as people and models write it grows by its tables and rules at most."""
    assert len(parse(source).text) <= 4 * len(source) + 8_000


def test_a_table_bomb_is_a_few_messages() -> None:
    """A header of 200 cells, and 1,600 rows of a bar: that was 74 messages."""
    bomb = f"{'|a' * 200}|\n{'|-' * 200}|\n" + "|\n" * 1_600
    assert len(split(parse(bomb), 4096, telegram.measure)) < 4
