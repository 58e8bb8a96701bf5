"""Buttons kept under a reference. Its functions run inside the open transaction."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from chatstate.stores.base import FoundButton, Settled, TurnCommit
from chatstate.stores.postgres.columns import columns
from chatstate.stores.postgres.transactions import Transaction

FIND = """SELECT conversation, message, sends, command FROM buttons
    WHERE ref = $1 AND expires_at > $2"""
_KEEP = """INSERT INTO buttons (ref, conversation, turn, part, sends, command, expires_at, person)
    SELECT * FROM unnest($1::text[], $2::bigint[], $3::bigint[], $4::integer[], $5::text[],
        $6::boolean[], $7::float8[], $8::bigint[])
    ON CONFLICT (ref) DO UPDATE SET turn = excluded.turn, part = excluded.part,
        person = excluded.person, sends = excluded.sends, expires_at = excluded.expires_at"""
_HANG = """UPDATE buttons AS b SET message = g.message
    FROM unnest($1::text[], $2::bigint[], $3::bigint[], $4::integer[])
        AS g(message, conversation, turn, part)
    WHERE b.conversation = g.conversation AND b.turn = g.turn AND b.part = g.part"""
_PRUNE = "DELETE FROM buttons WHERE expires_at <= $1"


async def keep(transaction: Transaction, turns: Sequence[TurnCommit]) -> None:
    """Keep the buttons of turns that are committed."""
    rows = {
        b.ref: (
            *(b.ref, b.conversation or turn.place.conversation, turn.seq),
            *(b.part, b.sends, b.command, b.expires_at, turn.place.person),
        )
        for turn in turns
        for b in turn.buttons
    }
    if rows:
        await transaction.execute(_KEEP, *columns(list(rows.values()), 8))


async def hang(transaction: Transaction, settled: Sequence[Settled]) -> None:
    """Note which messages the buttons hang on."""
    rows = [(s.message, s.conversation, s.turn, s.part) for s in settled if s.message is not None]
    if rows:
        await transaction.execute(_HANG, *columns(rows, 4))


async def prune(transaction: Transaction) -> None:
    """Forget those that have expired."""
    await transaction.execute(_PRUNE, transaction.now)


def found(rows: Sequence[Sequence[Any]]) -> FoundButton | None:
    """Return the button in the rows of `FIND`."""
    return FoundButton(*rows[0]) if rows else None
