"""What the terminal shows, as text with escape sequences of our own making and no others."""

from __future__ import annotations

import io
import os
import re
from collections.abc import Callable

from rich.console import Console, RenderableType
from rich.text import Text

from chatstate.text import StyledText, one_line, visible
from chatstate_console.send.markup import knows_hyperlinks, rich_text
from chatstate_console.send.parts import Entry
from chatstate_console.send.visible import visible_styled

_LINK = re.compile(r"\x1b\]8;[^\x1b]*\x1b\\")
_NARROWEST = 20


class Painter:
    """Paints for a terminal of so many columns; in colour unless NO_COLOR is set."""

    def __init__(self, columns: Callable[[], int]) -> None:
        self._columns = columns
        self._shows_urls = not knows_hyperlinks(os.environ)
        self._console = Console(
            file=io.StringIO(), force_terminal=True, highlight=False, markup=False, emoji=False
        )

    def entry(self, entry: Entry) -> str:
        """Return what was said, with what the console adds."""
        heads, files = (
            [self._line(Text(one_line(line), "dim")) for line in lines]
            for lines in (entry.heads, entry.files)
        )
        buttons = [Text(one_line(row), "bold") for row in entry.buttons]
        if buttons:
            buttons[-1].append(f"  #{entry.number}", "not bold dim")
        return "".join([*heads, self._text(entry.text), *files, *map(self._line, buttons)])

    def spoken(self, prompt: str, text: str) -> str:
        """Return a line that was entered at the prompt."""
        return self._line(Text.assemble((one_line(prompt), "bold cyan"), visible(text)))

    def told(self, text: str) -> str:
        """Return something the console itself says."""
        return self._line(Text(visible(text)))

    def preview(self, text: StyledText, rows: int) -> str:
        """Return the last `rows` rows of an answer that is still being written."""
        beginning = max(len(text.text) - rows * self._columns(), 0)
        beginning = text.text.rfind("\n", 0, beginning) + 1
        shown = self._markup(text.cut(beginning, len(text.text)))
        return "\n".join(_LINK.sub("", shown).rstrip("\n").split("\n")[-rows:])

    def _text(self, text: StyledText) -> str:
        if not text.text:
            return ""
        if text.spans:
            return self._markup(text)
        return f"{visible_styled(text).text}\n"  # the terminal breaks its lines, so they are whole

    def _markup(self, text: StyledText) -> str:
        return self._paint(rich_text(visible_styled(text), shows_urls=self._shows_urls))

    def _line(self, text: Text) -> str:
        return self._paint(text, soft_wrap=True)

    def _paint(self, shown: RenderableType, *, soft_wrap: bool = False) -> str:
        self._console.width = max(self._columns(), _NARROWEST)
        with self._console.capture() as capture:
            self._console.print(shown, soft_wrap=soft_wrap)
        return capture.get()
