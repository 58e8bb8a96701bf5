"""What Markdown is here: CommonMark by markdown-it, and where this differs from it.

Each difference is a file. They are there because a chat is no web page: what a page may leave out
(it is in its source) is lost in a chat.

1. Tables and strikethrough are GitHub's; raw HTML is text (`MarkdownIt`'s own options).
2. A definition of a link that nobody refers to is text (`definitions`).
3. Rows of a table have the cells that were written, no more and no fewer (`tables`).
4. Formulas of LaTeX are text to the letter (`formulas`).
5. Emphasis beside Chinese, Japanese and Korean is seen as its authors mean it (`emphasis`).
6. Bare web addresses are text to the letter, and no address is cut short (`addresses`).
7. Spoilers and what is underlined are told (`pairs`).
8. What is nested deeper than `paragraphs.DEEPEST` is a paragraph (`paragraphs`).

Parsing takes time in proportion to the text, as far as it is ours: no rule looks ahead for what
another look has shown not to be there.
"""

from __future__ import annotations

from functools import cache

from markdown_it import MarkdownIt
from markdown_it.token import Token

from chatstate.markup.grammar import (
    addresses,
    definitions,
    emphasis,
    formulas,
    pairs,
    paragraphs,
    tables,
)

__all__ = ["read"]


def read(markdown: str) -> list[Token]:
    """Return the tokens of a text, as markdown-it gives them.

    Tokens of a table differ: its `meta["aligns"]` are those of its columns, and each `inline`
    between `tr_open` and `tr_close` is a cell. A link by reference has its label in `meta`.
    """
    return definitions.parse(_parser(), markdown)


@cache
def _parser() -> MarkdownIt:
    parser = addresses.Parser()
    parser.inline = emphasis.Inline()
    options = {"html": False, "maxNesting": paragraphs.DEEPEST + 5, **definitions.OPTIONS}
    parser.configure("commonmark", options)
    parser.enable(["table", "strikethrough"])
    parser.block.ruler.before("table", "deepest", paragraphs.take_deepest)
    parser.block.ruler.at("table", tables.take, {"alt": ["paragraph", "reference"]})
    parser.block.ruler.before("fence", "formula", formulas.take_lines, formulas.ENDS)
    parser.block.ruler.before("lheading", "formula_behind", formulas.take_ends, formulas.ENDS)
    parser.block.ruler.at("reference", definitions.take)
    parser.inline.ruler.at("text", pairs.take_text)
    parser.inline.ruler.after("strikethrough", "pairs", pairs.take)
    parser.inline.ruler2.after("strikethrough", "pairs", pairs.pair)
    parser.inline.ruler.at("link", definitions.take_link)
    parser.inline.ruler.after("text", "address", addresses.take)
    parser.inline.ruler.before("escape", "formula", formulas.take)
    return parser
