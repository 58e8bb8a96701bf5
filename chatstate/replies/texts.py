"""Texts with markup that an author gives: as Markdown, or styled."""

from __future__ import annotations

import msgspec

from chatstate.checks import require_text
from chatstate.text import Span, StyledText


class Markdown(msgspec.Struct, frozen=True, gc=False):
    """Text with markup: CommonMark with tables, strikethrough and task lists.

    It is shown as each platform can show it. Raises `TypeError` if `text` is no string.
    """

    text: str

    def __post_init__(self) -> None:
        require_text("Markdown.text", self.text, names=True)


def check_styled(what: str, text: StyledText) -> None:
    """Raise `TypeError` or `ValueError` for spans that do not keep the rules of `StyledText`."""
    require_text(what, text.text)
    before, holders = (-1, 0), list[Span]()
    for span in text.spans:
        if not isinstance(span, Span):
            raise TypeError(f"{what} has spans that are Span, not {type(span).__name__}")
        while holders and holders[-1].end <= span.start:
            holders.pop()
        order, last = (span.start, -span.end), holders[-1].end if holders else len(text.text)
        if order < before or not 0 <= span.start < span.end <= last:
            raise ValueError(
                f"{what}: {span} is none of its text, or out of order: spans are sorted by "
                "(start, -end), and of two that overlap one holds the other"
            )
        before = order
        holders.append(span)
