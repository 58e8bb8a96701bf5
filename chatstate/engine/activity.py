"""`Activity`: how much of something is going on, and when that is over."""

from __future__ import annotations

import asyncio


class Activity:
    """Counts what is going on, in one event loop: add to `count` for what begins."""

    def __init__(self) -> None:
        self.count = 0
        self._over: asyncio.Future[None] | None = None

    def __bool__(self) -> bool:
        return self.count > 0

    def end(self) -> None:
        """Note that one thing is over."""
        self.count -= 1
        if self._over and not self.count:
            if not self._over.done():
                self._over.set_result(None)
            self._over = None

    async def over(self) -> None:
        """Return once nothing is going on."""
        while self.count:
            if self._over is None or self._over.done():
                self._over = asyncio.get_running_loop().create_future()
            await asyncio.shield(self._over)
