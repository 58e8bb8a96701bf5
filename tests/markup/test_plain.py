"""Styled text without markup."""

import pytest

from chatstate.markup import Span, StyledText, parse, plain

CASES = [
    ("**a** *b* `c`\n\n# d", "a b c\n\nd"),
    ("~~no~~ yes", "~~no~~ yes"),
    ("[a](https://x.yz)", "a (https://x.yz)"),
    ("<https://x.yz>", "https://x.yz"),
    ("*b [a](https://x.yz)* c", "b a (https://x.yz) c"),
    ("> a\n>\n> b\n> > c\n\nd", "> a\n>\n> b\n> > c\n\nd"),
    ("```py\nx\n```", "```py\nx\n```"),
    ("> ```\n> x\n>\n> y\n> ```\n> z", "> ```\n> x\n>\n> y\n> ```\n> z"),
    ("~~~~\n```\n~~~~", "````\n```\n````"),
    ("- a\n  ```\n  x\n  ```", "• a\n```\nx\n```"),
    ("|a|b|\n|-|-|", "a | b\n--+--"),
    ("1. [x] a", "1. ☑ a"),
]


@pytest.mark.parametrize(("markdown", "expected"), CASES)
def test_plain_shows(markdown: str, expected: str) -> None:
    """Without markup, what would be lost is written out, and nothing else."""
    assert plain(parse(markdown)) == expected


def test_plain_of_plain_is_itself() -> None:
    """A text without spans is returned as it is."""
    assert plain(StyledText("*a* > b\n\x1b")) == "*a* > b\n\x1b"


def test_a_link_over_two_lines_shows_its_address_once() -> None:
    """An address stands behind the whole label."""
    text = StyledText("a\nb c", (Span("link", 0, 3, "https://x.yz"),))
    assert plain(text) == "a\nb (https://x.yz) c"
