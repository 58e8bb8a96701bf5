"""Roles: what one run at a time does for an account, or for a part of it.

1. They end with their run: whoever has one has it as surely as it is alive.
2. A run is there for an account from when it asks for that until it leaves it, or ends.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from chatstate.stores.base import Role
from chatstate.stores.postgres import holds, runs
from chatstate.stores.postgres.columns import columns
from chatstate.stores.postgres.transactions import Transaction, Transactions

_OF = "unnest($1::bigint[], $2::text[], $3::text[]) AS g(account, duty, part)"
_LED = f"""SELECT account, duty, part, run FROM roles
    JOIN {_OF} USING (account, duty, part)"""  # noqa: S608 - ours
_TAKE = f"""INSERT INTO roles SELECT account, duty, part, $4 FROM {_OF} ORDER BY 1, 2, 3
    ON CONFLICT DO NOTHING RETURNING account, duty, part"""  # noqa: S608 - ours
_CEDE = f"""DELETE FROM roles AS r USING {_OF} WHERE r.run = $4 AND r.account = g.account
    AND r.duty = g.duty AND r.part = g.part"""  # noqa: S608 - ours
_LEAVE = """WITH ceded AS (DELETE FROM roles WHERE account = $1 AND run = $2)
    DELETE FROM present WHERE account = $1 AND run = $2"""
_HELD = "SELECT id FROM conversations WHERE account = $1 AND holder = $2"
_PEERS = """SELECT account, count(*) FROM present WHERE account = ANY($1::bigint[])
    GROUP BY account HAVING count(*) > 1"""


class RoleVerbs:
    """The verbs of roles of a store that is open."""

    _transactions: Transactions
    _accounts: set[int]
    _lease_time: Callable[[], float | None]

    async def lead(self, roles: Sequence[Role], most: int | None = None) -> Sequence[Role]:
        return await self._transactions.write(lambda t: _lead(t, self._lease_time(), roles, most))

    async def cede(self, roles: Sequence[Role]) -> None:
        await self._transactions.write(lambda t: _cede(t, roles))

    async def leave(self, account: int) -> None:
        self._accounts.discard(account)
        await self._transactions.write(lambda t: _leave(t, account))

    async def peers(self) -> Mapping[int, int]:
        rows = await self._transactions.read(_PEERS, list(self._accounts))
        return dict(rows)


async def _lead(
    transaction: Transaction, now: float | None, roles: Sequence[Role], most: int | None
) -> Sequence[Role]:
    """Take those of these roles that no run has, up to `most`; return those the run has."""
    await runs.bury(transaction, now)
    led = {_role(row): row[3] for row in await transaction.fetch(_LED, *_columns(roles))}
    mine = {role for role, run in led.items() if run == transaction.run}
    free = [role for role in roles if role not in led]
    wanted = free if most is None else free[: max(most - len(mine), 0)]
    if wanted:
        taken = await transaction.fetch(_TAKE, *_columns(wanted), transaction.run)
        mine.update(map(_role, taken))
    return [role for role in roles if role in mine]


async def _cede(transaction: Transaction, roles: Sequence[Role]) -> None:
    """Let go of roles; whoever waits for them is told."""
    await transaction.execute(_CEDE, *_columns(roles), transaction.run)
    transaction.tell(None)


async def _leave(transaction: Transaction, account: int) -> None:
    """Let go of all that the run has of an account."""
    held = [row[0] for row in await transaction.fetch(_HELD, account, transaction.run)]
    await transaction.execute(_LEAVE, account, transaction.run)
    await holds.release(transaction, held, working=True)
    transaction.tell(None)


def _role(row: Sequence[Any]) -> Role:
    account, duty, part = row[:3]
    return Role(duty, account, part)


def _columns(roles: Sequence[Role]) -> list[list[Any]]:
    return columns([(role.account, role.duty, role.part) for role in roles], 3)
