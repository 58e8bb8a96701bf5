"""The state: values written, used and expired. Its functions run inside the open transaction.

1. A value is written once in a transaction, however many of its turns change it.
2. It is written only if the version is there that the turn expected; else none of the batch is.
3. Where a batch changes several shared values, they are locked in the order of their keys first.
4. A value that expires goes with the account and the conversation of the turn that used it last.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from chatstate.messages import Chat, User
from chatstate.scope import SHARED, Key, Place
from chatstate.stores import events
from chatstate.stores.base import Arrival, Expired, Expiry, TurnCommit, Value
from chatstate.stores.postgres import directory, holds, inbox
from chatstate.stores.postgres.columns import columns
from chatstate.stores.postgres.transactions import Transaction
from chatstate.stores.rows import Changes, NotAllError

_KEYS = """unnest($1::text[], $2::text[], $3::text[], $4::bigint[], $5::bigint[])
    WITH ORDINALITY AS g(bot, scope, name, place, person, n)"""
_SAME = """s.bot = g.bot AND s.scope = g.scope AND s.name = g.name
    AND s.place = g.place AND s.person = g.person"""
LOAD = f"""SELECT s.value::text, s.version, s.schema, s.expires_at FROM {_KEYS}
    LEFT JOIN states AS s ON {_SAME} ORDER BY g.n"""  # noqa: S608 - ours
STORED = "SELECT bot, scope, name FROM states GROUP BY bot, scope, name ORDER BY min(number)"
DUE = """SELECT s.place, s.person, s.conversation FROM states AS s
    JOIN conversations AS k ON k.id =
        CASE WHEN s.scope IN ('member', 'thread') THEN s.place ELSE s.conversation END
    WHERE s.bot = $1 AND s.scope = $2 AND s.name = $3 AND s.schema <= $4 AND s.account = $5
    AND s.expires_at <= $6 AND (k.holder = $7 OR (k.holder IS NULL AND EXISTS (
        SELECT 1 FROM roles WHERE account = s.account AND duty = 'clock' AND run = $7)))
    ORDER BY s.number LIMIT $8 OFFSET $9"""
_LOCK = f"""SELECT s.version FROM {_KEYS} JOIN states AS s ON {_SAME}
    ORDER BY s.bot, s.scope, s.name, s.place, s.person FOR NO KEY UPDATE OF s"""  # noqa: S608 - ours
_ROWS = """unnest($1::text[], $2::text[], $3::text[], $4::bigint[], $5::bigint[], $6::text[],
    $7::bigint[], $8::integer[], $9::float8[], $10::bigint[], $11::bigint[], $12::bigint[])
    AS g(bot, scope, name, place, person, value, version, schema, expires_at, account, conversation,
        expected)"""
_INSERT = f"""INSERT INTO states (bot, scope, name, place, person, value, version, schema,
        changed_at, expires_at, account, conversation)
    SELECT bot, scope, name, place, person, value::json, version, schema, $13::float8, expires_at,
        account, conversation FROM {_ROWS} ORDER BY 1, 2, 3, 4, 5 ON CONFLICT DO NOTHING"""  # noqa: S608 - ours
_UPDATE = f"""UPDATE states AS s SET value = g.value::json, version = g.version, schema = g.schema,
        changed_at = $13, expires_at = g.expires_at, account = g.account,
        conversation = g.conversation
    FROM {_ROWS} WHERE {_SAME} AND s.version = g.expected"""  # noqa: S608 - ours
_OF = "bot = $1 AND scope = $2 AND name = $3 AND place = $4 AND person = $5"
_USE = f"""UPDATE states SET expires_at = greatest(coalesce(expires_at, 0), $6), account = $7,
    conversation = $8 WHERE {_OF}"""  # noqa: S608 - ours
_EXPIRED = f"""DELETE FROM states WHERE {_OF} AND expires_at <= $6
    RETURNING value::text, schema, version"""  # noqa: S608 - ours
_WHO = "SELECT platform_id, name FROM people WHERE id = $1"


async def write(transaction: Transaction, changes: Changes) -> None:
    """Write values. Raises `NotAllError` if one that is there is not what was expected."""
    if not changes:
        return
    shared = [key for key in changes if key.scope in SHARED]
    if len(shared) > 1:
        await transaction.fetch(_LOCK, *columns(shared, 5))
    rows = [_row(key, *changes[key]) for key in changes]
    for statement, some in (
        (_INSERT, [row for row in rows if not row[-1]]),
        (_UPDATE, [row for row in rows if row[-1]]),
    ):
        if some:
            done = await transaction.execute(statement, *columns(some, 12), transaction.now)
            if int(done.rpartition(" ")[2]) != len(some):
                raise NotAllError


def _row(key: Key, value: Value, expected: int, place: Place) -> tuple[Any, ...]:
    of = (*key, value.text, value.version, value.schema, value.expires_at)
    if value.expires_at is None:
        return (*of, None, None, expected)
    return (*of, place.account, place.conversation, expected)


async def locked(transaction: Transaction, keys: Sequence[Key]) -> list[Value | None]:
    """Return what keys hold, which nobody else changes until the end of the transaction."""
    await transaction.fetch(_LOCK, *columns(keys, 5))
    return values(await transaction.fetch(LOAD, *columns(keys, 5)))


def values(rows: Sequence[Sequence[Any]]) -> list[Value | None]:
    """Return the values in rows of `LOAD`."""
    return [Value(*row) if row[0] is not None else None for row in rows]


async def use(transaction: Transaction, turns: Sequence[TurnCommit]) -> None:
    """Note that turns used values, which therefore expire later."""
    for turn in turns:
        of = (turn.place.account, turn.place.conversation)
        for used in turn.used:
            await transaction.execute(_USE, *used.key, used.expires_at, *of)


async def expire(transaction: Transaction, expiries: Sequence[Expiry]) -> list[Arrival | None]:
    """Remove values that have expired, and make them events; see `States.expire`."""
    locked = await holds.lock(transaction, {expiry.conversation for expiry in expiries})
    return [await _expire(transaction, locked, expiry) for expiry in expiries]


async def _expire(
    transaction: Transaction, locked: dict[int, holds.Hold], expiry: Expiry
) -> Arrival | None:
    scope, name = expiry.key.scope, expiry.key.name
    if locked[expiry.conversation].is_anothers(transaction.run):
        return None
    if expiry.version is not None:
        return await _tell(
            transaction, locked, expiry, Expired(scope, name, None, 0, expiry.version)
        )
    found = await transaction.fetchrow(_EXPIRED, *expiry.key, transaction.now)
    if found is None or not expiry.told:
        return None
    return await _tell(transaction, locked, expiry, Expired(scope, name, *found))


async def _tell(
    transaction: Transaction, locked: dict[int, holds.Hold], expiry: Expiry, expired: Expired
) -> Arrival | None:
    conversation, person = expiry.conversation, expiry.key.person
    account, chat, chat_id, kind, title, thread = await transaction.fetchrow(
        directory.PLACE, conversation
    )
    who = await transaction.fetchrow(_WHO, person)
    event = events.expiry(
        expired, User(*who) if who else User(""), Chat(chat_id, kind, title), thread or None
    )
    place = Place(account, chat, conversation, person)
    arrival = await inbox.add(transaction, place, event, ahead=True)
    await holds.put(transaction, locked, {conversation: arrival.seq})
    hold = locked[conversation]
    is_mine = hold.holder == transaction.run or (hold.holder is None and hold.ready is None)
    return arrival if is_mine else None
