"""Markdown to styled text, by way of markdown-it's tokens.

1. Each block is written by one method, told by the type of the token that opens it.
2. A block of code is told its language, if that is one word as all platforms know them; what
   else stands behind the fence is a line above the code. A fence without code is that line.
3. An item has the number that was written, if it is higher than the one before, else the next one.
4. A text grows, by tables and by links that repeat an address, by no more than a few times what
   was written, and `SPARE`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence

from markdown_it.common.utils import unescapeAll
from markdown_it.token import Token

from chatstate.markup.building import Builder
from chatstate.markup.grammar import read
from chatstate.markup.inline import Targets, write_inline
from chatstate.markup.plaintext import plain
from chatstate.markup.tables import lay_out
from chatstate.text import StyledText, Table

RULE = "─" * 10
SPARE = 8000
"""How many characters may be added to a text that are out of proportion to it."""

_TASK = re.compile(r"\[([ xX])\]\s+(?=\S)")
_LANGUAGE = re.compile(r"[A-Za-z0-9_+\-.#]{1,50}(?!\S)")
"""The languages of Discord, which are those of Telegram and the console too."""


def parse_markdown(markdown: str) -> StyledText:
    """See `chatstate.markup.parse`."""
    encodable = _encodable(markdown)
    return _Writer(read(encodable), Targets(max(SPARE, len(encodable)))).write()


def _encodable(text: str) -> str:
    """Replace lone surrogates; a pair of them becomes the character it stands for."""
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


class _Writer:
    """Writes blocks; where they stood in the source tells how far they are apart."""

    def __init__(self, tokens: Sequence[Token], targets: Targets) -> None:
        self.builder = Builder()
        self._tokens = tokens
        self._targets = targets
        self._spare = SPARE
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
            "bullet_list_open": lambda _: self._numbers.append(None),
            "ordered_list_open": lambda _: self._numbers.append(-1),
            "bullet_list_close": lambda _: self._end_list(),
            "ordered_list_close": lambda _: self._end_list(),
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
        self._write_inline(self.builder, self._inline())
        self.builder.end(end)

    def _write_inline(self, builder: Builder, token: Token) -> None:
        write_inline(builder, token.children or (), self._targets)

    def _heading(self, token: Token) -> None:
        if not self._inline().content:
            return
        start, end = _lines(token)
        self.builder.begin(start)
        self.builder.open("heading", token.tag.removeprefix("h"))
        self._write_inline(self.builder, self._inline())
        self.builder.close()
        self.builder.end(end)

    def _code(self, token: Token) -> None:
        start, end = _lines(token)
        code = token.content.strip("\n")
        is_empty = not code or code.isspace()
        language, words = _info(token, is_empty=is_empty)
        if words:
            self._line(words, start, end)
        if not is_empty:
            self.builder.begin(start, own_line=True)
            self.builder.pre(code, language)
            self.builder.end(end)

    def _rule(self, token: Token) -> None:
        self._line(RULE, *_lines(token))

    def _line(self, words: str, start: int, end: int) -> None:
        self.builder.begin(start)
        self.builder.add(words)
        self.builder.end(end)

    def _table(self, token: Token) -> None:
        start, end = _lines(token)
        rows: list[list[str]] = []
        for part in self._until("table_close"):
            if part.type == "tr_open":
                rows.append([])
            elif part.type == "inline":
                rows[-1].append(self._cell(part))
        aligns = token.meta["aligns"]
        shown, self._spare = lay_out(rows, aligns, self._spare)
        self.builder.begin(start, own_line=True)
        self.builder.pre(shown, table=Table(aligns, rows))
        self.builder.end(end)

    def _until(self, kind: str) -> Iterator[Token]:
        while (token := self._tokens[self._at]).type != kind:
            self._at += 1
            yield token

    def _cell(self, token: Token) -> str:
        builder = Builder()
        builder.begin(0)
        self._write_inline(builder, token)
        return plain(builder.build())

    def _end_list(self) -> None:
        self._numbers.pop()

    def _item(self, token: Token) -> None:
        start, _ = _lines(token)
        number = self._numbers[-1]
        if number is not None:
            number = self._numbers[-1] = max(int(token.info), number + 1)
        marker = "• " if number is None else f"{number}{token.markup} "
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


def _info(token: Token, *, is_empty: bool) -> tuple[str, str]:
    """Return the language of some code, and what else is said of it."""
    info = unescapeAll(token.info).strip()
    language = None if is_empty else _LANGUAGE.match(info)
    return (language[0], info[language.end() :].strip()) if language else ("", info)
