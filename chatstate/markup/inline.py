"""What stands within a block of Markdown: styles, code, links, images."""

from __future__ import annotations

import re
from collections.abc import Sequence

from markdown_it.common.normalize_url import normalizeLinkText
from markdown_it.token import Token

from chatstate.markup.building import Builder
from chatstate.text import SpanKind

LONGEST_LINK = 1000
"""A longer address is shown as text: it would not fit in a message beside its label."""

_LINKED = re.compile(r"(?:https?://(?:[^/?#]*\.|\[)|tg://)[^\s/?#]", re.IGNORECASE)
"""What all platforms accept as a link: Telegram wants a dot in the host's name."""

_STYLES: dict[str, SpanKind] = {"em": "italic", "strong": "bold", "s": "strike"}


def write_inline(builder: Builder, tokens: Sequence[Token]) -> None:
    """Write the content of one block."""
    writer = _InlineWriter(builder)
    for token in tokens:
        writer.write(token)


class _InlineWriter:
    def __init__(self, builder: Builder) -> None:
        self.builder = builder
        self._links: list[tuple[str, int]] = []

    def write(self, token: Token) -> None:
        name, _, edge = token.type.rpartition("_")
        if name == "link":
            self._begin_link(token) if edge == "open" else self._end_link(*self._links.pop())
        elif kind := _STYLES.get(name):
            self.builder.open(kind) if edge == "open" else self.builder.close()
        elif token.type in ("softbreak", "hardbreak"):
            self.builder.add("\n")
        elif token.type == "image":
            self._image(token)
        elif token.type == "code_inline":
            self._code(token.content)
        else:
            self.builder.add(token.content)

    def _code(self, code: str) -> None:
        self.builder.open("code")
        self.builder.add(code)
        if code.isspace():
            self.builder.drop()
        else:
            self.builder.close()

    def _begin_link(self, token: Token) -> None:
        self._links.append((str(token.attrs.get("href", "")), self.builder.open("link")))

    def _image(self, token: Token) -> None:
        if not self._links:
            mark = self.builder.open("link")
            self.builder.add(_words(token.children or []))
            self._end_link(str(token.attrs.get("src", "")), mark)
        else:  # a link holds no other one
            self.builder.add(_words(token.children or []))

    def _end_link(self, url: str, mark: int) -> None:
        """End a link; what cannot be one everywhere shows its address."""
        label = self.builder.since(mark)
        shown = normalizeLinkText(url)
        if not label.strip():
            self.builder.add(shown)
            label = shown
        is_same = label in (url, shown) or f"mailto:{label}" in (url, shown)
        if _LINKED.match(url) and len(url) <= LONGEST_LINK:
            self.builder.close(label if is_same else url)
            return
        self.builder.drop()
        if shown and not is_same:
            self.builder.add(f" ({shown})")


def _words(tokens: Sequence[Token]) -> str:
    """Return the text of an image's label, whose own images count by their labels."""
    words: list[str] = []
    pending = list(reversed(tokens))
    while pending:
        token = pending.pop()
        if token.type == "image":
            pending.extend(reversed(token.children or []))
        else:
            words.append("\n" if token.type.endswith("break") else token.content)
    return "".join(words)
