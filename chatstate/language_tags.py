"""Languages by their tags (BCP 47), looked up as RFC 4647 has it: "pt-BR", then "pt"."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

_TAG = re.compile(r"[A-Za-z]{2,8}([-_][A-Za-z0-9]{1,8})*")


def normal(tag: str) -> str:
    """Return a tag as it is looked up. Raises `ValueError` for what is none."""
    if not _TAG.fullmatch(tag):
        raise ValueError(f'{tag!r} is no language; give a BCP 47 tag, such as "de" or "pt-BR"')
    return tag.casefold().replace("_", "-")


def widened(language: str | None) -> Iterator[str]:
    """Yield a language and those it falls back to."""
    subtags = (language or "").casefold().replace("_", "-").split("-")
    while subtags and subtags[0]:
        yield "-".join(subtags)
        subtags.pop()
        while subtags and len(subtags[-1]) == 1:  # it says what kind of subtag would follow
            subtags.pop()


def spoken(texts: Mapping[str, str], language: str | None) -> str | None:
    """Return the text for a language; None if there is none for it, nor for a wider one."""
    return next((texts[tag] for tag in widened(language) if tag in texts), None)
