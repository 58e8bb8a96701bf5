"""The inbox: events in the order of arrival. Its functions run inside the open transaction.

1. Events are numbered here, not by SQLite, so that all of a transaction are one statement. A
   number that was given away is never given again, even if its event was refused.
2. Whether an event was there before is told by the rows that statement did not insert. Only then
   are the events of the transaction looked up.
3. An event is proved by reading what is written of it, and what was read is what is handed on:
   who handles it at once and who does so after a crash get the same. A row that cannot be read
   all the same becomes an event that says so.
4. How many events wait is counted in memory, by conversation: perhaps too many (duplicates until
   they are recognised), never too few. What a rolled back transaction counted is counted anew.
"""

from __future__ import annotations

import itertools
import sqlite3
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Literal

import msgspec

from chatstate.adapter import proved
from chatstate.messages import Event
from chatstate.scope import Place
from chatstate.stores.base import Arrival, Ingested, TurnCommit
from chatstate.stores.events import read, unreadable
from chatstate.stores.forgetting import Tombstones
from chatstate.stores.sqlite import buttons, references
from chatstate.stores.sqlite.directory import Directory
from chatstate.stores.sqlite.many import Many

Overflow = Literal["refuse", "drop_oldest"]

_encode = msgspec.json.Encoder().encode
_KEPT_SECONDS = 48 * 3600
_PRUNED_AT_ONCE = 2000

_STORE = Many(
    """INSERT INTO inbox (seq, account, event_id, conversation, person, body, arrived_at)
    VALUES {rows} ON CONFLICT DO NOTHING""",
    "(?, ?, ?, ?, ?, ?, ?)",
)
_WAITING = """SELECT i.seq, i.crashes, i.ahead, EXISTS (SELECT 1 FROM notes WHERE turn = i.seq),
        i.account, c.chat, i.conversation, i.person,
        i.body, i.event_id, h.platform_id, c.thread
    FROM inbox AS i JOIN conversations AS c ON c.id = i.conversation
        JOIN chats AS h ON h.id = c.chat
    WHERE i.conversation = ? AND i.done_at IS NULL"""
WAITING = f"{_WAITING} AND i.seq > ? AND NOT i.ahead ORDER BY i.seq LIMIT ?"
AHEAD = f"{_WAITING} AND i.ahead ORDER BY i.seq"
# What makes room is what somebody has sent: neither an expired value nor a timer.
_SECOND_WAITING = """SELECT seq FROM inbox WHERE conversation = ?1 AND done_at IS NULL
    AND NOT ahead AND seq NOT IN (SELECT fired FROM timers WHERE conversation = ?1)
    ORDER BY seq LIMIT 1 OFFSET 1"""
_COUNT_WAITING = "SELECT count(*) FROM inbox WHERE conversation = ? AND done_at IS NULL"
_ACCOUNT = "SELECT platform, platform_id FROM accounts WHERE id = ?"
_IS_KNOWN = "SELECT 1 FROM inbox WHERE account = ? AND event_id = ?"
_PUT_AHEAD = "UPDATE inbox SET ahead = 1 WHERE seq = ?"
_USED_UP = "UPDATE sqlite_sequence SET seq = max(seq, ?) WHERE name = 'inbox'"
# Only rows near the oldest done one are looked at, so that this takes no index and no scan.
_PRUNE = """DELETE FROM inbox WHERE seq < ? + (
    SELECT seq FROM inbox WHERE done_at IS NOT NULL ORDER BY seq LIMIT 1) AND done_at < ?"""
_PRUNE_NOTES = """DELETE FROM notes
    WHERE turn NOT IN (SELECT seq FROM inbox WHERE done_at IS NULL)
    AND turn NOT IN (SELECT turn FROM dead_letters WHERE kind = 'event')"""


class Delivery(msgspec.Struct, frozen=True, gc=False):
    """What one call of `ingest` was given."""

    account: int
    events: Sequence[Event]
    cursors: Mapping[str, str]


class Inbox:
    """Takes events in. `waiting`: how many are not done, by conversation; see rule 4."""

    def __init__(
        self,
        writer: sqlite3.Connection,
        clock: Callable[[], float],
        limit: int,
        overflow: Overflow,
    ) -> None:
        self._writer = writer
        self._clock = clock
        self._limit = limit
        self._overflow: Overflow = overflow
        self._gathered: list[Any] = []
        self._known_before = False
        self._refused = 0
        self.directory = Directory(writer)
        self.tombstones = Tombstones()
        self._count()

    def reload(self) -> None:
        """Forget what was counted and resolved in a transaction that was rolled back."""
        self.directory.forget()
        self._gathered.clear()
        self._count()

    def _count(self) -> None:
        last = self._writer.execute("SELECT seq FROM sqlite_sequence WHERE name = 'inbox'")
        self._numbers = itertools.count((last.fetchone() or (0,))[0] + 1)
        waiting = self._writer.execute(
            "SELECT conversation, count(*) FROM inbox WHERE done_at IS NULL GROUP BY conversation"
        )
        self.waiting: dict[int, int] = dict(waiting)

    def ingest(self, deliveries: Sequence[Delivery]) -> list[list[Ingested]]:
        """Store events in order, with their adapters' cursors."""
        now = self._clock()
        self._known_before = False
        self._refused = 0
        receive = self._receive
        results = [
            [receive(delivery.account, event, now) for event in delivery.events]
            for delivery in deliveries
        ]
        self._store()
        if self._known_before:
            results = [[self._recognise(ingested) for ingested in found] for found in results]
        if self._refused:  # its number was given away, though no row has it
            self._writer.execute(_USED_UP, (self._refused,))
        for delivery in deliveries:
            for part, cursor in delivery.cursors.items():
                self._writer.execute(
                    "INSERT OR REPLACE INTO cursors VALUES (?, ?, ?)",
                    (delivery.account, part, cursor),
                )
        return results

    def add(self, place: Place, event: Event, *, ahead: bool = False) -> Arrival:
        """Store an event whose id is new; `ahead` of all that waits."""
        arrival = Arrival(next(self._numbers), place, event, ahead=ahead)
        _STORE.run(self._writer, _row(arrival, _encode(event).decode(), self._clock()))
        if ahead:
            self._writer.execute(_PUT_AHEAD, (arrival.seq,))
        self.waiting[place.conversation] = self.waiting.get(place.conversation, 0) + 1
        return arrival

    def all_done(self, turns: Sequence[TurnCommit]) -> None:
        """Note that the events of turns wait no longer."""
        waiting = self.waiting
        for turn in turns:
            conversation = turn.place.conversation
            left = waiting.pop(conversation, 0) - 1 - len(turn.also)
            if left > 0:
                waiting[conversation] = left

    def recount(self, conversation: int) -> None:
        """Count anew what waits in a conversation."""
        waiting = self._count_waiting(conversation)
        self._lower(conversation, self.waiting.get(conversation, 0) - waiting)

    def _lower(self, conversation: int, by: int) -> None:
        left = self.waiting.pop(conversation, 0) - by
        if left > 0:
            self.waiting[conversation] = left

    def _count_waiting(self, conversation: int) -> int:
        (waiting,) = self._writer.execute(_COUNT_WAITING, (conversation,)).fetchone()
        return int(waiting)

    def suspect(self, numbers: Sequence[int]) -> list[None]:
        """Count a crash against events."""
        self._writer.executemany(
            "UPDATE inbox SET crashes = crashes + 1 WHERE seq = ?", [(seq,) for seq in numbers]
        )
        return [None] * len(numbers)

    def prune(self, calls: Sequence[None]) -> list[None]:
        """Forget events and notes that are long done, and buttons that expired."""
        self._writer.execute(_PRUNE, (_PRUNED_AT_ONCE, self._clock() - _KEPT_SECONDS))
        self._writer.execute(_PRUNE_NOTES)
        buttons.prune(self._writer, self._clock())
        references.prune(self._writer, self._clock())
        return [None] * len(calls)

    def _store(self) -> None:
        """Insert the rows gathered; note whether some of their events were known before."""
        gathered, self._gathered = self._gathered, []
        if _STORE.run(self._writer, gathered) * _STORE.width != len(gathered):
            self._known_before = True

    def _receive(self, account: int, event: Event, now: float) -> Ingested:
        try:
            body, event = proved(event)
        except Exception as error:  # noqa: BLE001 - an adapter may have put anything into it
            return Ingested("refused", error=unreadable(event, error))
        if self.tombstones.newest and self._is_forgotten(account, event):
            return Ingested("duplicate")
        place = self.directory.place(account, event.message)
        arrival = Arrival(next(self._numbers), place, event)
        waiting = self.waiting.get(place.conversation, 0)
        if waiting >= self._limit:
            return self._take_in_if_room(arrival, body, now)
        self._gathered += _row(arrival, body, now)
        self.waiting[place.conversation] = waiting + 1
        return Ingested("stored", arrival)

    def _is_forgotten(self, account: int, event: Event) -> bool:
        """Tell whether an event is older than its sender's being forgotten."""
        return self.tombstones.cover(
            event.message,
            lambda: self._writer.execute(_ACCOUNT, (account,)).fetchone(),
            lambda: bool(self._writer.execute(_IS_KNOWN, (account, event.id)).fetchone()),
        )

    def _take_in_if_room(self, arrival: Arrival, body: str, now: float) -> Ingested:
        self._store()
        known = self._known(arrival)
        if known:
            return known
        conversation = arrival.place.conversation
        dropped = None
        if self._is_full(conversation):
            dropped = self._make_room(conversation)
            if dropped is None:
                self._refused = arrival.seq
                return Ingested("refused", arrival)
        self._gathered += _row(arrival, body, now)
        self.waiting[conversation] = self.waiting.get(conversation, 0) + 1
        return Ingested("stored", arrival, dropped=dropped)

    def _is_full(self, conversation: int) -> bool:
        """Tell whether no more may wait, not counting duplicates of this transaction."""
        return not self._known_before or self._count_waiting(conversation) >= self._limit

    def _make_room(self, conversation: int) -> int | None:
        """Drop the oldest event that is not at its turn, if that is the policy."""
        if self._overflow == "refuse":
            return None
        found = self._writer.execute(_SECOND_WAITING, (conversation,)).fetchone()
        if found is None:
            return None
        self._writer.execute(
            "UPDATE inbox SET body = NULL, done_at = ? WHERE seq = ?", (self._clock(), *found)
        )
        self._lower(conversation, 1)
        return int(found[0])

    def _recognise(self, ingested: Ingested) -> Ingested:
        """Return the truth about an event when some of the same batch were there before."""
        arrival = ingested.arrival
        if ingested.status != "stored" or arrival is None:
            return ingested
        stored = self._writer.execute("SELECT 1 FROM inbox WHERE seq = ?", (arrival.seq,))
        if stored.fetchone():
            return ingested
        self._lower(arrival.place.conversation, 1)
        return self._known(arrival) or ingested

    def _known(self, arrival: Arrival) -> Ingested | None:
        row = self._writer.execute(
            "SELECT seq, done_at FROM inbox WHERE account = ? AND event_id = ?",
            (arrival.place.account, arrival.event.id),
        ).fetchone()
        if row is None:
            return None
        seq, done_at = row
        if done_at is None:
            return Ingested("duplicate", pending=seq)
        return Ingested("duplicate", done=seq)


def arrivals(rows: Iterable[Any]) -> list[Arrival]:
    """Return the events in rows of `WAITING`."""
    return [
        Arrival(seq, Place(*row[:4]), read(*row[4:]), crashes, bool(ahead), bool(noted))
        for seq, crashes, ahead, noted, *row in rows
    ]


def _row(arrival: Arrival, body: str, now: float) -> tuple[Any, ...]:
    place = arrival.place
    event_id = arrival.event.id
    return (arrival.seq, place.account, event_id, place.conversation, place.person, body, now)
