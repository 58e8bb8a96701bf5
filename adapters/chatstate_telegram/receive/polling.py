"""Long polling: an update is confirmed by the poll after it was taken in, and not before.

1. The offset is stored with the updates that it confirms. One that was not used for a day is
   dropped: Telegram may give other ids by then ("Update": after a week of silence they begin
   anew anywhere), and it would confirm what nobody has read. Without one Telegram gives whatever
   it still has, and what was taken in before is recognised by its id.
2. Every poll ends, with an answer or by a watchdog; every failure is told once, and polled on.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from http import HTTPStatus
from typing import Any, cast

from telegram.error import TelegramError

from chatstate_telegram.client import Client, Refusal
from chatstate_telegram.receive.content import number_of
from chatstate_telegram.receive.intake import OFFSET_SECONDS
from chatstate_telegram.receive.trouble import Trouble

log = logging.getLogger("chatstate.telegram")

SLACK_SECONDS = 15.0
WATCHDOG_SECONDS = 15.0


class Polling:
    """Polls for these `kinds` of updates, and gives what comes to `take`."""

    def __init__(
        self,
        client: Client,
        take: Callable[[list[Any], int | None], Awaitable[None]],
        *,
        trouble: Trouble,
        kinds: Sequence[str],
        offset: int | None = None,
        seconds: int,
        slack: float = SLACK_SECONDS,
        watchdog: float = WATCHDOG_SECONDS,
    ) -> None:
        self._client = client
        self._take = take
        self._kinds = kinds
        self._seconds = seconds
        self._slack = slack
        self._watchdog = watchdog
        self._offset = offset
        self._used_at = asyncio.get_running_loop().time()
        self._trouble = trouble

    async def run(self) -> None:
        """Poll until cancelled. Raises `AdapterError` if the token is refused for good."""
        await self._trouble.until_done(self._begin)
        log.info("polling for updates")
        while True:
            updates = await self._trouble.until_done(self._poll)
            if updates:
                offset = self._behind(updates)
                await self._take(updates, offset)
                self._offset, self._used_at = offset, asyncio.get_running_loop().time()

    async def _begin(self) -> None:
        """Take away a webhook, which would forbid polling; what waits for it is kept."""
        try:
            info = await self._client.bot.get_webhook_info()
        except Refusal as error:
            if error.status != HTTPStatus.NOT_FOUND:
                raise
            return  # a server that has no webhooks forbids no polling
        if info.url:
            log.warning("the webhook at %s is removed, because this process polls", info.url)
            await self._client.bot.delete_webhook(drop_pending_updates=False)

    async def _poll(self) -> list[Any]:
        now = asyncio.get_running_loop().time()
        if now - self._used_at > OFFSET_SECONDS:
            self._offset = None
        try:
            async with asyncio.timeout(self._seconds + self._slack + self._watchdog):
                found = await self._client.updates(
                    self._offset, self._seconds, self._kinds, self._slack
                )
        except TimeoutError:
            await self._client.renew_polls()
            raise TelegramError("a poll did not end, and was given up") from None
        if not isinstance(found, list):
            raise TelegramError("the answer to a poll is no list of updates")
        return cast("list[Any]", found)

    def _behind(self, updates: list[Any]) -> int | None:
        """Return the offset that confirms these updates."""
        ids = [number for update in updates if (number := number_of(update)) is not None]
        return max([number + 1 for number in ids] + [self._offset or 0]) or None
