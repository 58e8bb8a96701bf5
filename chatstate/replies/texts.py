"""Texts that an author gives: with markup, or plain."""

from __future__ import annotations

import msgspec


class Markdown(msgspec.Struct, frozen=True, gc=False):
    """Text with markup: CommonMark with tables, strikethrough and task lists.

    It is shown as each platform can show it. Raises `TypeError` if `text` is no string.
    """

    text: str

    def __post_init__(self) -> None:
        require_text("Markdown.text", self.text)


def require_text(what: str, value: object) -> None:
    """Raise `TypeError` or `ValueError` for what is no text; `what` is its name."""
    if not isinstance(value, str):
        raise TypeError(f"{what} must be a str, not {type(value).__name__}")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise ValueError(f"{what} is no text: it has half a surrogate pair: {value!r}") from None
