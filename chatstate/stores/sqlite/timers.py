"""Timers: set, cancelled and fired, inside the open transaction.

1. A timer fires by getting the number of its event, which is stored in the same transaction.
2. What is due is looked for by account, with an index: it does not matter how many timers there
   are, nor how many of them are due.
3. While nothing is due, nothing is written.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Collection, Sequence
from typing import Any

import msgspec

from chatstate.messages import Chat, User
from chatstate.scope import Place
from chatstate.stores import events
from chatstate.stores.base import Arrival, Firing, StoredTimer, TurnCommit
from chatstate.stores.rows import NotAllError
from chatstate.stores.sqlite.group_commit import GroupCommit
from chatstate.stores.sqlite.inbox import Inbox

_encode = msgspec.json.Encoder().encode

_COLUMNS = "conversation, person, key, generation, due_at, handler, text, slot, language, fired"
_OF = f"""SELECT {_COLUMNS} FROM timers WHERE conversation = ? AND person = ?
    ORDER BY due_at, generation"""  # noqa: S608 - ours
_NEXT = """SELECT value,
        (SELECT min(due_at) FROM timers WHERE account = value AND fired = 0)
    FROM json_each(?)"""
_DUE = """SELECT t.conversation, t.person, t.key, t.generation, t.due_at, t.handler, t.text,
        t.slot, t.language, c.id, c.platform_id, c.kind, c.title, nullif(k.thread, ''),
        coalesce(p.platform_id, ''), coalesce(p.name, ''), c.blocked_at IS NOT NULL
    FROM timers AS t JOIN conversations AS k ON k.id = t.conversation
        JOIN chats AS c ON c.id = k.chat LEFT JOIN people AS p ON p.id = t.person
    WHERE t.account = ? AND t.fired = 0 AND t.due_at <= ?
    ORDER BY t.due_at, t.generation LIMIT ?"""
# One step of the index for each handler, however many timers are for it.
_HANDLERS = """WITH RECURSIVE known (account, handler) AS (
        SELECT value, (SELECT min(handler) FROM timers WHERE account = value) FROM json_each(?)
        UNION
        SELECT account, (SELECT min(t.handler) FROM timers AS t
            WHERE t.account = known.account AND t.handler > known.handler)
        FROM known WHERE handler IS NOT NULL)
    SELECT DISTINCT handler FROM known WHERE handler IS NOT NULL ORDER BY handler"""
_ENTRY = "conversation = ? AND person = ? AND key = ?"
_SET = f"""INSERT OR REPLACE INTO timers ({_COLUMNS}, account)
    SELECT ?, ?, ?, ?, ?, ?, ?, ?, ?, 0, c.account
    FROM conversations AS k JOIN chats AS c ON c.id = k.chat WHERE k.id = ?"""  # noqa: S608 - ours
_CANCEL = f"DELETE FROM timers WHERE {_ENTRY}"  # noqa: S608 - ours
_END = f"{_CANCEL} AND generation = ?"
_FIRE = f"UPDATE timers SET fired = ? WHERE {_ENTRY}"  # noqa: S608 - ours
_TEXT = f"SELECT text FROM timers WHERE {_ENTRY}"  # noqa: S608 - ours


def change(connection: sqlite3.Connection, turns: Sequence[TurnCommit]) -> None:
    """Do to timers what turns do. Raises `NotAllError` if one is gone that was expected."""
    for turn in turns:
        for timer in turn.timers:
            entry = (turn.place.conversation, timer.person, timer.key)
            if timer.expected and not _ends(connection, *entry, timer.expected):
                raise NotAllError
            if timer.timer:
                _set(connection, timer.timer)
            elif not timer.expected:
                connection.execute(_CANCEL, entry)


def _ends(connection: sqlite3.Connection, *entry: object) -> bool:
    return connection.execute(_END, entry).rowcount == 1


def _set(connection: sqlite3.Connection, timer: StoredTimer) -> None:
    *values, _fired = msgspec.structs.astuple(timer)
    connection.execute(_SET, (*values, timer.conversation))


class Timers:
    """Fires timers, and sets them outside of turns."""

    def __init__(self, writer: sqlite3.Connection, inbox: Inbox) -> None:
        self._writer = writer
        self._inbox = inbox

    def schedule(self, calls: Sequence[Sequence[StoredTimer]]) -> list[None]:
        """Set timers that are not there, or have another text."""
        for timer in (timer for call in calls for timer in call):
            entry = (timer.conversation, timer.person, timer.key)
            if self._writer.execute(_TEXT, entry).fetchone() != (timer.text,):
                _set(self._writer, timer)
        return [None] * len(calls)

    def fire(self, calls: Sequence[tuple[Sequence[int], float, int]]) -> list[list[Arrival]]:
        """Make timers of some accounts events that are due at a time, at most so many."""
        return [self._fire(*call) for call in calls]

    def _fire(self, accounts: Sequence[int], now: float, limit: int) -> list[Arrival]:
        due = [
            (account, row)
            for account in accounts
            for row in self._writer.execute(_DUE, (account, now, limit)).fetchall()
        ]
        due.sort(key=lambda found: (found[1][4], found[1][3]))
        return [self._become(account, *row) for account, row in due[:limit]]

    def _become(self, account: int, *row: Any) -> Arrival:
        (*values, chat, chat_id, kind, title, thread, who, name, is_blocked) = row
        timer = StoredTimer(*values)
        event = events.timer(
            timer, User(who, name), Chat(chat_id, kind, title), thread, is_blocked=bool(is_blocked)
        )
        place = Place(account, chat, timer.conversation, timer.person)
        arrival = self._inbox.add(place, event)
        entry = (timer.conversation, timer.person, timer.key)
        self._writer.execute(_FIRE, (arrival.seq, *entry))
        return arrival


class TimerVerbs:
    """The verbs of timers of a store that is open."""

    _commits: GroupCommit
    _timers: Timers
    _clock: Callable[[], float]

    async def _read(self, statement: str, values: Sequence[object]) -> list[Any]:
        raise NotImplementedError

    async def timers(self, conversation: int, person: int) -> Sequence[StoredTimer]:
        return [StoredTimer(*row) for row in await self._read(_OF, (conversation, person))]

    async def timer_handlers(self, accounts: Collection[int]) -> Sequence[str]:
        return [row[0] for row in await self._read(_HANDLERS, (_listed(accounts),))]

    async def schedule(self, timers: Sequence[StoredTimer]) -> None:
        await self._commits.submit(self._timers.schedule, timers)

    async def fire(self, accounts: Collection[int], limit: int) -> Firing:
        now, arrivals = self._clock(), list[Arrival]()
        due = await self._next(accounts)
        ready = [account for account, due_at in due.items() if due_at <= now]
        if ready and limit:
            arrivals = await self._commits.submit(self._timers.fire, (ready, now, limit))
            due = await self._next(accounts)
        return Firing(arrivals, min(due.values(), default=None))

    async def _next(self, accounts: Collection[int]) -> dict[int, float]:
        """Return when the next timer of each account fires."""
        rows = await self._read(_NEXT, (_listed(accounts),))
        return {account: due_at for account, due_at in rows if due_at is not None}


def _listed(accounts: Collection[int]) -> str:
    return _encode(sorted(accounts)).decode()
