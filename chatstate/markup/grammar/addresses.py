"""Web addresses: those that stand in a text bare, and how all of them are spelled."""

from __future__ import annotations

import re
from urllib.parse import quote

from markdown_it import MarkdownIt
from markdown_it.common.normalize_url import normalizeLink, normalizeLinkText
from markdown_it.rules_inline import StateInline

_BARE = re.compile(r"://(?:[^\s<>\[\]`\\&]|&(?!#?\w{1,31};))+")
_BEHIND = "?!.,:;*_~|'\")"
_MAYBE_TOO_LONG = re.compile(r"[^/?#]{256}")
"""Where markdown-it may see the name of a host that is too long, and leaves it out."""
_SAFE = ";/?:@&=+$,-_.!~*'()#%"


def spelled(address: str) -> str:
    """Return an address as links have it: with percent-encoding, its host in punycode."""
    if _MAYBE_TOO_LONG.search(address):
        return quote(address, safe=_SAFE)
    return normalizeLink(address)


def readable(address: str) -> str:
    """Return an address as people read it, if it is one that can be read."""
    if _MAYBE_TOO_LONG.search(address):
        return address
    read = normalizeLinkText(address)
    return address if "\ufffd" in read else read


class Parser(MarkdownIt):
    """markdown-it's parser, with addresses spelled as above."""

    def normalizeLink(self, url: str) -> str:  # noqa: N802 - markdown-it's name
        """See `spelled`."""
        return spelled(url)

    def normalizeLinkText(self, link: str) -> str:  # noqa: N802 - markdown-it's name
        """See `readable`."""
        return readable(link)


def take(state: StateInline, silent: bool) -> bool:  # noqa: FBT001 - markdown-it calls it so
    """Take a bare web address as text: nothing in it is markup, as people expect."""
    start = state.pos
    if state.src[start] != ":" or not state.src.endswith(("http", "https"), 0, start):
        return False
    found = _BARE.match(state.src, start, state.posMax)
    if found is None:
        return False
    address = _without_tail(found[0])
    if not silent:
        state.push("text", "", 0).content = address
    state.pos += len(address)
    return bool(address)


def _without_tail(found: str) -> str:
    """Leave out punctuation behind an address, but not the brackets that close some in it."""
    address = found.rstrip(_BEHIND)
    tail = found[len(address) :]
    closing = min(address.count("(") - address.count(")"), len(tail) - len(tail.lstrip(")")))
    return address + ")" * max(closing, 0)
