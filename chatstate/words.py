"""A line of a person's, word by word. Whatever stands in quotation marks is one word.

Phones turn plain quotation marks into those of the language: each kind counts.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

_MARKED = r"\"([^\"]*)\"|“([^”]*)”|„([^“”]*)[“”]|«([^»]*)»|»([^«]*)«"
_QUOTED = re.compile(rf"(?:{_MARKED})(?=\s|\Z)")
_ITEM = re.compile(rf"\s*(?:(?:{_MARKED})\s*(?=,|\Z)|([^,]*))(?:,|\Z)")


def first_word(line: str, shape: re.Pattern[str] | None = None) -> tuple[str, str]:
    """Return the first word of a line that begins with one, and the rest.

    Of a value that has a `shape`, all that looks like it.
    """
    if found := _QUOTED.match(line):
        return found[found.lastindex or 0], line[found.end() :].lstrip()
    if shape and (found := shape.match(line)):
        return found[0], line[found.end() :].lstrip()
    word, *rest = line.split(maxsplit=1)
    return word, rest[0] if rest else ""


def unquoted(text: str) -> str:
    """Return what is between quotation marks, if the whole of a text is."""
    found = _QUOTED.fullmatch(text)
    return found[found.lastindex or 0] if found else text


def items(text: str, shape: re.Pattern[str] | None = None) -> Iterator[str]:
    """Yield what a list of a person's has in it: with commas between them, or else blanks."""
    rest = text.strip()
    if "," in _QUOTED.sub("", rest):
        found = (match[match.lastindex or 0] for match in _ITEM.finditer(rest))
        yield from (item.strip() for item in found if item.strip())
        return
    while rest:
        word, rest = first_word(rest, shape)
        yield word
