"""Which questions were shown before an answer came: who had not seen one has not answered it."""

from __future__ import annotations

import asyncio
import functools

from chatstate.bot.memos import Open
from chatstate.engine.inbox.receipts import Receipts
from chatstate.stores.base import Store

_REMEMBERED = 10_000  # questions that nobody has answered yet


class Shown:
    """The questions that this run has put, each with the number of the newest event before it.

    That is None until the question is sent. The store knows it of what another run has put first,
    or was put long ago.
    """

    def __init__(self, *, receipts: Receipts, store: Store) -> None:
        self._receipts = receipts
        self._store = store
        self._after: dict[str, int | None] = {}

    def puts(self, question: Open, seq: int) -> None:
        """Note that the turn of an event puts a question, and when it is sent."""
        if not question.is_chosen or self._after.setdefault(question.id, None) is not None:
            return
        if len(self._after) > _REMEMBERED:
            del self._after[next(iter(self._after))]
        sent = asyncio.ensure_future(self._receipts.of(seq).settled())
        sent.add_done_callback(functools.partial(self._sent, question.id))

    def forget(self, question: Open) -> None:
        """Forget a question that is answered."""
        self._after.pop(question.id, None)

    async def is_before(self, question: Open, seq: int) -> bool:
        """Tell whether a question was shown before an event came."""
        after = self._after.get(question.id)
        if after is not None and seq > after:
            return True
        found = await self._store.reference(question.first.sent) if question.first else None
        return found is not None and found.message is not None and seq > found.after

    def _sent(self, question: str, _: object) -> None:
        if question in self._after:
            self._after[question] = self._receipts.newest
