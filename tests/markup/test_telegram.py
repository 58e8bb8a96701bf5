"""Text and entities for Telegram."""

from typing import Any

import pytest
from hypothesis import given
from markup.profile import PROFILE
from markup.strategies import markdown
from servers.telegram_rich import blocks_of

from chatstate.markup import Span, StyledText, parse, split
from chatstate_telegram.send.markup import LONGEST, MAX_ADDRESS, measure, message, written_out
from chatstate_telegram.send.rich import rich


def entity(kind: str, offset: int, length: int, **more: str) -> dict[str, Any]:
    return {"type": kind, "offset": offset, "length": length, **more}


CASES = [
    ("plain", "plain", []),
    ("**a** *b*", "a b", [entity("bold", 0, 1), entity("italic", 2, 1)]),
    ("~~a~~ `b`", "a b", [entity("strikethrough", 0, 1), entity("code", 2, 1)]),
    ("🙂 **日🙂**", "🙂 日🙂", [entity("bold", 3, 3)]),
    ("***a***", "a", [entity("italic", 0, 1), entity("bold", 0, 1)]),
    ("# a *b*", "a b", [entity("bold", 0, 3), entity("italic", 2, 1)]),
    ("# a **b**", "a b", [entity("bold", 0, 3)]),
    (
        "**a `b` c**",
        "a b c",
        [entity("bold", 0, 1), entity("code", 2, 1), entity("bold", 4, 1)],
    ),
    ("**`a`**", "a", [entity("code", 0, 1)]),
    ("[`a` b](https://x.yz)", "a b", [entity("text_link", 0, 3, url="https://x.yz")]),
    (
        "**[a *b*](https://x.yz)**",
        "a b",
        [
            entity("bold", 0, 3),
            entity("text_link", 0, 3, url="https://x.yz"),
            entity("italic", 2, 1),
        ],
    ),
    ("```py\na\n```", "a", [entity("pre", 0, 1, language="py")]),
    ("```\n  a\n b\n```", "  a\n b", [entity("pre", 0, 6)]),
    ("> a\n> > b", "a\nb", [entity("blockquote", 0, 3)]),
    (
        "> ```\n>  a\n> ```",
        " a",
        [entity("blockquote", 0, 2), entity("pre", 0, 2)],
    ),
    ("- **a**", "• a", [entity("bold", 2, 1)]),
    ("|a|b|\n|-|-|", "a | b\n--+--", [entity("pre", 0, 11)]),
    ("@a #b /c https://x.yz", "@a #b /c https://x.yz", []),
    ("||a <u>b</u>||", "a b", [entity("spoiler", 0, 3), entity("underline", 2, 1)]),
    ("||a `b`||", "a b", [entity("spoiler", 0, 1), entity("code", 2, 1)]),
]


@pytest.mark.parametrize(("markdown", "text", "entities"), CASES)
def test_message(markdown: str, text: str, entities: list[dict[str, Any]]) -> None:
    """Each kind of markup is the entity that Telegram has for it, where it has one."""
    assert message(parse(markdown)) == (text, entities)


def test_white_space_at_the_ends_is_dropped() -> None:
    """Offsets are those in the text without the white space that Telegram drops."""
    text = StyledText(" \n a b \n", (Span("bold", 2, 4), Span("italic", 4, 8)))
    assert message(text) == ("a b", [entity("bold", 0, 1), entity("italic", 2, 1)])


def test_nothing_but_white_space_is_no_message() -> None:
    """White space has no text and no entities."""
    assert message(StyledText(" \n ", (Span("bold", 0, 3),))) == ("", [])


def test_a_plain_text_has_no_entities() -> None:
    """No character of a plain text is markup."""
    assert message(StyledText("**a** <b>b</b> `c`")) == ("**a** <b>b</b> `c`", [])


def test_length_is_in_utf16() -> None:
    """An emoji counts twice, a CJK character once."""
    assert measure(StyledText("a日🙂")) == 4


def test_too_many_entities_are_too_long() -> None:
    """A text with more entities than Telegram takes is longer than any message may be."""
    rich = parse("**a** " * 101)
    assert measure(rich.cut(0, 200)) <= LONGEST
    assert measure(rich) > LONGEST


def test_long_addresses_make_a_text_longer_than_any_message() -> None:
    """Telegram takes some 9,500 bytes of text and addresses, however few characters are shown."""
    links = [f"[number {n}](https://example.org/{'x' * 350})" for n in range(50)]
    text = parse("\n".join(links))
    assert measure(text) > LONGEST
    parts = split(text, LONGEST, measure)
    assert len(parts) == 2
    assert [entity["type"] for part in parts for entity in message(part)[1]] == ["text_link"] * 50
    assert "\n".join(part.text for part in parts) == text.text


def test_a_text_without_links_is_as_long_as_its_characters() -> None:
    """Many bytes are no matter then."""
    assert measure(StyledText("日" * 4096)) == 4096


def test_an_address_that_is_too_long_is_written_out() -> None:
    """Behind its label, as it could not be cut; the others stay links, where they were."""
    long = f"https://example.org/{'x' * MAX_ADDRESS}"
    text = parse(f"**a [b]({long}) c** [d](https://x.yz) <{long}>")
    shown = written_out(text)
    assert shown.text == f"a b ({long}) c d {long}"
    bold, link = shown.spans
    assert (bold.kind, shown.text[bold.start : bold.end]) == ("bold", f"a b ({long}) c")
    assert (link.kind, shown.text[link.start : link.end]) == ("link", "d")
    assert all(measure(part) <= LONGEST for part in split(shown, LONGEST, measure))
    assert written_out(parse("[d](https://x.yz)")) == parse("[d](https://x.yz)")


@PROFILE
@given(markdown)
def test_a_rich_message_is_well_formed(written: str) -> None:
    """Whatever stands above and below its table, and with each cell in its place."""
    shown = rich(parse(f"{written}\n\n| a | b |\n|---|---|\n| `c` | <d>\n\n{written}"))
    tables = [block["cells"] for block in blocks_of({"html": shown or ""}) if "cells" in block]
    assert shown is None or [["a", "b"], ["c", "<d>"]] in [
        [[cell["text"] for cell in row] for row in rows] for rows in tables
    ]
