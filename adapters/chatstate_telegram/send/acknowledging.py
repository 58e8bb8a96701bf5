"""Presses are always answered: by what the turn sends, or plainly after a moment.

Until a press is answered, Telegram shows that something is being waited for. It can be answered
once, within some seconds or minutes; to answer again changes nothing and is refused.
"""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict

from telegram import Bot

from chatstate import SendError
from chatstate.adapter import Receipt
from chatstate_telegram.send.errors import DoneBefore, meaning

log = logging.getLogger("chatstate.telegram")

TEXT_LIMIT = 200
_GLANCE = 60  # what is longer, or has lines, is read in a window that stays until it is closed
_REMEMBERED = 10_000
_TRIES = 3


class Presses:
    """Answers presses, each once. An `origin` is the id of a callback query."""

    def __init__(self, bot: Bot, patience: float) -> None:
        self._bot = bot
        self._patience = patience
        self._answered: OrderedDict[str, None] = OrderedDict()
        self._tasks: set[asyncio.Task[None]] = set()

    def watch(self, origin: str, receipt: Receipt) -> None:
        """Answer a press plainly, if its turn has not done so soon."""
        task = asyncio.create_task(self._watch(origin, receipt))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def acknowledge(self, origin: str | None) -> None:
        """Answer a press plainly, if nothing has. A failure is only told: this is a courtesy."""
        if origin is None or origin in self._answered:
            return
        try:
            await self.answer(origin)
        except SendError as error:
            log.info("a press could not be answered: %s", error)

    async def answer(self, origin: str, text: str = "") -> bool:
        """Answer a press, showing `text` to who pressed; tell whether that was shown.

        Raises what `perform` raises.
        """
        if origin in self._answered:
            return False
        self._note(origin)
        is_long = len(text) > _GLANCE or "\n" in text
        try:
            await self._bot.answer_callback_query(origin, text or None, show_alert=is_long)
        except Exception as error:  # `meaning` tells what it is
            what = meaning(error)
            if isinstance(what, DoneBefore):
                return False
            del self._answered[origin]
            raise what from error
        return True

    def is_open(self, origin: str | None) -> bool:
        """Tell whether a press may still be answered."""
        return origin is not None and origin not in self._answered

    async def close(self) -> None:
        """Stop watching."""
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)

    async def _watch(self, origin: str, receipt: Receipt) -> None:
        try:
            async with asyncio.timeout(self._patience):
                await receipt.settled()
        except TimeoutError:
            pass
        await self.acknowledge(origin)

    def _note(self, origin: str) -> None:
        self._answered[origin] = None
        if len(self._answered) > _REMEMBERED:
            self._answered.popitem(last=False)
