"""Texts with markup that an author gives."""

from __future__ import annotations

import msgspec

from chatstate.checks import require_text


class Markdown(msgspec.Struct, frozen=True, gc=False):
    """Text with markup: CommonMark with tables, strikethrough and task lists.

    It is shown as each platform can show it. Raises `TypeError` if `text` is no string.
    """

    text: str

    def __post_init__(self) -> None:
        require_text("Markdown.text", self.text, names=True)
