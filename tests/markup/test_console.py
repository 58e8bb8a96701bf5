"""Styled text in a terminal."""

import io

import pytest
from rich.console import Console

from chatstate.markup import StyledText, parse
from chatstate_console.send.markup import knows_hyperlinks, rich_text


def printed(text: StyledText, *, width: int = 40, colour: bool = False, urls: bool = True) -> str:
    """Return what rich prints, without the spaces at line ends."""
    console = Console(
        file=io.StringIO(),
        width=width,
        force_terminal=colour,
        color_system="standard" if colour else None,
        highlight=False,
        legacy_windows=False,
    )
    with console.capture() as capture:
        console.print(rich_text(text, shows_urls=urls))
    return "\n".join(line.rstrip() for line in capture.get().rstrip("\n").split("\n"))


CASES = [
    ("a *b*\n\nc", "a b\n\nc"),
    ("- a\n  - b", "• a\n  • b"),
    ("> a\n> > b\n\nc", "▌ a\n▌ ▌ b\n\nc"),
    ("> a\n>\n> b", "▌ a\n▌\n▌ b"),
    ("a\n```py\nif x:\n    y()\n```\nb", "a\nif x:\n    y()\nb"),
    ("```nosuchlanguage\n[b]a\n```", "[b]a"),
    ("> ```\n> a\n> ```", "▌ a"),
    ("|日|b|\n|-|-|\n|a|c|", "日 | b\n---+--\na  | c"),
    ("[a](https://x.yz) <https://x.yz>", "a (https://x.yz) https://x.yz"),
    ("[bold]a[/bold] :smile: \\[x]", "[bold]a[/bold] :smile: [x]"),
]


@pytest.mark.parametrize(("markdown", "expected"), CASES)
def test_printed(markdown: str, expected: str) -> None:
    """Without colours the text is readable, and nothing in it is rich's own markup."""
    assert printed(parse(markdown)) == expected


def test_each_line_of_a_quote_has_its_bar() -> None:
    """A long line of a quote is broken, and each piece has the bar."""
    lines = printed(parse("> " + "word " * 20), width=20).split("\n")
    assert len(lines) > 4
    assert all(line.startswith("▌ word") for line in lines)


def test_code_is_coloured() -> None:
    """Code in a known language is highlighted, as is what is bold."""
    assert "\x1b[94m" in printed(parse("```py\nimport x\n```"), colour=True)
    assert printed(parse("**a**"), colour=True) == "\x1b[1ma\x1b[0m"


def test_links_can_be_clicked() -> None:
    """A link is a hyperlink; where the terminal knows them, its address need not be shown."""
    shown = printed(parse("[a](https://x.yz)"), colour=True, urls=False)
    assert ";https://x.yz\x1b\\" in shown
    assert "(https://x.yz)" not in shown


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({}, False),
        ({"TERM_PROGRAM": "Apple_Terminal"}, False),
        ({"TERM_PROGRAM": "iTerm.app"}, True),
        ({"VTE_VERSION": "7600"}, True),
        ({"VTE_VERSION": ""}, False),
    ],
)
def test_terminals_with_hyperlinks(environment: dict[str, str], *, expected: bool) -> None:
    """A terminal is known by what it says of itself."""
    assert knows_hyperlinks(environment) is expected
