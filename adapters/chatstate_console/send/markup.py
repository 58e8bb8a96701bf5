"""Styled text in a terminal, by way of rich.

1. No character of the text is read as rich's own markup, and none is left out.
2. Code is coloured only if that leaves its characters as they are.
3. A link can be clicked where the terminal knows hyperlinks; as many do not, its address is shown.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import groupby

from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.segment import Segment
from rich.style import Style
from rich.syntax import Syntax
from rich.text import Text

from chatstate.markup import Block, Close, Open, Span, StyledText, blocks, walk

_STYLES = {
    "bold": Style(bold=True),
    "italic": Style(italic=True),
    "underline": Style(underline=True),
    "strike": Style(strike=True),
    "spoiler": Style(reverse=True, dim=True),
    "code": Style(color="cyan"),
    "pre": Style(color="cyan"),
    "heading": Style(bold=True, color="magenta"),
    "bullet": Style(bold=True, color="yellow"),
    "mention": Style(bold=True, color="blue"),
}
_BAR = "▌ "
_BAR_STYLE = Style(dim=True)
_LINKING_TERMINALS = (
    "KITTY_WINDOW_ID",
    "KONSOLE_VERSION",
    "VTE_VERSION",
    "WEZTERM_PANE",
    "WT_SESSION",
)
_LINKING_PROGRAMS = ("ghostty", "iTerm.app", "vscode", "WezTerm")


def rich_text(text: StyledText, *, shows_urls: bool = True) -> RenderableType:
    """Return what rich prints for this text.

    Code is highlighted, quotes have a bar, links can be clicked where the terminal knows
    hyperlinks (OSC 8). As many do not, a link's address is shown behind its label as well;
    `shows_urls=False` leaves it out. No character of the text is read as rich's own markup.
    """
    shown: list[RenderableType] = []
    for (kind, quotes), group in groupby(blocks(text), lambda block: (block.kind, block.quotes)):
        if kind == "line":
            lines = [_line(block.text, shows_urls=shows_urls) for block in group]
            shown.append(_quoted(Text("\n").join(lines), quotes))
        else:
            shown.extend(_quoted(_pre(block), quotes) for block in group)
    return Group(*shown)


def knows_hyperlinks(environment: Mapping[str, str]) -> bool:
    """Tell whether these environment variables are those of a terminal that shows hyperlinks."""
    is_program = environment.get("TERM_PROGRAM") in _LINKING_PROGRAMS
    return is_program or any(environment.get(name) for name in _LINKING_TERMINALS)


def _quoted(shown: Text, quotes: int) -> RenderableType:
    bar = Segment(_BAR * quotes, _BAR_STYLE)
    return Margin(shown, bar, bar) if quotes else shown


def _pre(block: Block) -> Text:
    code = block.text.text
    language = next((span.value for span in block.text.spans if span.kind == "pre"), "")
    if block.kind == "table" or not language:
        return Text(code, _STYLES["pre"] if block.kind == "pre" else "")
    highlighted = Syntax(code, language, theme="ansi_dark").highlight(code)
    highlighted.rstrip()
    return highlighted if highlighted.plain == code.rstrip() else Text(code, _STYLES["pre"])


def _line(line: StyledText, *, shows_urls: bool) -> Text:
    shown = Text()
    open_ones: list[Span] = []
    for event in walk(line):
        match event:
            case Open(span):
                open_ones.append(span)
            case Close(span):
                open_ones.pop()
                label = line.text[span.start : span.end]
                if span.kind == "link" and shows_urls and label != span.value:
                    shown.append(f" ({span.value})", Style(dim=True))
            case str():
                shown.append(event, Style.combine(_styles(open_ones)))
    return shown


def _styles(spans: list[Span]) -> Iterator[Style]:
    yield Style.null()
    for span in spans:
        if span.kind == "link":
            yield Style(link=span.value, underline=True, color="blue")
        else:
            yield _STYLES.get(span.kind, Style.null())


class Margin:
    """What is shown within a margin: `first` before its first row, `others` before all others.

    Rows are those that rich breaks it into: between words, if it can.
    """

    def __init__(self, shown: RenderableType, first: Segment, others: Segment) -> None:
        self._shown = shown
        self._first = first
        self._others = others

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        width = max(1, options.max_width - self._first.cell_length)
        margin = self._first
        for line in console.render_lines(self._shown, options.update(width=width), pad=False):
            yield margin
            yield from line
            yield Segment.line()
            margin = self._others
