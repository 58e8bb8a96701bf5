"""Timers: set, cancelled and fired.

1. A timer fires by getting the number of its event, which is stored in the same transaction.
2. Whoever changes one has locked its conversation. So it fires only where it is seen to be due
   after that.
3. What is due is this run's in conversations that it holds; where nobody does, if it leads the
   clock.
4. While nothing is due, nothing is written.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import Any

import msgspec

from chatstate.messages import Chat, User
from chatstate.scope import Place
from chatstate.stores import events
from chatstate.stores.base import Arrival, Firing, StoredTimer, TurnCommit
from chatstate.stores.postgres import holds, inbox
from chatstate.stores.postgres.transactions import Transaction, Transactions
from chatstate.stores.rows import NotAllError

_COLUMNS = "conversation, person, key, generation, due_at, handler, text, slot, language, fired"
_OF = f"""SELECT {_COLUMNS} FROM timers WHERE conversation = $1 AND person = $2
    ORDER BY due_at, generation"""  # noqa: S608 - ours
_NEXT = """SELECT min(due_at) AS due_at FROM timers
    WHERE account = ANY($1::bigint[]) AND fired = 0"""
_HANDLERS = """SELECT DISTINCT handler FROM timers WHERE account = ANY($1::bigint[])
    ORDER BY handler"""
_OURS = """t.fired = 0 AND t.due_at <= $2 AND (k.holder = $3 OR (k.holder IS NULL AND EXISTS (
    SELECT 1 FROM roles WHERE account = t.account AND duty = 'clock' AND run = $3)))"""
_WHERE = f"""SELECT t.conversation
    FROM timers AS t JOIN conversations AS k ON k.id = t.conversation
    WHERE t.account = ANY($1::bigint[]) AND {_OURS}
    ORDER BY t.due_at, t.generation LIMIT $4"""  # noqa: S608 - ours
_DUE = f"""SELECT t.account, c.id, c.platform_id, c.kind, c.title, nullif(k.thread, ''),
        coalesce(p.platform_id, ''), coalesce(p.name, ''), c.blocked_at IS NOT NULL,
        t.conversation, t.person, t.key, t.generation, t.due_at, t.handler, t.text, t.slot,
        t.language
    FROM timers AS t JOIN conversations AS k ON k.id = t.conversation
        JOIN chats AS c ON c.id = k.chat LEFT JOIN people AS p ON p.id = t.person
    WHERE t.conversation = ANY($1::bigint[]) AND {_OURS}
    ORDER BY t.due_at, t.generation LIMIT $4"""  # noqa: S608 - ours
_ENTRY = "conversation = $1 AND person = $2 AND key = $3"
_SET = """INSERT INTO timers
        (conversation, person, key, generation, due_at, handler, text, slot, language, account)
    SELECT $1::bigint, $2::bigint, $3::text, $4::bigint, $5::float8, $6::text, $7::text, $8::text,
        $9::text, account FROM conversations WHERE id = $1
    ON CONFLICT (conversation, person, key) DO UPDATE SET generation = excluded.generation,
        due_at = excluded.due_at, handler = excluded.handler, text = excluded.text,
        slot = excluded.slot,
        language = excluded.language, fired = 0"""
_CANCEL = f"DELETE FROM timers WHERE {_ENTRY}"  # noqa: S608 - ours
_END = f"{_CANCEL} AND generation = $4"
_FIRE = f"UPDATE timers SET fired = $4 WHERE {_ENTRY}"  # noqa: S608 - ours
_TEXT = f"SELECT text FROM timers WHERE {_ENTRY}"  # noqa: S608 - ours
_MOVE = """UPDATE timers AS t SET conversation = $1 WHERE conversation = $2 AND NOT EXISTS (SELECT 1
    FROM timers AS m WHERE m.conversation = $1 AND m.person = t.person AND m.key = t.key)"""
_DROP = "DELETE FROM timers WHERE conversation = $1"


async def change(transaction: Transaction, turns: Sequence[TurnCommit]) -> None:
    """Do to timers what turns do. Raises `NotAllError` if one is gone that was expected."""
    for turn in turns:
        for timer in turn.timers:
            entry = (turn.place.conversation, timer.person, timer.key)
            if timer.expected:
                ended = await transaction.execute(_END, *entry, timer.expected)
                if ended != "DELETE 1":
                    raise NotAllError
            if timer.timer:
                await _set(transaction, timer.timer)
            elif not timer.expected:
                await transaction.execute(_CANCEL, *entry)


async def move(transaction: Transaction, mine: int, other: int) -> None:
    """Move the timers of a conversation to another one, but for those that this has itself."""
    await transaction.execute(_MOVE, mine, other)
    await transaction.execute(_DROP, other)


async def _set(transaction: Transaction, timer: StoredTimer) -> None:
    *values, _fired = msgspec.structs.astuple(timer)
    await transaction.execute(_SET, *values)


async def _schedule(transaction: Transaction, timers: Sequence[StoredTimer]) -> None:
    await holds.lock(transaction, {timer.conversation for timer in timers})
    for timer in timers:
        there = await transaction.fetchval(_TEXT, timer.conversation, timer.person, timer.key)
        if there != timer.text:
            await _set(transaction, timer)


async def _fire(transaction: Transaction, accounts: Sequence[int], limit: int) -> list[Arrival]:
    """Make timers of some accounts events that are due, at most so many."""
    ours = (transaction.now, transaction.run, limit)
    where = {row[0] for row in await transaction.fetch(_WHERE, accounts, *ours)}
    locked = await holds.lock(transaction, where)
    arrivals = [
        await _become(transaction, row) for row in await transaction.fetch(_DUE, list(where), *ours)
    ]
    firsts: dict[int, int] = {}
    for arrival in arrivals:
        firsts.setdefault(arrival.place.conversation, arrival.seq)
    mine = await holds.put(transaction, locked, firsts)
    return [arrival for arrival in arrivals if arrival.place.conversation in mine]


async def _become(transaction: Transaction, row: Sequence[Any]) -> Arrival:
    account, chat, chat_id, kind, title, thread, who, name, is_blocked, *values = row
    timer = StoredTimer(*values)
    event = events.timer(
        timer, User(who, name), Chat(chat_id, kind, title), thread, is_blocked=is_blocked
    )
    place = Place(account, chat, timer.conversation, timer.person)
    arrival = await inbox.add(transaction, place, event)
    entry = (timer.conversation, timer.person, timer.key)
    await transaction.execute(_FIRE, *entry, arrival.seq)
    return arrival


class TimerVerbs:
    """The verbs of timers of a store that is open."""

    _transactions: Transactions
    _clock: Callable[[], float]

    async def timers(self, conversation: int, person: int) -> Sequence[StoredTimer]:
        return [
            StoredTimer(*row) for row in await self._transactions.read(_OF, conversation, person)
        ]

    async def timer_handlers(self, accounts: Collection[int]) -> Sequence[str]:
        return [row[0] for row in await self._transactions.read(_HANDLERS, list(accounts))]

    async def schedule(self, timers: Sequence[StoredTimer]) -> None:
        await self._transactions.write(lambda t: _schedule(t, timers))

    async def fire(self, accounts: Collection[int], limit: int) -> Firing:
        wanted, arrivals = list(accounts), list[Arrival]()
        next_at = await self._next(wanted)
        if next_at is not None and next_at <= self._clock() and limit:
            arrivals = await self._transactions.write(lambda t: _fire(t, wanted, limit))
            next_at = await self._next(wanted)
        return Firing(arrivals, next_at)

    async def _next(self, accounts: Sequence[int]) -> float | None:
        ((next_at,),) = await self._transactions.read(_NEXT, accounts)
        return None if next_at is None else float(next_at)
