"""The console without a terminal: one line, its replies, the next line.

1. Nothing but replies is printed. Text passes as it is, unless it is printed at a terminal.
2. The next line is read when all replies to the one before are printed.
3. A daemon thread reads, so that a read that never returns keeps nothing from ending.
"""

from __future__ import annotations

import asyncio
import codecs
import os
import threading
from collections.abc import AsyncGenerator
from typing import TextIO

from chatstate.adapter import Capabilities, Host, Receipt
from chatstate.markup import joined, plain, written
from chatstate.text import StyledText, visible
from chatstate_console.receive.lines import Place
from chatstate_console.send.parts import Entry
from chatstate_console.view import CHOICES, unread

_CHUNK = 65536


class Pipe:
    """Reads lines from a file descriptor and prints each one's replies before the next.

    Text passes as it is, unless it is printed at a terminal.
    """

    capabilities = Capabilities(
        markup=True,
        **CHOICES,
        files=True,
        edit=True,
        reactions=True,
        threads=True,
        reply_to=True,
        cards=True,
    )

    def __init__(self, stdin: int, stdout: TextIO) -> None:
        self._stdin = stdin
        self._stdout = stdout
        self._is_terminal = stdout.isatty()

    def lines(self, host: Host) -> AsyncGenerator[str]:  # noqa: ARG002 - for those who sit there
        """See `View.lines`."""
        return _lines(self._stdin)

    async def delivered(self, where: Place, receipt: Receipt) -> None:  # noqa: ARG002 - a pipe shows one place
        """See `View.delivered`."""
        await receipt.settled()

    def show(self, where: Place, entry: Entry) -> None:  # noqa: ARG002 - a pipe shows one place
        """See `View.show`."""
        shown = joined([entry.text, written(entry.card)], "\n\n") if entry.card else entry.text
        text = plain(shown) if shown.spans else shown.text
        lines = [*entry.heads, *([text] if text else ()), *entry.files, *entry.buttons]
        self.tell("\n".join(lines))

    def tell(self, text: str) -> None:
        """See `View.tell`."""
        if self._is_terminal:
            text = visible(text.replace("\r\n", "\n"))
        encoding = self._stdout.encoding or "utf-8"
        shown = text.encode(encoding, "replace").decode(encoding)
        try:
            self._stdout.write(f"{shown}\n")
            self._stdout.flush()
        except OSError as error:
            raise unread(self._stdout, error) from error

    def preview(self, where: Place, key: str, text: StyledText) -> None:
        """Show nothing: what is printed stays, and the answer itself will come."""

    def forget(self) -> bool:
        """See `View.forget`: nothing is kept of it."""
        return False

    def typing(self, where: Place) -> None:
        """Show nothing."""


async def _lines(descriptor: int) -> AsyncGenerator[str]:
    """Yield the lines of a file descriptor, without their ends; bytes that are no UTF-8 as U+FFFD.

    A daemon thread reads, so that a read that never returns keeps nothing from ending.
    """
    loop = asyncio.get_running_loop()
    chunks: asyncio.Queue[bytes] = asyncio.Queue()

    def pump() -> None:
        chunk = b"-"
        while chunk:
            try:
                chunk = os.read(descriptor, _CHUNK)
            except OSError:  # a terminal that was closed
                chunk = b""
            try:
                loop.call_soon_threadsafe(chunks.put_nowait, chunk)
            except RuntimeError:  # the loop was closed: nobody waits any more
                return

    threading.Thread(target=pump, name="chatstate-console", daemon=True).start()
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    rest = ""
    while chunk := await chunks.get():
        *complete, rest = (rest + decoder.decode(chunk)).split("\n")
        for line in complete:
            yield line.removesuffix("\r")
    rest += decoder.decode(b"", final=True)
    if rest:
        yield rest.removesuffix("\r")
