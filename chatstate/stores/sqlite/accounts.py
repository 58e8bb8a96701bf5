"""A bot's accounts on platforms, and the tenants whose they are."""

from __future__ import annotations

import sqlite3
from typing import NamedTuple

from chatstate.stores.accounts import refuse_other_bots, refuse_other_tenant
from chatstate.stores.base import Account

_FIND = """SELECT a.id, a.tenant, coalesce(t.name, '') FROM accounts AS a
    LEFT JOIN tenants AS t ON t.id = a.tenant
    WHERE a.bot = ? AND a.platform = ? AND a.platform_id = ?"""
_OTHERS = "SELECT bot FROM accounts WHERE platform = ? AND platform_id = ?"
_TENANT = """INSERT INTO tenants (bot, name) VALUES (?, ?)
    ON CONFLICT DO UPDATE SET name = name RETURNING id"""
_MAKE = "INSERT INTO accounts (bot, platform, platform_id, tenant) VALUES (?, ?, ?, ?) RETURNING id"


class AccountName(NamedTuple):
    """An account that is wanted; see `Inbox.account`."""

    platform: str
    platform_id: str
    tenant: str = ""
    alone: bool = False


def found(writer: sqlite3.Connection, bot: str, name: AccountName) -> Account:
    """Return the account of a bot, made if need be. Raises `StateError`."""
    row = writer.execute(_FIND, (bot, *name[:2])).fetchone()
    if row:
        number, tenant, told = row
        refuse_other_tenant(*name[:3], known=told)
    else:
        others = [found for (found,) in writer.execute(_OTHERS, name[:2])]
        if name.alone:
            refuse_other_bots(bot, *name[:2], others)
        (tenant,) = writer.execute(_TENANT, (bot, name.tenant)).fetchone() if name.tenant else (0,)
        (number,) = writer.execute(_MAKE, (bot, *name[:2], tenant)).fetchone()
    cursors = writer.execute("SELECT part, cursor FROM cursors WHERE account = ?", (number,))
    return Account(number, dict(cursors), tenant)
