"""What stands between two marks alike, beside emphasis: `||spoilers||`, and `<u>underlined</u>`.

1. Bars hide something as `_` emphasises it: they stand at its ends, with no blank between, and not
   within a word (`a||b||c` is code that somebody has not marked).
2. No tag but this is markup, and one without the other is text.
3. Pairs are found by markdown-it, as those of emphasis are: in one pass.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Literal

from markdown_it.rules_inline import StateInline
from markdown_it.rules_inline.state_inline import Delimiter, Scanned
from markdown_it.token import Token

_BARS = "||"
_TAGS = {"<u>": Scanned(True, False, 3), "</u>": Scanned(False, True, 4)}
_NAMES = {ord("|"): "spoiler", ord("<"): "u"}
_ENDS = re.compile(r"[\n!#$%&*+\-:<=>@\[\\\]^_`{}~|]")
"""What may be markup within a line: markdown-it's, and the bar."""


def take_text(state: StateInline, silent: bool) -> bool:  # noqa: FBT001 - markdown-it calls it so
    """Take what is no markup, up to what may be."""
    found = _ENDS.search(state.src, state.pos, state.posMax)
    end = found.start() if found else state.posMax
    if end == state.pos:
        return False
    if not silent:
        state.pending += state.src[state.pos : end]
    state.pos = end
    return True


def take(state: StateInline, silent: bool) -> bool:  # noqa: FBT001 - markdown-it calls it so
    """Take a mark, which may come to be one of a pair."""
    mark, run = _mark(state)
    if silent or not mark:
        return False
    state.push("text", "", 0).content = mark
    state.delimiters.append(
        Delimiter(ord(mark[0]), 0, len(state.tokens) - 1, -1, run.can_open, run.can_close)
    )
    state.pos += len(mark)
    return True


def pair(state: StateInline) -> None:
    """Let the marks of which there are two be what they say."""
    for delimiters in _all_delimiters(state):
        for opening in delimiters:
            name = _NAMES.get(opening.marker)
            if name and opening.end >= 0:
                closing = delimiters[opening.end]
                _become(state.tokens[opening.token], f"{name}_open", 1)
                _become(state.tokens[closing.token], f"{name}_close", -1)


def _become(token: Token, type_: str, nesting: Literal[1, -1]) -> None:
    token.type, token.nesting, token.content = type_, nesting, ""


def _mark(state: StateInline) -> tuple[str, Scanned]:
    for tag, run in _TAGS.items():
        if state.src.startswith(tag, state.pos, state.posMax):
            return tag, run
    if state.src.startswith(_BARS, state.pos, state.posMax):
        run = state.scanDelims(state.pos, False)
        return (_BARS if run.length == len(_BARS) else "", run)
    return "", Scanned(False, False, 0)


def _all_delimiters(state: StateInline) -> Iterator[list[Delimiter]]:
    yield state.delimiters
    for meta in state.tokens_meta:
        if meta and "delimiters" in meta:
            yield meta["delimiters"]
