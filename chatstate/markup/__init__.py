"""Markdown as data: parsed once, rendered by each platform in its own way, split by slicing.

`parse` makes a `StyledText` of Markdown; an adapter renders it with `blocks`, `sections` and
`walk`, or takes `plain` where its platform has no markup, and cuts what is too long with `pages`
(or `split`).
`written` is a card as text, `joined` several texts as one.
Adapters take all of this from here.
"""

from chatstate.markup.cards import joined, written
from chatstate.markup.paging import pages
from chatstate.markup.pieces import Block, Close, Open, blocks, sections, walk
from chatstate.markup.plaintext import plain
from chatstate.markup.splitting import Measure, split
from chatstate.text import Span, SpanKind, StyledText, Table, Unit, size

__all__ = [
    "Block",
    "Close",
    "Measure",
    "Open",
    "Span",
    "SpanKind",
    "StyledText",
    "Table",
    "Unit",
    "blocks",
    "joined",
    "pages",
    "parse",
    "plain",
    "sections",
    "size",
    "split",
    "walk",
    "written",
]


def parse(markdown: str) -> StyledText:
    r"""Return what Markdown says: its text without markup, and spans that tell the rest.

    CommonMark with strikethrough, `||spoilers||`, tables, task lists and fenced code. Raw HTML is
    text but for `<u>` and `</u>`, which underline; line breaks stay line breaks, and nothing is an
    error: what is no markup is text, and each letter that is no markup is in the text or in the
    address of a link. Blocks are as far apart as they were written, by a line break or a blank
    line. In the text:

    - an item begins with its marker (`• `, `1. `, `☐ `, `☑ `), in a `bullet` span, and what
      belongs to it is indented below its first word;
    - a `pre`, and a `quote`, covers whole lines, which are not indented;
    - an item has the number that was written, if it is higher than the one before;
    - what stands behind the language of a block of code is a line above it;
    - a table is laid out in a `pre` span, with a `table` span around it. Cells beyond its header
      stay; rows are padded, and filled up, as far as that is in proportion to what was written;
    - a formula of LaTeX (`$...$`, `$$...$$`, `\(...\)`, `\[...\]`) is text to the letter;
    - a definition that no link refers to is text (`[Alice]: hi`);
    - a link's title, and the address of an image in a link, stand in parentheses behind the label;
    - a link whose address is not of the web (a relative one, `mailto:`) is text: its label, then
      the address in parentheses. What is dangerous (`javascript:`) is no link to begin with;
    - an image is a link with the alternative text for a label;
    - NUL and lone surrogates, which no platform takes, are replacement characters.
    """
    from chatstate.markup.parsing import parse_markdown

    return parse_markdown(markdown)
