"""Statements about many rows: one call of SQLite where there would be one for each row.

With each call the interpreter's lock is given up and taken back, and a statement begins and ends:
together that takes as long as a small row.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import Any

_SIZES = (64, 16, 4, 1)  # a statement for each: SQLite compiles it once


class Many:
    """A statement, where `{rows}` stands for as many of `row` as there are rows.

    `width` is how many values a row has.
    """

    def __init__(self, statement: str, row: str) -> None:
        self.width = row.count("?")
        self._of = [
            (size, statement.format(rows=", ".join([row] * size)))  # ours, without a value in it
            for size in _SIZES
        ]

    def run(self, writer: sqlite3.Connection, values: Sequence[Any]) -> int:
        """Do it for all rows, whose values follow each other, and return how many it changed."""
        changed = begin = 0
        for size, statement in self._of:
            length = size * self.width
            while begin + length <= len(values):
                some = values[begin : begin + length]
                changed += writer.execute(statement, some).rowcount
                begin += length
        return changed
