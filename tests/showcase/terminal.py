"""One input and one output for many processes in turn, as a terminal that stays open."""

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator


class Terminal:
    """A line that no process has read yet is the next one's.

    `news` tells that more is `printed`.
    """

    def __init__(self) -> None:
        self.stdin, self._ours = os.pipe()
        self._printed, self.stdout = os.pipe()
        self.printed = b""
        self.news = asyncio.Event()

    def type(self, text: str) -> None:
        """Write to the input."""
        os.write(self._ours, text.encode())

    def read(self) -> None:
        """Take what was printed."""
        self.printed += os.read(self._printed, 65536)
        self.news.set()

    @contextlib.asynccontextmanager
    async def opened(self) -> AsyncIterator[None]:
        """Read what is printed until the end of the block."""
        loop = asyncio.get_running_loop()
        loop.add_reader(self._printed, self.read)
        try:
            yield
        finally:
            loop.remove_reader(self._printed)
            for descriptor in (self.stdin, self._ours, self._printed, self.stdout):
                os.close(descriptor)
