"""Styled text from elsewhere, made harmless for a terminal."""

from __future__ import annotations

from chatstate.text import Span, StyledText, one_line, visible


def visible_styled(text: StyledText) -> StyledText:
    """Return a text with what is said about it, the control characters of both visible."""
    if not text.spans:
        return StyledText(visible(text.text.replace("\r\n", "\n")))
    spans = [Span(span.kind, span.start, span.end, one_line(span.value)) for span in text.spans]
    return StyledText(visible(text.text), tuple(spans))
