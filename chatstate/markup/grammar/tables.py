"""Tables, whose rows have the cells that were written.

1. What is a table, and where it ends, is as in GitHub's Markdown.
2. A row that has fewer cells than the header is not filled up here: a header of a thousand cells
   would make a thousand of each `|`.
3. A row that has more keeps them. Before that, it is cut once more, not within code and formulas:
   models write `str | None` in cells without escaping the bar.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from markdown_it.rules_block import StateBlock, table

from chatstate.markup.grammar.formulas import formula_end
from chatstate.text import Align

_BAR = re.compile(r"(?<!\\)\|")
_CODE_OR_FORMULA = re.compile(r"(?<!\\)(?:`+|\$|\\(?=[(\[]))")
_TICKS = re.compile(r"(?<!\\)`+")


def take(state: StateBlock, start: int, end: int, silent: bool) -> bool:  # noqa: FBT001 - markdown-it calls it so
    """Take a table: `table_open` with the columns' `aligns`, rows, and `inline` cells in them."""
    if not table(state, start, end, True):  # looks at the header only
        return False
    if silent:
        return True
    opened = state.push("table_open", "table", 1)
    opened.meta["aligns"] = [_align(cell) for cell in _cells(_line(state, start + 1))]
    _push_row(state, start, _cells(_line(state, start)))
    columns = len(opened.meta["aligns"])
    line = start + 2
    while line < end and _is_row(state, line, end):
        _push_row(state, line, _row(_line(state, line), columns))
        line += 1
    state.push("table_close", "table", -1)
    opened.map = [start, line]
    state.line = line
    return True


def _is_row(state: StateBlock, line: int, end: int) -> bool:
    if state.isEmpty(line) or state.sCount[line] < state.blkIndent or state.is_code_block(line):
        return False
    holder, state.parentType = state.parentType, "table"
    ends = any(rule(state, line, end, True) for rule in state.md.block.ruler.getRules("blockquote"))
    state.parentType = holder
    return not ends


def _push_row(state: StateBlock, line: int, cells: list[str]) -> None:
    state.push("tr_open", "tr", 1)
    for cell in cells:
        inline = state.push("inline", "", 0)
        inline.content, inline.map, inline.children = cell, [line, line + 1], []
    state.push("tr_close", "tr", -1)


def _line(state: StateBlock, line: int) -> str:
    return state.src[state.bMarks[line] + state.tShift[line] : state.eMarks[line]].strip()


def _align(rule: str) -> Align:
    if rule.endswith(":"):
        return "center" if rule.startswith(":") else "right"
    return "left"


def _row(line: str, columns: int) -> list[str]:
    cells = _cells(line)
    return cells if len(cells) <= columns else _cells(line, list(_closed(line)))


def _cells(line: str, closed: list[tuple[int, int]] | None = None) -> list[str]:
    """Return the cells of a row, which is cut at bars that are not within a `closed` stretch."""
    cells: list[str] = []
    start, inside = 0, iter(closed or ())
    stretch = next(inside, None)
    for bar in _BAR.finditer(line):
        while stretch and stretch[1] <= bar.start():
            stretch = next(inside, None)
        if stretch is None or bar.start() < stretch[0]:
            cells.append(line[start : bar.start()])
            start = bar.end()
    cells.append(line[start:])
    if not cells[0]:
        del cells[0]
    if cells and not cells[-1]:
        del cells[-1]
    return [cell.replace(r"\|", "|").strip() for cell in cells]


def _closed(line: str) -> Iterator[tuple[int, int]]:
    """Yield where code and formulas stand in a row."""
    following = _following(line)
    position = 0
    while found := _CODE_OR_FORMULA.search(line, position):
        start = found.start()
        end = following.get(start, 0) if "`" in found[0] else formula_end(line, start, len(line))
        if end > start:
            yield start, end
        position = max(found.end(), end)


def _following(line: str) -> dict[int, int]:
    """Return for each run of backticks where the next one that is as long ends."""
    ends: dict[int, int] = {}
    last: dict[int, int] = {}
    for run in reversed(list(_TICKS.finditer(line))):
        length = run.end() - run.start()
        if length in last:
            ends[run.start()] = last[length]
        last[length] = run.end()
    return ends
