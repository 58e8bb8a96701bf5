r"""Formulas of LaTeX, which are text to the letter.

`\left\{`, `a_1 * b_2` and `\\` would lose what they mean as Markdown. No chat shows formulas, so
they are kept as they were written, with what is around them.

1. A formula is `$...$`, `$$...$$`, `\(...\)`, `\[...\]` or `\begin{name}...\end{name}`. There are
   no backticks and no blank lines in it; `$...$` is within a line.
2. The first `$` stands before what is no space, and the last one behind; before the first one is
   no letter or digit of ASCII, behind the last one no digit: `costs $5 and $6` is none.
3. Words are no formula: several need one of the signs that formulas have. Within `\[...\]` even a
   single one does, unless it stands apart from the brackets: `\[note\]` is how Markdown spells
   brackets that are no link. Nor is what has `**` in it and stands within single `$`.
4. Where a line begins, or ends, with `$$`, `\[` or `\begin{name}`, and what closes it stands in a
   later one, none of the lines behind it is a list, a quote or a heading, though it may begin
   with `+`.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from markdown_it.ruler import RuleOptionsType
from markdown_it.rules_block import StateBlock
from markdown_it.rules_inline import StateInline

from chatstate.markup.grammar.paragraphs import belongs, push_paragraph

ENDS: RuleOptionsType = {"alt": ["paragraph", "reference", "blockquote", "list"]}
"""What ends where lines of a formula begin, by the names of markdown-it."""

_NAME = (
    r"(?P<name>(?:align(?:ed|at)?|array|[bBpvV]?matrix|cases|eqnarray|equation|gather(?:ed)?|"
    r"multline|smallmatrix|split)\*?)"
)
_DOLLAR = re.compile(r"\$(?![\s$])(?P<inside>(?:[^\\$`\n]|\\[^`\n])++)(?<!\s)\$(?!\d)")
_PATTERNS = {
    "$$": re.compile(r"\$\$(?P<inside>(?:[^\\$`]|\\[^`]|\$(?!\$))++)\$\$"),
    "\\(": re.compile(r"\\\((?P<inside>(?:[^\\`]|\\[^`()])++)\\\)"),
    "\\[": re.compile(r"\\\[(?P<inside>(?:[^\\`]|\\[^`\[\]])++)\\\]"),
    "\\b": re.compile(
        rf"\\begin\{{{_NAME}\}}"
        r"(?P<inside>(?:[^\\`]|\\(?!(?:begin|end)\{(?P=name)\})[^`])++)\\end\{(?P=name)\}"
    ),
}
"""By the first two characters; all but the last end where another one of their kind begins."""
_SIGN = re.compile(r"[\\^_={}+<>|&]")
_OPENING = re.compile(rf"\$\$|\\\[|\\begin\{{{_NAME}\}}")
_OPENING_AT_END = re.compile(rf"(?:{_OPENING.pattern})(?=\s*$)")
_Find = Callable[[str], re.Match[str] | None]
_UNCLOSED = "unclosed formulas"


def formula_end(text: str, start: int, stop: int) -> int:
    """Return where a formula ends that begins at `start`, or `start` if there is none."""
    if text[start] == "$" and start and text[start - 1].isascii() and text[start - 1].isalnum():
        return start
    pattern = _PATTERNS.get(text[start : start + 2], _DOLLAR)
    found = pattern.match(text, start, stop)
    return found.end() if found and _is_formula(found) else start


def take(state: StateInline, silent: bool) -> bool:  # noqa: FBT001 - markdown-it calls it so
    """Take a formula as text."""
    start = state.pos
    if state.src[start] not in "$\\":
        return False
    end = formula_end(state.src, start, state.posMax)
    if not silent and end > start:
        state.push("text", "", 0).content = state.src[start:end]
    state.pos = end
    return end > start


def take_lines(state: StateBlock, start: int, end: int, silent: bool) -> bool:  # noqa: FBT001 - markdown-it calls it so
    """Take lines that begin with a formula, up to that in which it ends, as a paragraph."""
    return _take(state, start, end, _OPENING.match, silent=silent)


def take_ends(state: StateBlock, start: int, end: int, silent: bool) -> bool:  # noqa: FBT001 - markdown-it calls it so
    """Take a line of words behind which a formula begins, and those of the formula."""
    return _take(state, start, end, _OPENING_AT_END.search, silent=silent)


def _take(state: StateBlock, start: int, end: int, find: _Find, *, silent: bool) -> bool:
    line = state.src[state.bMarks[start] + state.tShift[start] : state.eMarks[start]]
    opening = find(line)
    if opening is None or state.is_code_block(start):
        return False
    closing = _closing(opening)
    is_closing = opening[0] == closing and line.count(closing, 0, opening.start()) % 2
    if is_closing or closing in line[opening.end() :]:
        return False
    last = _closing_line(state, start, end, closing)
    if last and not silent:
        push_paragraph(state, start, last + 1)
    return last > 0


def _is_formula(found: re.Match[str]) -> bool:
    inside = found["inside"]
    if _SIGN.search(inside):
        return found.re is not _DOLLAR or "**" not in inside
    words = inside.split()
    return len(words) == 1 and not (found[0].startswith("\\[") and inside == words[0])


def _closing(opening: re.Match[str]) -> str:
    if opening["name"]:
        return f"\\end{{{opening['name']}}}"
    return "$$" if opening[0] == "$$" else "\\]"


def _closing_line(state: StateBlock, start: int, end: int, closing: str) -> int:
    """Return the line in which a formula ends, or 0; what was looked through once is not again."""
    unclosed: dict[str, int] = state.env.setdefault(_UNCLOSED, {})
    if start < unclosed.get(closing, 0):
        return 0
    line = start + 1
    while line < end and belongs(state, line) and not state.isEmpty(line):
        if state.src.find(closing, state.bMarks[line], state.eMarks[line]) >= 0:
            return line
        line += 1
    unclosed[closing] = line
    return 0
