"""The state: values written, used and expired. Its functions run inside the open transaction."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence

import msgspec

from chatstate.messages import Chat, Event, Message, User
from chatstate.scope import Key, Place
from chatstate.stores.base import Arrival, Change, Expired, Expiry, TurnCommit
from chatstate.stores.sqlite.inbox import Inbox

LOAD = """SELECT value, version, schema, expires_at FROM states
    WHERE bot = ? AND scope = ? AND name = ? AND place = ? AND person = ?"""
DUE = """SELECT bot, scope, name, place, person, conversation FROM states
    WHERE bot = ? AND scope = ? AND name = ? AND schema <= ? AND account = ? AND expires_at <= ?
    LIMIT ? OFFSET ?"""
# Each for values that never expire and for those that do: a NULL as a parameter takes time.
_INSERT = """INSERT INTO states (value, version, schema, changed_at,
        bot, scope, name, place, person)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING"""
_INSERT_EXPIRING = """INSERT INTO states (value, version, schema, changed_at,
        expires_at, account, conversation, bot, scope, name, place, person)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING"""
_UPDATE = """UPDATE states SET value = ?, version = ?, schema = ?, changed_at = ?,
        expires_at = NULL, account = NULL, conversation = NULL
    WHERE bot = ? AND scope = ? AND name = ? AND place = ? AND person = ? AND version = ?"""
_UPDATE_EXPIRING = """UPDATE states SET value = ?, version = ?, schema = ?, changed_at = ?,
        expires_at = ?, account = ?, conversation = ?
    WHERE bot = ? AND scope = ? AND name = ? AND place = ? AND person = ? AND version = ?"""
_USE = """UPDATE states SET expires_at = max(coalesce(expires_at, 0), ?),
        account = ?, conversation = ?
    WHERE bot = ? AND scope = ? AND name = ? AND place = ? AND person = ?"""
_EXPIRED = """SELECT value, schema, version FROM states
    WHERE bot = ? AND scope = ? AND name = ? AND place = ? AND person = ? AND expires_at <= ?"""
_REMOVE = """DELETE FROM states
    WHERE bot = ? AND scope = ? AND name = ? AND place = ? AND person = ?"""
_WHERE = """SELECT c.account, c.id, c.platform_id, c.kind, c.title, nullif(k.thread, '')
    FROM conversations AS k JOIN chats AS c ON c.id = k.chat WHERE k.id = ?"""
_WHO = "SELECT platform_id, name FROM people WHERE id = ?"


def write(connection: sqlite3.Connection, turns: Sequence[TurnCommit], now: float) -> bool:
    """Write what turns changed and used; tell whether each value was as its turn expected it."""
    changes = _collapsed(turns)
    if changes is None:
        return False
    rows: dict[str, list[tuple[object, ...]]] = {}
    for change, place in changes:
        value = change.value
        row = (value.text, value.version, value.schema, now)
        expected = (change.expected,) if change.expected else ()
        if value.expires_at is None:
            statement = _UPDATE if expected else _INSERT
            row = (*row, *change.key, *expected)
        else:
            statement = _UPDATE_EXPIRING if expected else _INSERT_EXPIRING
            where = (value.expires_at, place.account, place.conversation)
            row = (*row, *where, *change.key, *expected)
        rows.setdefault(statement, []).append(row)
    for statement, some in rows.items():
        if connection.executemany(statement, some).rowcount != len(some):
            return False
    used = [
        (use.expires_at, turn.place.account, turn.place.conversation, *use.key)
        for turn in turns
        for use in turn.used
    ]
    if used:
        connection.executemany(_USE, used)
    return True


def _collapsed(turns: Sequence[TurnCommit]) -> list[tuple[Change, Place]] | None:
    """Join changes of one key, each made on the one before, into a single write."""
    last: dict[Key, tuple[Change, Place]] = {}
    for turn in turns:
        for change in turn.changes:
            before = last.get(change.key)
            if before is None:
                last[change.key] = (change, turn.place)
            elif before[0].value.version == change.expected:
                joined = Change(change.key, before[0].expected, change.value)
                last[change.key] = (joined, turn.place)
            else:
                return None
    return list(last.values())


class Expiries:
    """Removes values that have expired, and makes them events of their conversations."""

    def __init__(
        self, writer: sqlite3.Connection, inbox: Inbox, clock: Callable[[], float]
    ) -> None:
        self._writer = writer
        self._inbox = inbox
        self._clock = clock

    def expire(self, calls: Sequence[Sequence[Expiry]]) -> list[list[Arrival | None]]:
        """Do it, for each call; see `Store.expire`."""
        now = self._clock()
        return [[self._expire(expiry, now) for expiry in call] for call in calls]

    def _expire(self, expiry: Expiry, now: float) -> Arrival | None:
        scope, name = expiry.key.scope, expiry.key.name
        if expiry.version is not None:
            return self._tell(expiry, Expired(scope, name, None, 0, expiry.version))
        found = self._writer.execute(_EXPIRED, (*expiry.key, now)).fetchone()
        if found is None:
            return None
        self._writer.execute(_REMOVE, expiry.key)
        return self._tell(expiry, Expired(scope, name, *found)) if expiry.told else None

    def _tell(self, expiry: Expiry, expired: Expired) -> Arrival:
        where = self._writer.execute(_WHERE, (expiry.conversation,)).fetchone()
        account, chat, chat_id, kind, title, thread = where
        person = expiry.key.person
        who = self._writer.execute(_WHO, (person,)).fetchone()
        message = Message(
            expired.name,
            User(*who) if who else User(""),
            Chat(chat_id, kind, title),
            "expiry",
            thread,
            raw=msgspec.to_builtins(expired),
        )
        event = Event(f"expired-{expired.version}", message)
        place = Place(account, chat, expiry.conversation, person)
        return self._inbox.add(place, event, ahead=True)
