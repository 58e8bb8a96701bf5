"""Broadcasts: their jobs and recipients. What writes runs inside the open transaction.

1. A recipient's `fate` is NULL until it is reached. What becomes of it then is told by what is
   settled: only what is dead is looked up.
2. The counts of a job are changed with its recipients, so that to look at it costs nothing.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import msgspec

from chatstate.messages import Event
from chatstate.stores.base import Ingested, Settled
from chatstate.stores.broadcasts import (
    KEPT_SECONDS,
    Broadcast,
    NewBroadcast,
    Order,
    Recipient,
)
from chatstate.stores.rows import broadcast_in, recipient_in
from chatstate.stores.sqlite import references
from chatstate.stores.sqlite.inbox import Delivery, Inbox

_encode = msgspec.json.Encoder().encode

_COLUMNS = """id, bot, key, body, content, audience, standing, is_paused, begun_at,
    gathered, total, reached, blocked, failed, recalled"""
ALL = f"SELECT {_COLUMNS} FROM broadcasts WHERE ? IN ('', bot) ORDER BY id"  # noqa: S608 - ours
_OF_KEY = f"SELECT {_COLUMNS} FROM broadcasts WHERE bot = ? AND key = ?"  # noqa: S608 - ours
_OF_NUMBER = f"SELECT {_COLUMNS} FROM broadcasts WHERE id = ?"  # noqa: S608 - ours
_NOTE = """INSERT INTO broadcasts (bot, key, body, content, audience, standing, begun_at)
    VALUES (?, ?, ?, ?, ?, 'gathering', ?)"""
_ORDERS: dict[Order, str] = {
    "pause": "UPDATE broadcasts SET is_paused = 1 WHERE id = ?",
    "resume": "UPDATE broadcasts SET is_paused = 0 WHERE id = ?",
    "cancel": """UPDATE broadcasts SET standing = 'cancelled'
        WHERE id = ? AND standing IN ('gathering', 'running')""",
    "recall": """UPDATE broadcasts SET standing = 'recalling', is_paused = 0
        WHERE id = ? AND standing <> 'recalled'""",
}
CROWD = """SELECT c.id, c.account, c.platform_id, c.kind, c.title
    FROM chats AS c JOIN accounts AS a ON a.id = c.account
    WHERE a.bot = ? AND ? IN (0, a.id) AND c.id > ? AND c.platform_id <> ''
    AND c.blocked_at IS NULL
    AND CASE ? WHEN 'private' THEN c.kind = 'private' WHEN 'groups' THEN c.kind = 'group' ELSE 1 END
    ORDER BY c.id LIMIT ?"""
WITH_VALUE = """SELECT s.rowid, a.id, c.platform_id, c.kind, c.title, nullif(k.thread, ''),
        p.platform_id, p.name, s.value, s.version, s.schema
    FROM state_names AS n JOIN state_values AS s ON s.state = n.id
    LEFT JOIN people AS p ON p.id = s.person AND n.scope IN ('member', 'user')
    LEFT JOIN conversations AS k ON k.id = s.place AND n.scope = 'thread'
    LEFT JOIN chats AS c ON c.id = CASE n.scope WHEN 'chat' THEN s.place ELSE k.chat END
    JOIN accounts AS a ON a.id = coalesce(c.account, p.account)
    WHERE n.bot = ? AND n.scope = ? AND n.name = ? AND ? IN (0, a.id) AND s.rowid > ?
    AND c.blocked_at IS NULL AND (s.expires_at IS NULL OR s.expires_at > ?)
    ORDER BY s.rowid LIMIT ?"""
_GATHERED = """UPDATE broadcasts SET gathered = ?, total = total + ?,
    standing = CASE WHEN ? THEN 'running' ELSE standing END
    WHERE id = ? AND gathered = ? AND standing = 'gathering'"""
_ADD = "INSERT INTO recipients (broadcast, number, account, body) VALUES (?, ?, ?, ?)"
_LAST = "SELECT coalesce(max(number), 0) FROM recipients WHERE broadcast = ?"
UNREACHED = """SELECT number, body, coalesce(conversation, 0) FROM recipients
    WHERE broadcast = ? AND fate IS (SELECT CASE standing WHEN 'recalling' THEN 'reached' END
        FROM broadcasts WHERE id = ?)
    AND account IN (SELECT value FROM json_each(?)) ORDER BY number LIMIT ?"""
_GOES_ON = """SELECT b.standing, r.body FROM broadcasts AS b JOIN recipients AS r
    ON r.broadcast = b.id WHERE b.id = ? AND r.number = ? AND NOT b.is_paused
    AND (b.standing = 'running' AND r.fate IS NULL
        OR b.standing = 'recalling' AND r.fate = 'reached')"""
_IS_MARKED = "SELECT 1 FROM chats WHERE id = ? AND blocked_at IS NOT NULL"
_IS_ANOTHERS = "SELECT 1 FROM recipients WHERE broadcast = ? AND conversation = ?"
_DROP = "DELETE FROM recipients WHERE broadcast = ? AND number = ?"
_ONE_LESS = "UPDATE broadcasts SET total = total - 1 WHERE id = ?"
_REACHED = """UPDATE recipients SET fate = 'reached', conversation = ?, turn = ?
    WHERE broadcast = ? AND number = ?"""
_FATE = "UPDATE recipients SET fate = ? WHERE broadcast = ? AND number = ?"
_COUNT = {
    fate: f"UPDATE broadcasts SET {fate} = {fate} + 1 WHERE id = ?"  # noqa: S608 - ours
    for fate in ("reached", "blocked", "failed", "recalled")
}
_NOT_REACHED = "UPDATE broadcasts SET reached = reached - 1 WHERE id = ?"
_FINISH = """UPDATE broadcasts
    SET standing = CASE standing WHEN 'running' THEN 'done' ELSE 'recalled' END
    WHERE id = ? AND NOT EXISTS (SELECT 1 FROM recipients AS r WHERE r.broadcast = broadcasts.id
        AND r.fate IS CASE standing WHEN 'recalling' THEN 'reached' END)
    AND standing IN ('running', 'recalling')"""
_PRUNE_RECIPIENTS = """DELETE FROM recipients WHERE (broadcast, number) IN (
    SELECT r.broadcast, r.number FROM broadcasts AS b JOIN recipients AS r ON r.broadcast = b.id
    WHERE b.standing IN ('done', 'cancelled', 'recalled') AND b.begun_at < ? LIMIT ?)"""
_PRUNE = """DELETE FROM broadcasts WHERE standing IN ('done', 'cancelled', 'recalled')
    AND begun_at < ? AND NOT EXISTS (SELECT 1 FROM recipients WHERE broadcast = broadcasts.id)"""
_PRUNED_AT_ONCE = 5000
_OF_TURN = "SELECT broadcast, number FROM recipients WHERE turn = ? AND fate = 'reached'"
_MARK = """UPDATE chats SET blocked_at = ?
    WHERE id = (SELECT chat FROM conversations WHERE id = ?)"""


class Gathering(NamedTuple):
    """What one call of `gather` was given."""

    number: int
    before: int
    after: int
    found: Sequence[Recipient]
    is_last: bool


class Broadcasts:
    """Gathers and reaches the recipients of jobs."""

    def __init__(
        self, writer: sqlite3.Connection, inbox: Inbox, clock: Callable[[], float]
    ) -> None:
        self._writer = writer
        self._inbox = inbox
        self._clock = clock

    @property
    def kinds(self) -> tuple[Callable[[Any], Sequence[Any]], ...]:
        """What it does in a transaction, in its order."""
        return (self.announce, self.steer, self.gather, self.reach, self.finish, self.prune)

    def announce(self, new: Sequence[NewBroadcast]) -> list[Broadcast]:
        """Note jobs."""
        return [announce(self._writer, broadcast, self._clock()) for broadcast in new]

    def steer(self, orders: Sequence[tuple[int, Order]]) -> list[Broadcast | None]:
        """Give orders to jobs."""
        return [steer(self._writer, *order) for order in orders]

    def gather(self, gatherings: Sequence[Gathering]) -> list[None]:
        """Add recipients to jobs."""
        for number, before, after, found, is_last in gatherings:
            changed = (after, len(found), is_last, number, before)
            if self._writer.execute(_GATHERED, changed).rowcount:
                (last,) = self._writer.execute(_LAST, (number,)).fetchone()
                rows = [
                    (number, last + 1 + n, recipient.account, _encode(recipient).decode())
                    for n, recipient in enumerate(found)
                ]
                self._writer.executemany(_ADD, rows)
        return [None] * len(gatherings)

    def reach(self, calls: Sequence[tuple[int, int, Event | None]]) -> list[Ingested | None]:
        """Make what recipients get events."""
        return [self._reach(*call) for call in calls]

    def finish(self, numbers: Sequence[int]) -> list[bool]:
        """Note that jobs are done."""
        return [self._writer.execute(_FINISH, (number,)).rowcount == 1 for number in numbers]

    def prune(self, calls: Sequence[None]) -> list[None]:
        """Forget jobs that ended long ago; so many recipients at once, and a job after its last."""
        before = self._clock() - KEPT_SECONDS
        self._writer.execute(_PRUNE_RECIPIENTS, (before, _PRUNED_AT_ONCE))
        self._writer.execute(_PRUNE, (before,))
        return [None] * len(calls)

    def _reach(self, job: int, number: int, event: Event | None) -> Ingested | None:
        row = self._writer.execute(_GOES_ON, (job, number)).fetchone()
        if row is None:
            return None
        standing, recipient = row[0], recipient_in(row[1])
        if event is None:
            self._note(job, number, "blocked")
            return None
        message = event.message
        place = self._inbox.directory.conversation(recipient.account, message.chat, message.thread)
        if standing == "running" and not self._may_reach(
            job, number, place.chat, place.conversation
        ):
            return None
        ((ingested,),) = self._inbox.ingest([Delivery(recipient.account, [event], {})])
        if ingested.status != "refused":
            turn = ingested.arrival.seq if ingested.arrival else ingested.pending
            if standing == "running":
                self._writer.execute(_REACHED, (place.conversation, turn, job, number))
                self._writer.execute(_COUNT["reached"], (job,))
            else:
                self._note(job, number, "recalled")
        return ingested

    def _may_reach(self, job: int, number: int, chat: int, conversation: int) -> bool:
        if self._writer.execute(_IS_MARKED, (chat,)).fetchone():
            self._note(job, number, "blocked")
            return False
        if self._writer.execute(_IS_ANOTHERS, (job, conversation)).fetchone():
            self._writer.execute(_DROP, (job, number))
            self._writer.execute(_ONE_LESS, (job,))
            return False
        return True

    def _note(self, job: int, number: int, fate: str) -> None:
        note(self._writer, job, number, fate)


def note(writer: sqlite3.Connection, job: int, number: int, fate: str) -> None:
    """Note what has become of a recipient."""
    writer.execute(_FATE, (fate, job, number))
    writer.execute(_COUNT[fate], (job,))


def announce(connection: sqlite3.Connection, new: NewBroadcast, now: float) -> Broadcast:
    """Note a job, or return the one that has its key."""
    of = (new.audience.bot, new.key)
    known = connection.execute(_OF_KEY, of).fetchone()
    if known is None:
        references.expect(connection, new.ref, new.expires_at, now)
        audience = _encode(new.audience).decode()
        connection.execute(_NOTE, (*of, new.text, new.content, audience, now))
        known = connection.execute(_OF_KEY, of).fetchone()
    return broadcast_in(known)


def steer(connection: sqlite3.Connection, number: int, order: Order) -> Broadcast | None:
    """Give an order to a job, and return it."""
    connection.execute(_ORDERS[order], (number,))
    found = connection.execute(_OF_NUMBER, (number,)).fetchone()
    return broadcast_in(found) if found else None


def settle_dead(
    writer: sqlite3.Connection, settled: Sequence[Settled], now: float
) -> list[Settled]:
    """Note what recipients did not take, and which chats take nothing; return what is left of it.

    A recipient that takes nothing is no dead letter.
    """
    left: list[Settled] = []
    for reply in settled:
        is_blocked = reply.dead is not None and reply.dead.is_blocked
        if is_blocked:
            writer.execute(_MARK, (now, reply.conversation))
        of = writer.execute(_OF_TURN, (reply.turn,)).fetchone()
        if of:
            job, number = of
            note(writer, job, number, "blocked" if is_blocked else "failed")
            writer.execute(_NOT_REACHED, (job,))
        if not (of and is_blocked):
            left.append(reply)
    return left
