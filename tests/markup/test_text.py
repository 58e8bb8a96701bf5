"""Styled text as data."""

import msgspec
import pytest

from chatstate.markup import Span, StyledText, Unit, size

TEXT = StyledText("one two three", (Span("bold", 0, 7), Span("link", 4, 13, "https://x.yz")))


@pytest.mark.parametrize(
    ("start", "end", "expected"),
    [
        (0, 13, TEXT),
        (4, 7, StyledText("two", (Span("bold", 0, 3), Span("link", 0, 3, "https://x.yz")))),
        (7, 8, StyledText(" ", (Span("link", 0, 1, "https://x.yz"),))),
        (0, 3, StyledText("one", (Span("bold", 0, 3),))),
        (5, 5, StyledText("")),
        (9, 2, StyledText("")),
        (-3, 99, TEXT),
    ],
)
def test_a_cut_clips_spans(start: int, end: int, expected: StyledText) -> None:
    """A cut has the text between its bounds, and what was said about it."""
    assert TEXT.cut(start, end) == expected


def test_a_cut_sorts_spans_again() -> None:
    """Of two spans that begin together once they are cut, the longer one comes first."""
    text = StyledText("abcd", (Span("bold", 0, 4), Span("italic", 1, 2)))
    assert [span.kind for span in text.cut(1, 4).spans] == ["bold", "italic"]


@pytest.mark.parametrize(
    ("unit", "expected"), [("codepoints", 5), ("utf16", 6), ("utf8", 4 + 3 + 1 + 3 + 2)]
)
def test_sizes(unit: Unit, expected: int) -> None:
    """A text is measured in code points, UTF-16 code units or bytes; surrogates count as well."""
    assert size("🙂日a\ud800é", unit) == expected


def test_styled_text_is_json() -> None:
    """A styled text comes back equal from JSON, in few characters if it is plain."""
    assert msgspec.json.encode(StyledText("a")) == b'{"text":"a"}'
    assert msgspec.json.decode(msgspec.json.encode(TEXT), type=StyledText) == TEXT
