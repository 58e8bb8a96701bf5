"""Tables for a terminal, or for whatever reads the lines: a row a line.

1. The last column takes what is left of the line, and is cut short; the others never are, since
   somebody copies what stands there.
2. What people have said is cleaned, and no cell is taken for markup.
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Sequence
from datetime import UTC, datetime

import typer
from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text

from chatstate.text import one_line

_SHORT, _SHORTEST, _GAP = 60, 20, 2


def print_table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print rows under the names of their columns; the first column is to the right."""
    cleaned = [[one_line(cell) for cell in row] for row in (columns, *rows)]
    widths = [max(map(cell_len, column)) for column in zip(*cleaned, strict=True)]
    *others, last = widths
    room = min(last, _room(sum(others) + _GAP * len(others)))
    table = Table(box=None, show_header=False, pad_edge=False, padding=(0, _GAP, 0, 0))
    for number, width in enumerate((*others, room)):
        table.add_column(
            width=width, no_wrap=True, overflow="ellipsis", justify="left" if number else "right"
        )
    for row in cleaned:
        table.add_row(*map(Text, row))
    console = Console(width=sum(others) + room + _GAP * len(widths), color_system=None)
    with console.capture() as drawn:
        console.print(table)
    for line in drawn.get().splitlines():
        typer.echo(line.rstrip())


def clock_time(seconds: float | None) -> str:
    """Return when something was, as `2026-01-31 14:05:09Z`; "" if it never was."""
    if not seconds:
        return ""
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M:%S}Z"


def _room(taken: int) -> int:
    """Return how wide the last column may be behind what takes so much of a line."""
    if not sys.stdout.isatty():
        return _SHORT
    return max(shutil.get_terminal_size().columns - taken, _SHORTEST)
