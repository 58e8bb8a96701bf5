"""The verbs by which a person is forgotten, of a store that is open."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

from chatstate.stores.erasing import BURY, EVERY, OPEN
from chatstate.stores.forgetting import Erased, Forgotten, erase_files
from chatstate.stores.postgres import erasing
from chatstate.stores.postgres.inbox import Inbox
from chatstate.stores.postgres.looking import Looking
from chatstate.stores.postgres.transactions import Transactions


class ForgettingVerbs(Looking):
    """The verbs of `chatstate.stores.forgetting.Forgetting`."""

    _transactions: Transactions
    _inbox: Inbox
    _run: int
    _bot: str

    @property
    def folder(self) -> Path:
        raise NotImplementedError

    async def forgotten(self, *, is_open: bool = False) -> Sequence[Forgotten]:
        if not self._run:
            return await super().forgotten(is_open=is_open)
        rows = await self._transactions.read(OPEN if is_open else EVERY)
        return [Forgotten(*row) for row in rows]

    async def bury(self, mark: str, at: float) -> None:
        await self._transactions.write(lambda t: t.execute(BURY, self._bot, mark, at))
        await self._bury()

    async def forget(self, number: int) -> Erased:
        erased = await self._transactions.write(lambda t: erasing.erase(t, number))
        await self._bury()
        await asyncio.to_thread(erase_files, self.folder, erased.turns)
        return erased

    async def passed(self, number: int) -> bool:
        await self._bury()
        now = self._lease_time()
        return await self._transactions.write(lambda t: erasing.passed(t, number, now))

    async def forgot(self, number: int) -> None:
        await self._transactions.write(lambda t: erasing.forgot(t, number))

    async def scrub(self, number: int) -> None:
        """Note that it is done: where rows lay on the disk is the server's business."""
        await self._transactions.write(lambda t: erasing.done(t, number))

    async def _bury(self) -> None:
        """Know who was forgotten, and forget what was remembered of where people belong."""
        self._inbox.forget()
        await self._transactions.write(lambda t: erasing.bury(t, self._bot, self._inbox.tombstones))
