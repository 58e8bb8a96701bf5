"""Definitions of links by reference, `[label]: address "title"`: what is none is text.

A definition is not shown. By CommonMark, `[Alice]: hi` is one, and would vanish.

1. A definition has an address that looks like one, or stands in `<>`.
2. Its label is not defined before, and a link or an image refers to it. What begins a line and has
   a colon behind it, as definitions have, refers to nothing.
3. What is none is not there: its lines are what they would be without this rule, so that
   `[Alice]: **hi` goes on in the next line.
4. Who refers to what is known only at the end. So a text with unused definitions is parsed again
   without them; after some attempts (a text can be made so that each shows another one to be
   unused), without any.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.rules_block import StateBlock, reference
from markdown_it.rules_inline import StateInline, link
from markdown_it.token import Token

OPTIONS = {"inline_definitions": True, "store_labels": True}
"""Options of markdown-it that this needs: definitions, and who refers to them, are told."""

_LABELLED = re.compile(r"\[(?:[^\[\]\\]|\\.)+\]:", re.DOTALL)
_ADDRESS = re.compile(r"\s*(?:<|\S*?(?:[/#@]|[.:]\w))")
_ATTEMPTS = 3
_REFUSED = "refused definitions"
_EACH = "each"


def parse(parser: MarkdownIt, markdown: str) -> list[Token]:
    """Return the tokens of a text in which each definition is used."""
    refused: set[str] = set()
    for _ in range(_ATTEMPTS):
        env: dict[str, Any] = {_REFUSED: refused}
        tokens = parser.parse(markdown, env)
        unused = set(env.get("references", ())) - set(_labels(tokens))
        if not unused:
            return tokens
        refused |= unused
    return parser.parse(markdown, {_REFUSED: _EACH})


def take(state: StateBlock, start: int, end: int, silent: bool) -> bool:  # noqa: FBT001 - markdown-it calls it so
    """Take a definition, if it is the first of its label and was not found to be unused."""
    if not reference(state, start, end, silent):
        return False
    definition = state.tokens.pop()
    label = definition.meta["id"]
    is_first = state.env["references"][label]["map"] == definition.map
    if is_first and _is_wanted(state, start, label):
        return True
    if is_first:
        del state.env["references"][label]
    state.line = start
    return False


def take_link(state: StateInline, silent: bool) -> bool:  # noqa: FBT001 - markdown-it calls it so
    """Take a link, unless it looks like a definition."""
    start = state.pos
    begins_line = start == 0 or state.src[start - 1] == "\n"
    if begins_line and _LABELLED.match(state.src, start, state.posMax):
        return False
    return link(state, silent)


def _is_wanted(state: StateBlock, start: int, label: str) -> bool:
    refused = state.env[_REFUSED]
    if refused is _EACH or label in refused:
        return False
    lines = state.getLines(start, state.line, state.blkIndent, False).lstrip()
    labelled = _LABELLED.match(lines)
    return bool(labelled and _ADDRESS.match(lines, labelled.end()))


def _labels(tokens: Sequence[Token]) -> Iterator[str]:
    """Yield the label of each link and image by reference."""
    for token in tokens:
        if label := token.meta.get("label"):
            yield label
        yield from _labels(token.children or ())
