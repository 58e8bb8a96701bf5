"""References to what is sent. Its functions run inside the open transaction."""

from __future__ import annotations

from collections.abc import Sequence

from chatstate.stores.base import Reference, Settled, TurnCommit
from chatstate.stores.postgres.columns import columns
from chatstate.stores.postgres.transactions import Transaction

_FIND = """SELECT conversation, turn, message, content, is_deleted, sent_after FROM sent
    WHERE ref = $1 AND expires_at > $2"""
_NEWEST = 'SELECT turn, part FROM outbox WHERE changes = $1 ORDER BY "row" DESC LIMIT 1'
_KEEP = """INSERT INTO sent (ref, conversation, turn, part, expires_at, person)
    SELECT * FROM unnest($1::text[], $2::bigint[], $3::bigint[], $4::integer[], $5::float8[],
        $6::bigint[])
    ON CONFLICT (ref) DO UPDATE SET conversation = excluded.conversation, turn = excluded.turn,
        part = excluded.part, person = excluded.person"""
_EXPECT = """INSERT INTO sent AS s (ref, expires_at) VALUES ($1, $2)
    ON CONFLICT (ref) DO UPDATE SET expires_at = excluded.expires_at, conversation = 0, turn = 0,
        part = 0, message = NULL, content = NULL, is_deleted = false, sent_after = 0,
        person = 0
    WHERE s.expires_at <= $3"""
_LEAD = "UPDATE sent SET conversation = $1, turn = $2 WHERE ref = $3"
_HANG = """UPDATE sent AS s
    SET message = g.message, sent_after = (SELECT coalesce(max(seq), 0) FROM inbox)
    FROM unnest($1::text[], $2::bigint[], $3::bigint[], $4::integer[])
        AS g(message, conversation, turn, part)
    WHERE s.conversation = g.conversation AND s.turn = g.turn AND s.part = g.part"""
_AMEND = """UPDATE sent SET content = $2, is_deleted = is_deleted OR $2::text IS NULL
    WHERE ref = $1"""
_PRUNE = "DELETE FROM sent WHERE expires_at <= $1"


async def find(transaction: Transaction, ref: str) -> Reference | None:
    """Return what a reference leads to."""
    row = await transaction.fetchrow(_FIND, ref, transaction.now)
    if row is None:
        return None
    newest = await transaction.fetchrow(_NEWEST, ref)
    conversation, turn, message, content, is_deleted, after = row
    last = (newest[0], newest[1]) if newest else None
    return Reference(conversation, turn, message, content, is_deleted, last, after)


async def amend(transaction: Transaction, ref: str, content: str | None) -> None:
    """Note what a message should say; None if it is deleted."""
    await transaction.execute(_AMEND, ref, content)


async def keep(transaction: Transaction, turns: Sequence[TurnCommit]) -> None:
    """Keep the references of turns that are committed."""
    rows = [
        (kept.ref, kept.conversation, turn.seq, kept.part, kept.expires_at, turn.place.person)
        for turn in turns
        for kept in turn.references
    ]
    if rows:
        await transaction.execute(_KEEP, *columns(rows, 6))


async def expect(transaction: Transaction, ref: str, expires_at: float) -> bool:
    """Keep a reference to what will be sent. False if it is known already."""
    done: str = await transaction.execute(_EXPECT, ref, expires_at, transaction.now)
    return done == "INSERT 0 1"


async def lead(transaction: Transaction, ref: str, conversation: int, turn: int) -> None:
    """Let a reference lead to what a turn will send first."""
    await transaction.execute(_LEAD, conversation, turn, ref)


async def hang(transaction: Transaction, settled: Sequence[Settled]) -> None:
    """Note which messages references lead to."""
    rows = [(s.referred, s.conversation, s.turn, s.part) for s in settled if s.referred is not None]
    if rows:
        await transaction.execute(_HANG, *columns(rows, 4))


async def prune(transaction: Transaction) -> None:
    """Forget those whose time is over."""
    await transaction.execute(_PRUNE, transaction.now)
