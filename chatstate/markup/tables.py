"""Lays out a table for a font in which all characters are equally wide."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import zip_longest
from typing import Literal

from wcwidth import width

Align = Literal["left", "center", "right"]

WIDEST = 60
"""Columns to which cells are padded at most: one long cell should not make each row as long."""


def lay_out(rows: Sequence[Sequence[str]], aligns: Sequence[Align]) -> str:
    """Return the rows as lines with `|` between cells, and a rule below the first row.

    Wide characters, emoji and combining marks are measured as terminals show them.
    """
    columns = list(zip_longest(*rows, fillvalue=""))
    widths = [min(WIDEST, max(1, *map(_width, column))) for column in columns]
    rule = "-+-".join("-" * width for width in widths)
    lines = [_line(row, aligns, widths) for row in rows]
    return "\n".join([lines[0], rule, *lines[1:]])


def _line(row: Sequence[str], aligns: Sequence[Align], widths: Sequence[int]) -> str:
    cells = zip_longest(row, aligns, widths[: len(row)], fillvalue="")
    padded = [_pad(str(cell), align, int(columns or 0)) for cell, align, columns in cells]
    return " | ".join(padded).rstrip()


def _pad(cell: str, align: str, columns: int) -> str:
    missing = max(0, columns - _width(cell))
    left = {"right": missing, "center": missing // 2}.get(align, 0)
    return " " * left + cell + " " * (missing - left)


def _width(cell: str) -> int:
    return width(cell, control_codes="ignore")
