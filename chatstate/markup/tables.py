"""Lays out a table for a font in which all characters are equally wide.

1. Columns are as wide as their widest cell, up to `WIDEST`; the header tells how many there are.
   Cells beyond them stand behind their row as they are.
2. Rows that have fewer cells are filled up, and a table's layout is no longer than four times what
   is in it, and what may be spared beyond that: else columns are narrower, and in the end cells
   are not padded and rows not filled up. A header of a thousand cells, or one long cell, would
   make a message of each line otherwise.
3. Wide characters, emoji and combining marks are measured as terminals show them.
"""

from __future__ import annotations

from collections.abc import Sequence

from wcwidth import width

from chatstate.text import Align

WIDEST = (60, 30, 15, 7, 1)
"""To how many columns cells are padded at most; the first which is in proportion."""
GROWTH = 4
"""How many times as long as its cells, and the bars between them, a table may be."""


def lay_out(rows: Sequence[Sequence[str]], aligns: Sequence[Align], spare: int) -> tuple[str, int]:
    """Return the rows as lines with `|` between cells and a rule below the first one.

    Also returns how much is left of the characters that could be spared.
    """
    written = sum(len(cell) + 1 for row in rows for cell in row)
    widths = _widths(rows, len(aligns))
    for widest in WIDEST:
        narrowed = [min(widest, width) for width in widths]
        padded = len(rows) * sum(width + 3 for width in narrowed)
        if written + padded <= GROWTH * written + spare:
            lines = [_line(row, aligns, narrowed) for row in rows]
            break
    else:
        narrowed = [1] * len(aligns)
        lines = [" | ".join(row).rstrip() for row in rows]
    rule = "-+-".join("-" * width for width in narrowed)
    shown = "\n".join([lines[0], rule, *lines[1:]])
    return shown, spare - max(0, len(shown) - GROWTH * written)


def _widths(rows: Sequence[Sequence[str]], columns: int) -> list[int]:
    widths = [1] * columns
    for row in rows:
        for column, cell in enumerate(row[:columns]):
            widths[column] = max(widths[column], _width(cell))
    return widths


def _line(row: Sequence[str], aligns: Sequence[Align], widths: Sequence[int]) -> str:
    columns = len(widths)
    filled = [*row[:columns], *[""] * (columns - len(row))]
    padded = [_pad(*cell) for cell in zip(filled, aligns, widths, strict=True)]
    return " | ".join([*padded, *row[columns:]]).rstrip()


def _pad(cell: str, align: Align, columns: int) -> str:
    missing = max(0, columns - _width(cell))
    left = {"right": missing, "center": missing // 2}.get(align, 0)
    return " " * left + cell + " " * (missing - left)


def _width(cell: str) -> int:
    return width(cell, control_codes="ignore")
