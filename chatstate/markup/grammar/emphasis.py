"""Emphasis beside Chinese, Japanese and Korean, which have no spaces between words.

By CommonMark, `**注意。**请看` is not emphasised: behind a punctuation mark, `**` ends something
only before a space or another mark. The "CommonMark CJK-friendly Amendments Specification"
(tats-u/markdown-cjk-friendly) mends that:

1. A mark of CJK (`。`, `、`, `」`) is no punctuation for the runs `*` and `~` beside it.
2. Beside other punctuation (`”`, `)`), a character of CJK does for a space.
3. `_` stands within words as before: there the marks of CJK are punctuation.
"""

from __future__ import annotations

import re
import unicodedata

from markdown_it import MarkdownIt
from markdown_it.parser_inline import ParserInline
from markdown_it.rules_inline import StateInline
from markdown_it.rules_inline.state_inline import Scanned
from markdown_it.token import Token
from markdown_it.utils import EnvType

_HANGUL = re.compile("[\u1100-\u11ff\ua960-\ua97f\ud7b0-\ud7ff]")
_EMOJI = re.compile("[\u231a-\u2328\u232b-\u2e7f\U0001f000-\U0001faff]")
_SELECTOR = re.compile("[\ufe00-\ufe0e]")
_IDEOGRAPHIC_SELECTOR = re.compile("[\U000e0100-\U000e01ef]")


class InlineState(StateInline):
    """What is read of a block's content; it knows where runs of `*`, `_` and `~` may stand."""

    def scanDelims(self, start: int, canSplitWord: bool) -> Scanned:  # noqa: FBT001, N802, N803 - markdown-it's
        """Tell whether the run at `start` may open or close something."""
        run = super().scanDelims(start, canSplitWord)
        before, after = self._before(start), self._after(start + run.length)
        if not (_is_cjk(before) or _is_cjk(after)):
            return run
        opens = not after.isspace() and (not _is_mark(after) or _is_edge(before))
        closes = not before.isspace() and (not _is_mark(before) or _is_edge(after))
        return Scanned(
            opens and (canSplitWord or not closes or _is_punctuation(before)),
            closes and (canSplitWord or not opens or _is_punctuation(after)),
            run.length,
        )

    def _before(self, start: int) -> str:
        if start > 1 and _SELECTOR.match(self.src[start - 1]):
            return self.src[start - 2]
        return self.src[start - 1] if start else " "

    def _after(self, end: int) -> str:
        return self.src[end] if end < self.posMax else " "


class Inline(ParserInline):
    """markdown-it's parser of a block's content, with a state of ours."""

    def parse(self, src: str, md: MarkdownIt, env: EnvType, tokens: list[Token]) -> list[Token]:
        """Write the tokens of some content."""
        state = InlineState(src, md, env, tokens)
        self.tokenize(state)
        for rule in self.ruler2.getRules(""):
            rule(state)
        return state.tokens


def _is_cjk(character: str) -> bool:
    if character < "\u1100" and character != "₩":
        return False
    if unicodedata.east_asian_width(character) in ("W", "F", "H"):
        return not _EMOJI.match(character)
    return bool(_HANGUL.match(character) or _IDEOGRAPHIC_SELECTOR.match(character))


def _is_mark(character: str) -> bool:
    """Tell whether this is punctuation of other writing than CJK."""
    return _is_punctuation(character) and not _is_cjk(character)


def _is_edge(character: str) -> bool:
    """Tell whether a word can end before, or begin behind, this character."""
    return character.isspace() or _is_punctuation(character) or _is_cjk(character)


def _is_punctuation(character: str) -> bool:
    return unicodedata.category(character)[0] in "PS"
