"""What stores that speak SQL make of the contract's data, and of rows, alike."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from chatstate.messages import Chat, User
from chatstate.scope import Key, Place
from chatstate.stores.base import TurnCommit, Value
from chatstate.stores.broadcasts import Audience, Broadcast, Candidate, Recipient, Unreached

IDS = """coalesce(a.platform, '') AS platform, coalesce(c.platform_id, '') AS chat,
    coalesce(k.thread, '') AS thread, coalesce(p.platform_id, '') AS person,
    coalesce(a.platform_id, '') AS account, coalesce(t.name, '') AS tenant"""
JOINS = """LEFT JOIN conversations AS k ON k.id = {conversation}
    LEFT JOIN chats AS c ON c.id = {chat}
    LEFT JOIN people AS p ON p.id = {person}
    LEFT JOIN accounts AS a ON a.id = coalesce(c.account, p.account)
    LEFT JOIN tenants AS t ON t.id = {tenant}"""
"""How the ids in a row lead to those of the platform, and what these are called."""

FIGURES = """SELECT (SELECT count(*) FROM inbox WHERE done_at IS NULL),
    (SELECT min(arrived_at) FROM inbox WHERE done_at IS NULL),
    (SELECT count(*) FROM outbox), (SELECT min(owed_at) FROM outbox),
    (SELECT count(*) FROM dead_letters),
    (SELECT max(died_at) FROM dead_letters WHERE kind = 'event'), ({crashed_at})"""
"""The columns of `Figures`, with what a store knows of runs that have crashed."""

recipient_in = msgspec.json.Decoder(Recipient).decode
_audience = msgspec.json.Decoder(Audience).decode


class NotAllError(Exception):
    """Some turn of a batch cannot be applied as it is."""


Changes = dict[Key, tuple[Value, int, Place]]
"""By key: the new value, the version expected to be there (0 for none), and who wrote it where."""


def collapsed(turns: Sequence[TurnCommit]) -> Changes:
    """Join changes of one key, each made on the one before, into a single write.

    Raises `NotAllError` if one was not made on the one before.
    """
    last: Changes = {}
    for turn in turns:
        for change in turn.changes:
            key, expected = change.key, change.expected
            if key in last:
                before, expected, _ = last[key]
                if before.version != change.expected:
                    raise NotAllError
            last[key] = (change.value, expected, turn.place)
    return last


def broadcast_in(row: Sequence[Any]) -> Broadcast:
    """Return the job in a row."""
    number, bot, key, body, content, audience, standing, is_paused, *rest = row
    told = (number, bot, key, body, content, _audience(audience), standing, bool(is_paused))
    return Broadcast(*told, *rest)


def candidates_of_crowd(rows: Sequence[Any]) -> list[Candidate]:
    """Return the candidates in rows of `CROWD`."""
    return [Candidate(number, Recipient(account, Chat(*chat))) for number, account, *chat in rows]


def candidates_with_value(rows: Sequence[Any]) -> list[Candidate]:
    """Return the candidates in rows of `WITH_VALUE`."""
    return [_with_value(*row) for row in rows]


def _with_value(
    number: int,
    account: int,
    chat: str | None,
    kind: Any,
    title: str,
    thread: str | None,
    person: str | None,
    name: str,
    *value: Any,
) -> Candidate:
    if person is not None:
        recipient = Recipient(account, user=User(person, name))
    else:
        recipient = Recipient(account, Chat(chat or "", kind, title), thread)
    return Candidate(number, recipient, Value(*value))


def unreached(rows: Sequence[Any]) -> list[Unreached]:
    """Return the recipients in rows of `UNREACHED`."""
    return [Unreached(number, recipient_in(body), where) for number, body, where in rows]
