"""What an author gives, judged when it is given: texts, and addresses of the web."""

from __future__ import annotations

import re
from typing import cast
from urllib.parse import urlsplit

from chatstate.mentions import START, spoken

_NO_ADDRESS = re.compile(r"[\x00-\x20\x7f]")


def require_text(what: str, value: object, *, names: bool = False) -> None:
    """Raise `TypeError` or `ValueError` for what is no text; `what` is its name.

    `names`: a mention or a time may stand in it.
    """
    if not isinstance(value, str):
        raise TypeError(f"{what} must be a str, not {type(value).__name__}")
    if not names and START in value:
        raise ValueError(f"{what} shows no mention and no time: write {spoken(value)!r}")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise ValueError(f"{what} is no text: it has half a surrogate pair: {value!r}") from None


def check_address(what: str, value: object, limit: int) -> None:
    """Raise `TypeError` or `ValueError` for what no platform opens as an address of the web."""
    require_text(what, value)
    address = cast("str", value)
    try:
        parts = urlsplit(address)
        is_address = parts.scheme in ("http", "https") and "." in (parts.hostname or "")
    except ValueError:
        is_address = False
    if not is_address or _NO_ADDRESS.search(address):
        raise ValueError(f"{what} is an address such as https://example.com/page: {address!r}")
    if len(address) > limit:
        raise ValueError(f"{what} has at most {limit} characters, not {len(address)}: {address!r}")
