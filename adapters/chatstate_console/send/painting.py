"""What the terminal shows, as text with escape sequences of our own making and no others.

1. What the bot says stands behind a mark; what is printed else, or said by the console, does not.
2. Rows end between words, unless a word is longer than a row.
"""

from __future__ import annotations

import io
import os
import re
from collections.abc import Callable, Sequence
from typing import cast

from msgspec.structs import replace
from rich.console import Console, Group, RenderableType
from rich.panel import Panel
from rich.segment import Segment
from rich.style import Style
from rich.text import Text

from chatstate import Command
from chatstate.adapter import About, PostCard
from chatstate.markup import written
from chatstate.text import StyledText, one_line, visible
from chatstate_console.send.markup import Margin, knows_hyperlinks, rich_text
from chatstate_console.send.parts import Entry
from chatstate_console.send.redirection import coloured
from chatstate_console.send.visible import visible_styled

_LINK = re.compile(r"\x1b\]8;[^\x1b]*\x1b\\")
_NARROWEST = 20
_MARK, _INDENT = Segment("» ", Style(color="magenta", bold=True)), Segment("  ")


class Painter:
    """Paints for a terminal of so many columns; in colour unless NO_COLOR is set."""

    def __init__(self, columns: Callable[[], int]) -> None:
        self._columns = columns
        self._shows_urls = not knows_hyperlinks(os.environ)
        self._console = Console(
            file=io.StringIO(), force_terminal=True, highlight=False, markup=False, emoji=False
        )

    def welcome(self, about: About, commands: Sequence[Command]) -> str:
        """Return what is said first: which bot this is, what it can do, where its state is."""
        title = Text(one_line(about.title), "bold")
        if about.description:
            title.append(f": {one_line(about.description)}", "not bold")
        usages = ", ".join(command.usage or f"/{command.name}" for command in commands)
        told = [title, Text(one_line(usages)), Text(f"store {one_line(about.store)}", "dim")]
        return "".join(map(self._paint, told))

    def entry(self, entry: Entry) -> str:
        """Return what was said, behind a mark, with what the console adds."""
        heads = [Text(one_line(line), "dim") for line in entry.heads]
        said: list[RenderableType] = [self._text(entry.text)] if entry.text.text else []
        said += [self._card(entry.card)] if entry.card else []
        said += [Text(one_line(line), "dim") for line in entry.files]
        said += [Text(one_line(row), "bold") for row in entry.buttons]
        if entry.buttons and entry.number:
            cast("Text", said[-1]).append(f"  #{entry.number}", "not bold dim")
        shown = [*heads, *([Margin(Group(*said), _MARK, _INDENT)] if said else ())]
        return "".join(map(self._paint, shown))

    def spoken(self, prompt: str, text: str) -> str:
        """Return a line that was entered at the prompt."""
        return self._paint(Text.assemble((one_line(prompt), "bold cyan"), visible(text)))

    def told(self, text: str) -> str:
        """Return something the console itself says."""
        return self._paint(Text(visible(text)))

    def printed(self, lines: str) -> str:
        """Return what a handler or the log has printed, in its colours."""
        return "".join(self._paint(Text.from_ansi(coloured(line))) for line in lines.split("\n"))

    def preview(self, text: StyledText, rows: int) -> str:
        """Return the last `rows` rows of an answer that is still being written."""
        beginning = max(len(text.text) - rows * self._columns(), 0)
        beginning = text.text.rfind("\n", 0, beginning) + 1
        said = self._text(text.cut(beginning, len(text.text)))
        shown = self._paint(Margin(said, _INDENT if beginning else _MARK, _INDENT))
        return "\n".join(_LINK.sub("", shown).rstrip("\n").split("\n")[-rows:])

    def _card(self, card: PostCard) -> RenderableType:
        """Return a card as a panel, in the card's colour."""
        title = Text(one_line(card.title), Style(bold=True, link=one_line(card.url) or None))
        bare = replace(card, title="", url="", footer="")
        return Panel(
            self._text(written(bare)),
            title=title if card.title else None,
            title_align="left",
            subtitle=Text(one_line(card.footer), "dim") if card.footer else None,
            subtitle_align="left",
            border_style="" if card.colour is None else f"#{card.colour:06x}",
            expand=False,
        )

    def _text(self, text: StyledText) -> RenderableType:
        seen = visible_styled(text)
        return rich_text(seen, shows_urls=self._shows_urls) if text.spans else Text(seen.text)

    def _paint(self, shown: RenderableType) -> str:
        self._console.width = max(self._columns(), _NARROWEST)
        with self._console.capture() as capture:
            self._console.print(shown)
        return capture.get()
