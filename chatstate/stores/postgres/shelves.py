"""What everybody who looks sees, shelf by shelf.

1. A shelf is one statement, whose columns are named as the fields of `Entry`. Filters are
   conditions on these columns, the same for all shelves.
2. It is read on any connection, whether a bot runs or not.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import msgspec
from msgspec.structs import replace

from chatstate.inspection import role_name
from chatstate.scope import Key
from chatstate.stores.base import Entry, Filter, KnownAccount, KnownWorker, Shelf
from chatstate.stores.postgres.transactions import Transaction
from chatstate.stores.rows import IDS, JOINS


class _Rows(NamedTuple):
    """The rows on a shelf: their columns, where they come from, and whose they are."""

    columns: str
    table: str
    conversation: str
    person: str
    chat: str = "k.chat"
    tenant: str = "a.tenant"
    condition: str = "true"

    def statement(self, conditions: str) -> str:
        """Return what selects those that agree with `conditions` on the columns."""
        where = JOINS.format_map(self._asdict())
        return (
            f"SELECT * FROM (SELECT {self.columns}, {IDS} FROM {self.table} {where} "  # noqa: S608 - ours
            f"WHERE {self.condition}) AS shelf WHERE number > $1{conditions} "
            "ORDER BY number LIMIT $2"
        )


_SHELVES: dict[Shelf, _Rows] = {
    "states": _Rows(
        """s.number, s.bot, s.changed_at AS at, s.value::text AS body, s.scope, s.name,
        s.place AS in_place, s.person AS of_person, s.version, s.schema, s.expires_at,
        coalesce((SELECT r.verb FROM requests AS r WHERE r.letter = 0 AND r.bot = s.bot
            AND r.body::jsonb -> 'key'
                = jsonb_build_array(s.bot, s.scope, s.name, s.place, s.person)
            ORDER BY r.id DESC LIMIT 1), '') AS asked""",
        "states AS s",
        "CASE WHEN s.scope IN ('member', 'thread') THEN s.place END",
        "s.person",
        "CASE WHEN s.scope = 'chat' THEN s.place ELSE k.chat END",
        "CASE WHEN s.scope = 'global' THEN s.place ELSE a.tenant END",
    ),
    "inbox": _Rows(
        "i.seq AS number, a.bot, i.arrived_at AS at, i.body, i.crashes",
        "inbox AS i",
        "i.conversation",
        "i.person",
        condition="i.done_at IS NULL",
    ),
    "running": _Rows(
        "i.seq AS number, a.bot, i.arrived_at AS at, i.body, i.crashes",
        "inbox AS i",
        "i.conversation",
        "i.person",
        condition="""i.done_at IS NULL AND k.holder IS NOT NULL AND NOT EXISTS (
            SELECT 1 FROM inbox AS j WHERE j.conversation = i.conversation AND j.done_at IS NULL
            AND (j.ahead, -j.seq) > (i.ahead, -i.seq))""",
    ),
    "outbox": _Rows(
        'o."row" AS number, a.bot, o.owed_at AS at, o.body, o.begun_at, o.crashes',
        "outbox AS o",
        "o.conversation",
        "o.person",
    ),
    "dead": _Rows(
        """d.id AS number, d.bot, d.died_at AS at, d.body, d.kind, d.error, d.detail,
        coalesce((SELECT r.verb FROM requests AS r WHERE r.letter = d.id
            ORDER BY r.id DESC LIMIT 1), '') AS asked""",
        "dead_letters AS d",
        "d.conversation",
        "d.person",
    ),
    "timers": _Rows(
        "m.generation AS number, a.bot, m.due_at AS at, m.text AS body, m.handler AS kind",
        "timers AS m",
        "m.conversation",
        "m.person",
    ),
    "people": _Rows(
        "w.id AS number, a.bot, 0.0::float8 AS at, to_json(w.name)::text AS body",
        "people AS w",
        "NULL::bigint",
        "w.id",
    ),
    "chats": _Rows(
        "h.id AS number, a.bot, 0.0::float8 AS at, to_json(h.title)::text AS body, h.kind",
        "chats AS h",
        "NULL::bigint",
        "h.person",
        "h.id",
        condition="h.platform_id <> ''",
    ),
    "conversations": _Rows(
        "l.id AS number, a.bot, 0.0::float8 AS at, to_json(c.title)::text AS body, c.kind",
        "conversations AS l",
        "l.id",
        "NULL::bigint",
        condition="l.merged_into IS NULL AND c.platform_id <> ''",
    ),
}
_SECRETS = "SELECT bot, secret FROM secrets"
_ACCOUNTS = "SELECT id, bot, platform, platform_id FROM accounts ORDER BY id"
_WORKERS = """SELECT r.id, r.bot, r.host, r.pid, r.started_at,
        r.lease_until - coalesce($1::float8, extract(epoch FROM clock_timestamp())),
        ARRAY(SELECT ARRAY[l.duty, a.platform, a.platform_id, l.part]
            FROM roles AS l JOIN accounts AS a ON a.id = l.account
            WHERE l.run = r.id ORDER BY l.duty, a.id, l.part),
        (SELECT count(*) FROM conversations WHERE holder = r.id), w.waiting, w.oldest_at,
        r.versions, r.engine
    FROM runs AS r CROSS JOIN LATERAL (
        SELECT count(*) AS waiting, min(i.arrived_at) AS oldest_at FROM inbox AS i
        JOIN conversations AS k ON k.id = i.conversation
        WHERE i.done_at IS NULL AND k.holder = r.id) AS w
    WHERE r.ended_at IS NULL ORDER BY r.id"""
_CONDITIONS = ("bot", "platform", "scope", "name", "chat", "person", "account", "tenant")
_OF_KEY = ("scope", "name", "in_place", "of_person")


async def entries(transaction: Transaction, shelf: Shelf, chosen: Filter) -> Sequence[Entry]:
    """Return the entries of a shelf that are wanted, in the order of their numbers."""
    names = [name for name in _CONDITIONS if shelf == "states" or name not in ("scope", "name")]
    wanted = [(name, getattr(chosen, name)) for name in names]
    given = [(name, value) for name, value in wanted if value is not None]
    conditions = "".join(f" AND {name} = ${n}" for n, (name, _) in enumerate(given, 3))
    statement = _SHELVES[shelf].statement(conditions)
    of = (chosen.after, chosen.limit, *(value for _, value in given))
    return [_entry(dict(row)) for row in await transaction.fetch(statement, *of)]


async def entry(transaction: Transaction, shelf: Shelf, number: int) -> Entry | None:
    """Return the entry of a number, None if there is none."""
    statement = _SHELVES[shelf].statement(" AND number = $3")
    row = await transaction.fetchrow(statement, 0, 1, number)
    return _entry(dict(row)) if row else None


async def accounts(transaction: Transaction) -> Sequence[KnownAccount]:
    """Return the accounts that bots have had."""
    return [KnownAccount(*row) for row in await transaction.fetch(_ACCOUNTS)]


async def secrets(transaction: Transaction) -> Mapping[str, bytes]:
    """Return the bots' secrets."""
    return {bot: bytes(secret) for bot, secret in await transaction.fetch(_SECRETS)}


async def workers(transaction: Transaction, now: float | None) -> Sequence[KnownWorker]:
    """Return the runs that live."""
    rows = await transaction.fetch(_WORKERS, now)
    return [_worker(*row) for row in rows]


def _worker(*row: Any) -> KnownWorker:
    (number, bot, host, pid, started_at, lease, roles, *held, versions, engine) = row
    names = [role_name(*role) for role in roles]
    known = KnownWorker(number, bot, host, pid, started_at, float(lease), names, *held)
    return replace(known, versions=msgspec.json.decode(versions), engine=engine)


def _entry(row: dict[str, Any]) -> Entry:
    if "scope" in row:
        row["key"] = Key(row["bot"], *(row.pop(name) for name in _OF_KEY))
    return Entry(**row)
