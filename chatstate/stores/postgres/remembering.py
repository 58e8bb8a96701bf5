"""What adapters keep for themselves, by account and name. Inside the open transaction."""

from __future__ import annotations

from collections.abc import Sequence

from chatstate.stores.postgres.columns import columns
from chatstate.stores.postgres.transactions import Transaction

Text = tuple[int, str, str | None]
"""An account, a name, and what is remembered under it; None forgets that."""

_REMEMBER = """INSERT INTO remembered
    SELECT * FROM unnest($1::bigint[], $2::text[], $3::text[]) ORDER BY 1, 2
    ON CONFLICT (account, name) DO UPDATE SET value = excluded.value"""
_FORGET = """DELETE FROM remembered AS r USING unnest($1::bigint[], $2::text[]) AS g(account, name)
    WHERE r.account = g.account AND r.name = g.name"""
_RECEIVERS = """SELECT run FROM roles
    WHERE account = ANY($1::bigint[]) AND duty = 'poller' AND part = ''"""
RECALL = "SELECT value FROM remembered WHERE account = $1 AND name = $2"
RECALL_ALL = """SELECT name, value FROM remembered
    WHERE account = $1 AND starts_with(name, $2) ORDER BY name COLLATE "C" LIMIT $3"""


async def keep(transaction: Transaction, texts: Sequence[Text]) -> Sequence[None]:
    """Remember and forget; whoever receives for the accounts is woken for what is new."""
    last = {(account, name): text for account, name, text in texts}
    kept = [(*of, text) for of, text in last.items() if text is not None]
    gone = [of for of, text in last.items() if text is None]
    if gone:
        await transaction.execute(_FORGET, *columns(gone, 2))
    if kept:
        await transaction.execute(_REMEMBER, *columns(kept, 3))
        receivers = await transaction.fetch(_RECEIVERS, [account for account, _, _ in kept])
        transaction.runs.update(row[0] for row in receivers)
    return [None] * len(texts)
