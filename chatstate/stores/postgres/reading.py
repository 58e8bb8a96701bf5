"""The verbs of a store that only read: a statement each, which tells, too, if the run is over."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from chatstate.scope import Key, Scope
from chatstate.stores.base import Address, Arrival, Asked, Due, FoundButton, StoredState, Value
from chatstate.stores.postgres import buttons, remembering, sends, states
from chatstate.stores.postgres.batches import Batches
from chatstate.stores.postgres.columns import columns
from chatstate.stores.postgres.inbox import WAITING, arrivals
from chatstate.stores.postgres.looking import Looking
from chatstate.stores.postgres.transactions import Transactions

_ADDRESS = """SELECT c.account, c.platform_id, k.thread FROM conversations AS k
    JOIN chats AS c ON c.id = k.chat WHERE k.id = $1"""
_OWING = """SELECT t FROM unnest($1::bigint[]) AS t
    WHERE EXISTS (SELECT 1 FROM outbox WHERE turn = t)
    OR EXISTS (SELECT 1 FROM dead_letters WHERE turn = t AND kind <> 'event')"""
_PENDING = """SELECT t FROM unnest($1::bigint[]) AS t
    WHERE EXISTS (SELECT 1 FROM outbox WHERE turn = t)
    OR EXISTS (SELECT 1 FROM inbox WHERE seq = t AND done_at IS NULL)"""
_NOTES = "SELECT name, value FROM notes WHERE turn = $1"


class Reading(Looking):
    """The verbs of a store that only read. What is there once it is open: `_transactions`."""

    _transactions: Transactions
    _loads: Batches[Sequence[Key], Sequence[Value | None]]
    _run: int
    _bot: str

    async def load(self, keys: Sequence[Key]) -> Sequence[Value | None]:
        return await self._loads.submit(keys, len(keys))

    async def stored_states(self) -> Sequence[StoredState]:
        return [StoredState(*row) for row in await self._transactions.read(states.STORED)]

    async def notes(self, turn: int) -> Mapping[str, str]:
        return dict(await self._transactions.read(_NOTES, turn))

    async def button(self, ref: str) -> FoundButton | None:
        return buttons.found(await self._transactions.read(buttons.FIND, ref, self._clock()))

    async def owing(self, turns: Sequence[int]) -> Sequence[int]:
        return [row[0] for row in await self._transactions.read(_OWING, list(turns))]

    async def pending(self, turns: Sequence[int]) -> Sequence[int]:
        return [row[0] for row in await self._transactions.read(_PENDING, list(turns))]

    async def events(self, conversation: int, after: int, limit: int) -> Sequence[Arrival]:
        return arrivals(await self._transactions.read(WAITING, conversation, after, limit))

    async def due(
        self, bound: tuple[Scope, str, int], account: int, skip: int, limit: int
    ) -> Sequence[Due]:
        scope, name, _ = bound
        of = (self._bot, *bound, account, self._clock(), self._run, limit, skip)
        return [
            Due(Key(self._bot, scope, name, place, person), conversation)
            for place, person, conversation in await self._transactions.read(states.DUE, *of)
        ]

    async def address(self, conversation: int) -> Address:
        ((account, chat, thread),) = await self._transactions.read(_ADDRESS, conversation)
        return Address(account, chat, thread or None)

    async def asked(
        self, accounts: Collection[int], before: float, after: int, limit: int
    ) -> Sequence[Asked]:
        of = (after, list(accounts), before, self._bot, limit)
        return sends.asked(await self._transactions.read(sends.ASKED, *of))

    async def recall(self, account: int, name: str) -> str | None:
        rows = await self._transactions.read(remembering.RECALL, account, name)
        return rows[0][0] if rows else None

    async def recall_all(self, account: int, prefix: str, limit: int) -> Mapping[str, str]:
        rows = await self._transactions.read(remembering.RECALL_ALL, account, prefix, limit)
        return dict(rows)

    async def _load(self, calls: Sequence[Sequence[Key]]) -> Sequence[Sequence[Value | None]]:
        keys = [key for call in calls for key in call]
        found = iter(states.values(await self._transactions.read(states.LOAD, *columns(keys, 5))))
        return [[next(found) for _ in call] for call in calls]
