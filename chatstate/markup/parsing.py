"""Markdown to styled text, by way of markdown-it's tokens."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from functools import cache

from markdown_it import MarkdownIt
from markdown_it.rules_block import StateBlock
from markdown_it.rules_inline import StateInline
from markdown_it.token import Token

from chatstate.markup.building import Builder
from chatstate.markup.inline import write_inline
from chatstate.markup.plaintext import plain
from chatstate.markup.tables import Align, lay_out
from chatstate.text import StyledText

DEEPEST = 20
"""Blocks nested deeper are text: each level costs the parser several frames of the stack."""

RULE = "─" * 10

_BARE_URL = re.compile(r"://(?:[^\s<>\[\]`\\&]|&(?!#?\w{1,31};))+")
_BEHIND_URL = "?!.,:;*_~'\")"
_TASK = re.compile(r"\[([ xX])\]\s+(?=\S)")


def parse_markdown(markdown: str) -> StyledText:
    """See `chatstate.markup.parse`."""
    return _Writer(_parser().parse(_encodable(markdown))).write()


def _encodable(text: str) -> str:
    """Replace lone surrogates; a pair of them becomes the character it stands for."""
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


@cache
def _parser() -> MarkdownIt:
    parser = MarkdownIt("commonmark", {"html": False, "maxNesting": DEEPEST + 5})
    parser.enable(["table", "strikethrough"])
    parser.block.ruler.before("table", "deepest", _take_as_text)
    parser.inline.ruler.after("text", "bare_url", _take_url)
    return parser


def _take_as_text(state: StateBlock, start: int, end: int, silent: bool) -> bool:  # noqa: FBT001 - markdown-it calls it so
    """Take lines that are nested too deep as a paragraph; markdown-it would drop them."""
    if silent or state.level < DEEPEST:
        return False
    line = start
    while line < end and (state.isEmpty(line) or state.sCount[line] >= state.blkIndent):
        line += 1
    state.line = line
    state.push("paragraph_open", "p", 1).map = [start, line]
    inline = state.push("inline", "", 0)
    inline.content = state.getLines(start, line, state.blkIndent, False).strip()
    inline.map, inline.children = [start, line], []
    state.push("paragraph_close", "p", -1)
    return True


def _take_url(state: StateInline, silent: bool) -> bool:  # noqa: FBT001 - markdown-it calls it so
    """Take a web address as text: nothing in it is markup, as people expect and GitHub does."""
    start = state.pos
    if state.src[start] != ":" or not state.src.endswith(("http", "https"), 0, start):
        return False
    found = _BARE_URL.match(state.src, start, state.posMax)
    if found is None:
        return False
    url = found[0].rstrip(_BEHIND_URL)
    tail = found[0][len(url) :]
    closing = min(url.count("(") - url.count(")"), len(tail) - len(tail.lstrip(")")))
    url += ")" * max(closing, 0)
    if not silent:
        state.pending += url
    state.pos += len(url)
    return bool(url)


class _Writer:
    """Writes blocks; where they stood in the source tells how far they are apart."""

    def __init__(self, tokens: Sequence[Token]) -> None:
        self.builder = Builder()
        self._tokens = tokens
        self._at = 0
        self._numbers: list[int | None] = []
        self._ends: list[int] = []
        self._verbs: dict[str, Callable[[Token], None]] = {
            "paragraph_open": self._paragraph,
            "heading_open": self._heading,
            "fence": self._code,
            "code_block": self._code,
            "hr": self._rule,
            "table_open": self._table,
            "bullet_list_open": self._list,
            "ordered_list_open": self._list,
            "bullet_list_close": self._end_list,
            "ordered_list_close": self._end_list,
            "list_item_open": self._item,
            "list_item_close": self._end_item,
            "blockquote_open": lambda _: self.builder.begin_quote(),
            "blockquote_close": lambda _: self.builder.end_quote(),
        }

    def write(self) -> StyledText:
        while self._at < len(self._tokens):
            token = self._tokens[self._at]
            self._at += 1
            if verb := self._verbs.get(token.type):
                verb(token)
        return self.builder.build()

    def _inline(self) -> Token:
        """Return the content of the block that was opened."""
        return self._tokens[self._at]

    def _paragraph(self, token: Token) -> None:
        start, end = _lines(token)
        self.builder.begin(start)
        write_inline(self.builder, self._inline().children or [])
        self.builder.end(end)

    def _heading(self, token: Token) -> None:
        if not self._inline().content:
            return
        start, end = _lines(token)
        self.builder.begin(start)
        self.builder.open("heading", token.tag.removeprefix("h"))
        write_inline(self.builder, self._inline().children or [])
        self.builder.close()
        self.builder.end(end)

    def _code(self, token: Token) -> None:
        code = token.content.strip("\n")
        if not code or code.isspace():
            return
        start, end = _lines(token)
        language = token.info.split(maxsplit=1)[0][:50] if token.info.strip() else ""
        self.builder.begin(start, own_line=True)
        self.builder.pre(code, language)
        self.builder.end(end)

    def _rule(self, token: Token) -> None:
        start, end = _lines(token)
        self.builder.begin(start)
        self.builder.add(RULE)
        self.builder.end(end)

    def _table(self, token: Token) -> None:
        start, end = _lines(token)
        rows: list[list[str]] = []
        aligns: list[Align] = []
        for part in self._until("table_close"):
            if part.type == "tr_open":
                rows.append([])
            elif part.type == "th_open":
                aligns.append(_align(part))
            elif part.type == "inline":
                rows[-1].append(_cell(part))
        self.builder.begin(start, own_line=True)
        self.builder.pre(lay_out(rows, aligns), table=True)
        self.builder.end(end)

    def _until(self, kind: str) -> Iterator[Token]:
        while (token := self._tokens[self._at]).type != kind:
            self._at += 1
            yield token

    def _list(self, token: Token) -> None:
        is_ordered = token.type == "ordered_list_open"
        self._numbers.append(int(token.attrs.get("start", 1)) if is_ordered else None)

    def _end_list(self, _: Token) -> None:
        self._numbers.pop()

    def _item(self, token: Token) -> None:
        start, _ = _lines(token)
        number = self._numbers[-1]
        marker = "• " if number is None else f"{number}{token.markup} "
        if number is not None:
            self._numbers[-1] = number + 1
        indent = len(marker)
        if box := self._take_box():
            marker = box if number is None else marker + box
        self.builder.begin_item(start, marker, indent)
        self._ends.append(start + 1)

    def _end_item(self, _: Token) -> None:
        self.builder.end_item(self._ends.pop())

    def _take_box(self) -> str:
        """Take the box of a task from the text of its item, if there is one."""
        following = self._tokens[self._at : self._at + 2]
        if [token.type for token in following] != ["paragraph_open", "inline"]:
            return ""
        first = next(iter(following[1].children or []), None)
        found = _TASK.match(first.content) if first and first.type == "text" else None
        if first is None or found is None:
            return ""
        first.content = first.content[found.end() :]
        return "☐ " if found[1] == " " else "☑ "


def _lines(token: Token) -> tuple[int, int]:
    """Return the first line of a block in the source, and the first one after it."""
    start, end = token.map or (0, 0)
    return start, end


def _align(token: Token) -> Align:
    style = str(token.attrs.get("style", ""))
    return "right" if "right" in style else "center" if "center" in style else "left"


def _cell(token: Token) -> str:
    builder = Builder()
    builder.begin(0)
    write_inline(builder, token.children or [])
    return plain(builder.build())
