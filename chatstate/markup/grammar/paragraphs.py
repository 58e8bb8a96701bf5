"""Lines that are a paragraph, whatever they look like."""

from __future__ import annotations

from markdown_it.rules_block import StateBlock

DEEPEST = 20
"""Blocks nested deeper are text: each level costs the parser several frames of the stack."""


def take_deepest(state: StateBlock, start: int, end: int, silent: bool) -> bool:  # noqa: FBT001 - markdown-it calls it so
    """Take lines that are nested too deep; markdown-it would drop them."""
    if silent or state.level < DEEPEST:
        return False
    line = start
    while line < end and (state.isEmpty(line) or belongs(state, line)):
        line += 1
    push_paragraph(state, start, line)
    return True


def belongs(state: StateBlock, line: int) -> bool:
    """Tell whether a line is in the block that is being read, if only by being lazy.

    A lazy one goes on with a quote's paragraph without a mark; markdown-it gives it an indentation
    of less than nothing.
    """
    return state.sCount[line] >= state.blkIndent or state.sCount[line] < 0


def push_paragraph(state: StateBlock, start: int, end: int) -> None:
    """Write the lines from `start` up to `end` as a paragraph, and go on behind them."""
    state.line = end
    state.push("paragraph_open", "p", 1).map = [start, end]
    inline = state.push("inline", "", 0)
    inline.content = state.getLines(start, end, state.blkIndent, False).strip()
    inline.map, inline.children = [start, end], []
    state.push("paragraph_close", "p", -1)
