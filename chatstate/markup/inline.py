"""What stands within a block of Markdown: styles, code, links, images.

1. An image is a link with its alternative text as a label; in that text styles are left out.
2. A label is one link. What else could be one in it (an image, a link in an image's text) is its
   words, and its address stands in parentheses behind the label.
3. So do a title, and the address of a link that is none on all platforms.
4. What has no label has its address as one.
5. A link by reference tells the title of its definition once. Its address costs what it is long,
   after the first time; when all that may be spared is spent, only the label is shown: a thousand
   times `[a]` should not become a thousand long addresses.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

import msgspec
from markdown_it.token import Token

from chatstate.markup.building import Builder
from chatstate.markup.grammar.addresses import readable
from chatstate.text import SpanKind

LONGEST_LINK = 1000
"""A longer address is shown as text: it would not fit in a message beside its label."""

_LINKED = re.compile(r"(?:https?://(?:[^/?#]*\.|\[)|tg://)[^\s/?#]", re.IGNORECASE)
"""What all platforms accept as a link: Telegram wants a dot in the host's name."""

_STYLES: dict[str, SpanKind] = {
    "em": "italic",
    "strong": "bold",
    "s": "strike",
    "u": "underline",
    "spoiler": "spoiler",
}


class Target(msgspec.Struct):
    """Where a link leads to, and its title; either may be empty."""

    address: str
    title: str


class Targets:
    """Where links lead to, as long as the text is not made too long by references."""

    def __init__(self, spare: int) -> None:
        self._spare = spare
        self._told: set[str] = set()

    def of(self, token: Token) -> Target:
        """Return the target of a link or an image."""
        address = str(token.attrs.get("href", token.attrs.get("src", "")))
        label = token.meta.get("label")
        if label in self._told:
            return Target(self._spend(address), "")
        if label:
            self._told.add(label)
        return Target(address, str(token.attrs.get("title", "")).strip())

    def _spend(self, address: str) -> str:
        if len(address) > self._spare:
            return ""
        self._spare -= len(address)
        return address


class _Link(msgspec.Struct):
    """A link whose label is being written, and what is to stand behind that."""

    target: Target
    mark: int
    behind: list[str]


def write_inline(builder: Builder, tokens: Sequence[Token], targets: Targets) -> None:
    """Write the content of one block."""
    writer = _InlineWriter(builder, targets)
    for token in tokens:
        writer.write(token)


class _InlineWriter:
    def __init__(self, builder: Builder, targets: Targets) -> None:
        self.builder = builder
        self._targets = targets
        self._links: list[_Link] = []

    def write(self, token: Token) -> None:
        name, _, edge = token.type.rpartition("_")
        if name == "link":
            self._begin_link(self._targets.of(token)) if edge == "open" else self._end_link()
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

    def _image(self, token: Token) -> None:
        target = self._targets.of(token)
        if self._links:
            self._links[-1].behind += [readable(target.address), target.title]
            self._alternative(token.children or ())
        else:
            self._begin_link(target)
            self._alternative(token.children or ())
            self._end_link()

    def _alternative(self, tokens: Sequence[Token]) -> None:
        """Write an image's text within the link that is open; what is in it is told behind that."""
        for token in _flat(tokens):
            if token.type in ("image", "link_open"):
                if token.markup != "autolink":
                    target = self._targets.of(token)
                    self._links[-1].behind += [readable(target.address), target.title]
            else:
                self.builder.add("\n" if token.type.endswith("break") else token.content)

    def _begin_link(self, target: Target) -> None:
        self._links.append(_Link(target, self.builder.open("link"), [target.title]))

    def _end_link(self) -> None:
        """End a link; what cannot be one everywhere shows its address."""
        link = self._links.pop()
        address, label = link.target.address, self.builder.since(link.mark)
        shown = readable(address)
        if not label.strip():
            self.builder.add(shown)
            label = shown
        is_same = label in (address, shown) or f"mailto:{label}" in (address, shown)
        if _LINKED.match(address) and len(address) <= LONGEST_LINK:
            self.builder.close(label if is_same else address)
        else:
            self.builder.drop()
            link.behind[:0] = [] if is_same else [shown]
        for words in filter(None, link.behind):
            self.builder.add(f" ({words})")


def _flat(tokens: Sequence[Token]) -> Iterator[Token]:
    """Yield tokens, behind each image those of its own text."""
    for token in tokens:
        yield token
        if token.type == "image":
            yield from _flat(token.children or ())
