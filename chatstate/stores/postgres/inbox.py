"""The inbox: events in the order of arrival. Its functions run inside the open transaction.

1. Conversations are locked before their events get numbers, and until these are committed: so
   those of one conversation become visible in their order, whoever stores them.
2. All events of a transaction are one statement. Those that it does not insert were there before,
   or there is no room for them; only these are looked at one by one.
3. An event is proved by reading what is written of it, and what was read is what is handed on.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal

import msgspec

from chatstate.adapter import proved
from chatstate.messages import Event
from chatstate.scope import Place
from chatstate.stores.base import Arrival, Ingested
from chatstate.stores.events import read, unreadable
from chatstate.stores.forgetting import Tombstones
from chatstate.stores.postgres import holds
from chatstate.stores.postgres.columns import columns
from chatstate.stores.postgres.directory import Directory, Who, WhoName, who
from chatstate.stores.postgres.holds import Hold
from chatstate.stores.postgres.transactions import Transaction

Overflow = Literal["refuse", "drop_oldest"]

_encode = msgspec.json.Encoder().encode
_KEPT_SECONDS = 48 * 3600
_PRUNED_AT_ONCE = 5000

_STORE = """INSERT INTO inbox (account, event_id, conversation, person, body, arrived_at, stored_by)
    SELECT account, event_id, conversation, person, body, $7::float8, $8::bigint
    FROM (SELECT *, row_number() OVER (PARTITION BY conversation ORDER BY n) AS behind
        FROM unnest($1::bigint[], $2::text[], $3::bigint[], $4::bigint[], $5::text[])
            WITH ORDINALITY AS g(account, event_id, conversation, person, body, n)) AS g
    WHERE behind + (SELECT count(*) FROM inbox AS i
        WHERE i.conversation = g.conversation AND i.done_at IS NULL) <= $6
    ORDER BY n ON CONFLICT DO NOTHING RETURNING account, event_id, seq"""
_KNOWN = """SELECT i.account, i.event_id, i.seq, i.done_at IS NULL, i.conversation
    FROM inbox AS i JOIN unnest($1::bigint[], $2::text[]) AS g(account, event_id)
        ON g.account = i.account AND g.event_id = i.event_id"""
_COUNT = "SELECT count(*) FROM inbox WHERE conversation = $1 AND done_at IS NULL"
# What makes room is what somebody has sent: neither an expired value nor a timer.
_SECOND_WAITING = """SELECT seq FROM inbox WHERE conversation = $1 AND done_at IS NULL
    AND NOT ahead AND seq NOT IN (SELECT fired FROM timers WHERE conversation = $1)
    ORDER BY seq LIMIT 1 OFFSET 1"""
_DROP = "UPDATE inbox SET body = NULL, done_at = $2 WHERE seq = $1"
_NUMBER = "SELECT nextval(pg_get_serial_sequence('inbox', 'seq'))"
_ADD = """INSERT INTO inbox
    (account, event_id, conversation, person, body, arrived_at, stored_by, ahead)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8) RETURNING seq"""
_UNBLOCK = "UPDATE chats SET blocked_at = NULL WHERE id = ANY($1::bigint[])"
# Whoever receives for a part notes its cursor; so it never goes back to where another has been.
_NOTE_CURSORS = """INSERT INTO cursors
    SELECT g.account, g.part, g.cursor
    FROM unnest($1::bigint[], $2::text[], $3::text[]) AS g(account, part, cursor)
    LEFT JOIN roles AS r ON r.account = g.account AND r.duty = 'poller' AND r.part = g.part
    WHERE r.run IS NULL OR r.run = $4 ORDER BY 1, 2
    ON CONFLICT (account, part) DO UPDATE SET cursor = excluded.cursor"""
_WAITING = """SELECT i.seq, i.crashes, i.ahead, EXISTS (SELECT 1 FROM notes WHERE turn = i.seq),
        i.account, c.chat, i.conversation, i.person,
        i.body, i.event_id, h.platform_id, c.thread
    FROM inbox AS i JOIN conversations AS c ON c.id = i.conversation
        JOIN chats AS h ON h.id = c.chat
    WHERE i.conversation = $1 AND i.done_at IS NULL"""
WAITING = f"""(SELECT * FROM ({_WAITING} AND i.ahead ORDER BY i.seq) AS a WHERE $2::bigint = 0)
    UNION ALL ({_WAITING} AND i.seq > $2::bigint AND NOT i.ahead ORDER BY i.seq LIMIT $3)"""  # noqa: S608 - ours
_ACCOUNT = "SELECT platform, platform_id FROM accounts WHERE id = $1"
_IS_KNOWN = "SELECT 1 FROM inbox WHERE account = $1 AND event_id = $2"
SUSPECT = "UPDATE inbox SET crashes = crashes + 1 WHERE seq = $1"
_PRUNE = """DELETE FROM inbox WHERE seq IN (SELECT seq FROM inbox
    WHERE seq < $1 + (SELECT min(seq) FROM inbox WHERE done_at IS NOT NULL) AND done_at < $2)"""
_PRUNE_NOTES = """DELETE FROM notes AS n
    WHERE NOT EXISTS (SELECT 1 FROM inbox WHERE seq = n.turn AND done_at IS NULL)
    AND NOT EXISTS (SELECT 1 FROM dead_letters WHERE turn = n.turn AND kind = 'event')"""

Name = tuple[int, str]
"""What identifies an event: its account, and its id there."""


class Delivery(msgspec.Struct, frozen=True, gc=False):
    """What one call of `ingest` was given."""

    account: int
    events: Sequence[Event]
    cursors: Mapping[str, str]
    share: bool = False


class _Proved(msgspec.Struct, frozen=True, gc=False):
    who: Who
    event: Event
    body: str

    @property
    def name(self) -> Name:
        return self.who.account, self.event.id


class _Known(msgspec.Struct, frozen=True, gc=False):
    seq: int
    waits: bool
    conversation: int

    @property
    def duplicate(self) -> Ingested:
        if self.waits:
            return Ingested("duplicate", pending=self.seq)
        return Ingested("duplicate", done=self.seq)


_Judged = _Proved | Ingested
"""An event that may be stored, or why it may not."""


class Inbox:
    """Takes events in: at most `limit` may wait in a conversation."""

    def __init__(self, directory: Directory, limit: int, overflow: Overflow) -> None:
        self._directory = directory
        self._limit = limit
        self._overflow: Overflow = overflow
        self._located_now: tuple[list[Who], dict[WhoName, Place]] = ([], {})
        self.tombstones = Tombstones()

    def forget(self) -> None:
        """Forget where events belong."""
        self._directory.forget()

    def durable(self) -> None:
        """Remember where events belong: their transaction is committed."""
        self._directory.remember(*self._located_now)

    async def ingest(
        self, transaction: Transaction, deliveries: Sequence[Delivery]
    ) -> list[list[Ingested]]:
        """Store events in order, with their adapters' cursors."""
        judged = [[_proved(d.account, event) for event in d.events] for d in deliveries]
        if self.tombstones.newest:
            judged = [
                [await self._unless_erased(transaction, e) for e in found] for found in judged
            ]
        proved = [entry for found in judged for entry in found if isinstance(entry, _Proved)]
        shared = [delivery.account for delivery in deliveries if delivery.share]
        among = await holds.sharing(transaction, shared[0]) if shared else ()
        stored = await self._store(transaction, proved, among)
        await _note_cursors(transaction, deliveries)
        return [
            [entry if isinstance(entry, Ingested) else next(stored) for entry in found]
            for found in judged
        ]

    async def _unless_erased(self, transaction: Transaction, entry: _Judged) -> _Judged:
        """Return a duplicate in place of what is older than its sender's being forgotten."""
        if isinstance(entry, Ingested) or not self.tombstones.may_cover(entry.event.message):
            return entry
        account = entry.who.account
        name = await transaction.fetchrow(_ACCOUNT, account)
        known = await transaction.fetchval(_IS_KNOWN, account, entry.event.id)
        covers = self.tombstones.cover(
            entry.event.message, lambda: tuple(name), lambda: bool(known)
        )
        return Ingested("duplicate") if covers else entry

    async def _store(
        self, transaction: Transaction, proved: Sequence[_Proved], among: Sequence[int]
    ) -> Any:
        if not proved:
            return iter(())
        places, locked = await self._located(transaction, proved)
        rows = [_row(entry, places[entry.who.name]) for entry in proved]
        await _unblock(transaction, proved, places, locked)
        of = (self._limit, transaction.now, transaction.run)
        stored = await transaction.fetch(_STORE, *columns(rows, 5), *of)
        numbers = {(account, event_id): seq for account, event_id, seq in stored}
        known = await _known(transaction, [e.name for e in proved if e.name not in numbers])
        results = [
            await self._result(transaction, entry, places[entry.who.name], numbers, known)
            for entry in proved
        ]
        firsts: dict[int, int] = {}
        for result in results:
            if result.status == "stored" and result.arrival:
                firsts.setdefault(result.arrival.place.conversation, result.arrival.seq)
        mine = await holds.put(transaction, locked, firsts, among=among) if firsts else set[int]()
        held = mine | {number for number, hold in locked.items() if hold.holder == transaction.run}
        ours = {entry.seq: entry.conversation in held for entry in known.values()}
        return iter([_handed(result, mine, ours) for result in results])

    async def _located(
        self, transaction: Transaction, proved: Sequence[_Proved]
    ) -> tuple[dict[WhoName, Place], dict[int, Hold]]:
        """Return where events belong, once these conversations are locked."""
        wanted = [entry.who for entry in proved]
        while True:
            places = await self._directory.places(transaction, wanted)
            locked = await holds.lock(transaction, {p.conversation for p in places.values()})
            if not any(_is_stale(place, locked) for place in places.values()):
                self._located_now = (wanted, places)
                return places, locked
            self._directory.forget()

    async def _result(
        self,
        transaction: Transaction,
        entry: _Proved,
        place: Place,
        numbers: dict[Name, int],
        known: dict[Name, _Known],
    ) -> Ingested:
        """Return what became of an event: one that is there twice is a duplicate of itself."""
        seq = numbers.pop(entry.name, None)
        if seq is not None:
            known[entry.name] = _Known(seq, True, place.conversation)
            return Ingested("stored", Arrival(seq, place, entry.event))
        if entry.name in known:
            return known[entry.name].duplicate
        return await self._squeeze(transaction, entry, place, known)

    async def _squeeze(
        self,
        transaction: Transaction,
        entry: _Proved,
        place: Place,
        known: dict[Name, _Known],
    ) -> Ingested:
        """Store an event in a conversation that is full, or nearly so, if there is room."""
        dropped = None
        if await transaction.fetchval(_COUNT, place.conversation) >= self._limit:
            dropped = await self._make_room(transaction, place.conversation)
            if dropped is None:
                seq = await transaction.fetchval(_NUMBER)
                return Ingested("refused", Arrival(seq, place, entry.event))
        arrival = await add(transaction, place, entry.event, entry.body)
        known[entry.name] = _Known(arrival.seq, True, place.conversation)
        return Ingested("stored", arrival, dropped=dropped)

    async def _make_room(self, transaction: Transaction, conversation: int) -> int | None:
        """Drop the oldest event that is not at its turn, if that is the policy."""
        if self._overflow == "refuse":
            return None
        seq: int | None = await transaction.fetchval(_SECOND_WAITING, conversation)
        if seq is not None:
            await transaction.execute(_DROP, seq, transaction.now)
        return seq


async def add(
    transaction: Transaction, place: Place, event: Event, body: str = "", *, ahead: bool = False
) -> Arrival:
    """Store an event whose id is new, in a conversation that is locked; `ahead` of all others."""
    body = body or _encode(event).decode()
    of = (place.account, event.id, place.conversation, place.person, body)
    seq = await transaction.fetchval(_ADD, *of, transaction.now, transaction.run, ahead)
    return Arrival(seq, place, event, ahead=ahead)


def arrivals(rows: Iterable[Any]) -> list[Arrival]:
    """Return the events in rows of `WAITING`."""
    return [
        Arrival(seq, Place(*row[:4]), read(*row[4:]), crashes, ahead, noted)
        for seq, crashes, ahead, noted, *row in rows
    ]


async def prune(transaction: Transaction) -> None:
    """Forget events and notes that are long done."""
    await transaction.execute(_PRUNE, _PRUNED_AT_ONCE, transaction.now - _KEPT_SECONDS)
    await transaction.execute(_PRUNE_NOTES)


def _proved(account: int, event: Event) -> _Judged:
    try:
        body, event = proved(event)
        place = who(account, event.message)
    except Exception as error:  # noqa: BLE001 - an adapter may have put anything into it
        return Ingested("refused", error=unreadable(event, error))
    return _Proved(place, event, body)


def _row(entry: _Proved, place: Place) -> tuple[Any, ...]:
    return (*entry.name, place.conversation, place.person, entry.body)


def _is_stale(place: Place, locked: Mapping[int, Hold]) -> bool:
    hold = locked.get(place.conversation)
    return hold is None or hold.chat != place.chat or hold.merged_into is not None


async def _unblock(
    transaction: Transaction,
    proved: Sequence[_Proved],
    places: Mapping[WhoName, Place],
    locked: Mapping[int, Hold],
) -> None:
    """Note that chats take things again from which something has come."""
    chats = {
        places[entry.who.name].chat
        for entry in proved
        if locked[places[entry.who.name].conversation].is_blocked
        and entry.event.message.kind != "send"
    }
    if chats:
        await transaction.execute(_UNBLOCK, sorted(chats))


async def _known(transaction: Transaction, names: Sequence[Name]) -> dict[Name, _Known]:
    """Return what is known of events that were there before."""
    if not names:
        return {}
    rows = await transaction.fetch(_KNOWN, *columns(names, 2))
    return {(account, event_id): _Known(*row) for account, event_id, *row in rows}


def _handed(ingested: Ingested, mine: set[int], ours: Mapping[int, bool]) -> Ingested:
    """Return what is told of an event: not the event itself, if it is handled elsewhere."""
    arrival = ingested.arrival
    if ingested.status == "duplicate" and ingested.pending:
        elsewhere = not ours[ingested.pending]
        return Ingested("duplicate", pending=ingested.pending, elsewhere=elsewhere)
    if ingested.status != "stored" or arrival is None or arrival.place.conversation in mine:
        return ingested
    return Ingested("stored", pending=arrival.seq, dropped=ingested.dropped, elsewhere=True)


async def _note_cursors(transaction: Transaction, deliveries: Sequence[Delivery]) -> None:
    last = {(d.account, part): cursor for d in deliveries for part, cursor in d.cursors.items()}
    if last:
        rows = [(*of, cursor) for of, cursor in last.items()]
        await transaction.execute(_NOTE_CURSORS, *columns(rows, 3), transaction.run)
