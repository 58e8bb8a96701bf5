"""A bot's accounts on platforms, and the tenants whose they are. Inside the open transaction."""

from __future__ import annotations

from chatstate.stores.accounts import refuse_other_bots, refuse_other_tenant
from chatstate.stores.base import Account
from chatstate.stores.postgres.transactions import Transaction

_FIND = """SELECT a.id, a.tenant, coalesce(t.name, '') FROM accounts AS a
    LEFT JOIN tenants AS t ON t.id = a.tenant
    WHERE a.bot = $1 AND a.platform = $2 AND a.platform_id = $3"""
# Another worker may have made this bot's own meanwhile.
_OTHERS = "SELECT bot FROM accounts WHERE bot <> $1 AND platform = $2 AND platform_id = $3"
_TENANT = """INSERT INTO tenants AS t (bot, name) VALUES ($1, $2)
    ON CONFLICT (bot, name) DO UPDATE SET name = t.name RETURNING id"""
_MAKE = """INSERT INTO accounts (bot, platform, platform_id, tenant) VALUES ($1, $2, $3, $4)
    ON CONFLICT DO NOTHING"""
_CURSORS = "SELECT part, cursor FROM cursors WHERE account = $1"

_IS_HERE = "INSERT INTO present VALUES ($1, $2) ON CONFLICT DO NOTHING"


async def found(
    transaction: Transaction, platform: str, platform_id: str, tenant: str, *, alone: bool
) -> Account:
    """Return the account of a bot, made if need be. Raises `StateError`."""
    name = (transaction.bot, platform, platform_id)
    row = await transaction.fetchrow(_FIND, *name)
    if row is None:
        if alone:
            others = [row[0] for row in await transaction.fetch(_OTHERS, *name)]
            refuse_other_bots(*name, others)
        number = await transaction.fetchval(_TENANT, transaction.bot, tenant) if tenant else 0
        await transaction.execute(_MAKE, *name, number)
        row = await transaction.fetchrow(_FIND, *name)
    account, of, known = row
    refuse_other_tenant(platform, platform_id, tenant, known=known)
    await transaction.execute(_IS_HERE, account, transaction.run)
    cursors = await transaction.fetch(_CURSORS, account)
    return Account(account, dict(cursors), of)
