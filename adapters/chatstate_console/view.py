"""What the console needs of where it is shown: a pipe, or a terminal."""

from __future__ import annotations

import os
from collections.abc import AsyncGenerator, Mapping
from typing import Any, Protocol, TextIO

from chatstate import AdapterError
from chatstate.adapter import Capabilities, Host, Receipt
from chatstate.text import StyledText
from chatstate_console.receive.lines import Place
from chatstate_console.send.parts import Entry

CHOICES: Mapping[str, Any] = {
    "buttons": True,
    "row_width": 8,
    "max_rows": 100,
    "link_buttons": True,
    "disabled_buttons": True,
    "select": True,
}
"""What can be shown to choose from, wherever it is printed: of `Capabilities`."""


def unread(stdout: TextIO, error: OSError) -> AdapterError:
    """Return what to raise when nobody reads `stdout` any more, and write no more to it."""
    # What could not be written is flushed again at exit, and must not fail there.
    os.dup2(os.open(os.devnull, os.O_WRONLY), stdout.fileno())
    return AdapterError(f"nobody reads what is printed ({error})")


class View(Protocol):
    """Takes lines in and shows what comes of them. `show` raises `AdapterError` if it cannot."""

    capabilities: Capabilities

    def lines(self, host: Host) -> AsyncGenerator[str]:
        """Yield what is typed, until its end."""
        ...

    async def delivered(self, where: Place, receipt: Receipt) -> None:
        """Take note of an event that the bot has got; return when the next line may be read."""
        ...

    def show(self, where: Place, entry: Entry) -> None:
        """Print what was said somewhere."""
        ...

    def tell(self, text: str) -> None:
        """Print something the console itself has to say."""
        ...

    def preview(self, where: Place, key: str, text: StyledText) -> None:
        """Show an answer that is still being written."""
        ...

    def forget(self) -> bool:
        """Erase what was typed, wherever it is kept; tell whether there was any."""
        ...

    def typing(self, where: Place) -> None:
        """Show that the bot is typing."""
        ...
