"""Text from elsewhere, made harmless for a terminal: what would control it is shown instead.

Each character stays one character, so that what is said about positions stays true.
"""

from __future__ import annotations

from chatstate.text import Span, StyledText

_PICTURES = {
    **{code: 0x2400 + code for code in range(0x20)},  # ESC as ␛, and so on
    0x7F: 0x2421,
    **dict.fromkeys(range(0x80, 0xA0), 0xFFFD),  # for these there are no pictures
}
_IN_TEXT = {code: picture for code, picture in _PICTURES.items() if chr(code) not in "\t\n"}


def visible(text: str) -> str:
    """Return a text of any number of lines, its control characters visible."""
    return text.translate(_IN_TEXT)


def one_line(text: str) -> str:
    """Return a name or label in one line, its control characters visible."""
    return text.translate(_PICTURES)


def visible_styled(text: StyledText) -> StyledText:
    """Return a text with what is said about it, the control characters of both visible."""
    if not text.spans:
        return StyledText(visible(text.text.replace("\r\n", "\n")))
    spans = [Span(span.kind, span.start, span.end, one_line(span.value)) for span in text.spans]
    return StyledText(visible(text.text), tuple(spans))
