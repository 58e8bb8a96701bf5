"""The state: values written, used and expired. Its functions run inside the open transaction.

1. A value is written once in a transaction, however many of its turns change it.
2. It is written only if the version is there that the turn expected; else none of the batch is.
3. A value that expires goes with the account and the conversation of the turn that used it last:
   there it is looked for when it is due, and told of when it has expired.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from typing import Any

from chatstate.messages import Chat, User
from chatstate.scope import Key, Place
from chatstate.stores import events
from chatstate.stores.base import Arrival, Expired, Expiry, TurnCommit, Value
from chatstate.stores.rows import Changes, NotAllError
from chatstate.stores.sqlite.inbox import Inbox
from chatstate.stores.sqlite.names import StateNames

_OF = """state = (SELECT id FROM state_names WHERE bot = ? AND scope = ? AND name = ?)
    AND place = ? AND person = ?"""
LOAD = f"SELECT value, version, schema, expires_at FROM state_values WHERE {_OF}"  # noqa: S608 - ours
STORED = """SELECT bot, scope, name FROM state_names
    WHERE EXISTS (SELECT 1 FROM state_values WHERE state = state_names.id) ORDER BY id"""
DUE = """SELECT place, person, conversation FROM state_values
    WHERE state = (SELECT id FROM state_names WHERE bot = ? AND scope = ? AND name = ?)
    AND schema <= ? AND account = ? AND expires_at <= ? LIMIT ? OFFSET ?"""
# Each for values that never expire and for those that do: a NULL as a parameter takes time.
_INSERT = """INSERT INTO state_values (value, version, schema, changed_at, state, place, person)
    VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING"""
_INSERT_EXPIRING = """INSERT INTO state_values (value, version, schema, changed_at,
        expires_at, account, conversation, state, place, person)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING"""
_UPDATE = """UPDATE state_values SET value = ?, version = ?, schema = ?, changed_at = ?,
        expires_at = NULL, account = NULL, conversation = NULL
    WHERE state = ? AND place = ? AND person = ? AND version = ?"""
_UPDATE_EXPIRING = """UPDATE state_values SET value = ?, version = ?, schema = ?, changed_at = ?,
        expires_at = ?, account = ?, conversation = ?
    WHERE state = ? AND place = ? AND person = ? AND version = ?"""
_USE = f"""UPDATE state_values SET expires_at = max(coalesce(expires_at, 0), ?),
        account = ?, conversation = ? WHERE {_OF}"""  # noqa: S608 - ours
_EXPIRED = f"SELECT value, schema, version FROM state_values WHERE {_OF} AND expires_at <= ?"  # noqa: S608 - ours
_REMOVE = f"DELETE FROM state_values WHERE {_OF}"  # noqa: S608 - ours
_WHERE = """SELECT c.account, c.id, c.platform_id, c.kind, c.title, nullif(k.thread, '')
    FROM conversations AS k JOIN chats AS c ON c.id = k.chat WHERE k.id = ?"""
_WHO = "SELECT platform_id, name FROM people WHERE id = ?"


def write(connection: sqlite3.Connection, names: StateNames, changes: Changes, now: float) -> None:
    """Write values. Raises `NotAllError` if one that is there is not what was expected."""
    rows: dict[str, list[tuple[Any, ...]]] = {}
    for key, (value, expected, place) in changes.items():
        row: tuple[Any, ...] = (value.text, value.version, value.schema, now)
        if value.expires_at is None:
            statement = _UPDATE if expected else _INSERT
        else:
            statement = _UPDATE_EXPIRING if expected else _INSERT_EXPIRING
            row += (value.expires_at, place.account, place.conversation)
        row += (names[key[:3]], key[3], key[4])
        if expected:
            row += (expected,)
        rows.setdefault(statement, []).append(row)
    for statement, some in rows.items():
        if connection.executemany(statement, some).rowcount != len(some):
            raise NotAllError


def read(connection: sqlite3.Connection, key: Key) -> Value | None:
    """Return what a key holds in the open transaction."""
    row = connection.execute(LOAD, key).fetchone()
    return Value(*row) if row else None


def use(connection: sqlite3.Connection, turns: Sequence[TurnCommit]) -> None:
    """Note that turns used values, which therefore expire later."""
    rows = [
        (used.expires_at, turn.place.account, turn.place.conversation, *used.key)
        for turn in turns
        for used in turn.used
    ]
    connection.executemany(_USE, rows)


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
        sender = User(*who) if who else User("")
        event = events.expiry(expired, sender, Chat(chat_id, kind, title), thread)
        place = Place(account, chat, expiry.conversation, person)
        return self._inbox.add(place, event, ahead=True)
