"""Rows as columns: what `unnest` takes, so that one statement writes many rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from chatstate.stores.postgres.text import kept


def columns(rows: Sequence[Sequence[Any]], width: int) -> list[list[Any]]:
    """Return the columns of rows; so many empty ones if there is no row."""
    if not rows:
        return [[]] * width
    return [
        [kept(cell) if isinstance(cell, str) else cell for cell in column]
        for column in zip(*rows, strict=True)
    ]
