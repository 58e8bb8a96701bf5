"""Which conversations have work from before: one process holds the file, so all of it is its own.

What is stored in this run is its run's already, and is not told again.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections import deque
from collections.abc import Collection, Mapping, Sequence

import msgspec

from chatstate.stores.base import Claim, Role

_WITH_WORK = """SELECT conversation, max(waits), max(owes) FROM (
        SELECT conversation, 1 AS waits, 0 AS owes, seq AS number FROM inbox
        WHERE done_at IS NULL AND account = ?
        UNION ALL
        SELECT o.conversation, 0, 1, o.row FROM outbox AS o
        JOIN conversations AS k ON k.id = o.conversation JOIN chats AS c ON c.id = k.chat
        WHERE c.account = ?)
    GROUP BY conversation ORDER BY max(waits) DESC, min(number)"""


class Claims:
    """Hands out the conversations of this run's accounts that have work. `crashes` came before."""

    def __init__(self, crashes: int) -> None:
        self._crashes = crashes
        self._accounts: set[int] = set()
        self._found: deque[Claim] = deque()

    @property
    def accounts(self) -> str:
        """The accounts of this run, as statements take them."""
        return msgspec.json.encode(sorted(self._accounts)).decode()

    def add(self, connection: sqlite3.Connection, account: int) -> None:
        """Look for the work of an account, which this run has from now on."""
        if account not in self._accounts:
            self._accounts.add(account)
            for conversation, waits, owes in connection.execute(_WITH_WORK, (account, account)):
                self._found.append(Claim(conversation, bool(waits), bool(owes), self._crashes))

    def take(self, limit: int) -> Sequence[Claim]:
        """Return the next conversations."""
        return [self._found.popleft() for _ in range(min(limit, len(self._found)))]


class ClaimVerbs:
    """The verbs of who works on what, of a store that is open: its process is alone."""

    _claims: Claims

    @property
    def is_sole(self) -> bool:
        return True

    async def lead(
        self,
        roles: Sequence[Role],
        most: int | None = None,  # noqa: ARG002 - the process is alone: it has them all
    ) -> Sequence[Role]:
        return roles

    async def cede(self, roles: Sequence[Role]) -> None:
        pass  # nobody else could take them

    async def leave(self, account: int) -> None:
        pass  # nobody else could have it

    async def peers(self) -> Mapping[int, int]:
        return {}

    async def claim(self, limit: int, but: Collection[int] = ()) -> Sequence[Claim]:  # noqa: ARG002 - ours anyway
        return self._claims.take(limit)

    async def release(
        self,
        conversations: Sequence[int],  # noqa: ARG002 - ours anyway
        *,
        working: bool = False,  # noqa: ARG002 - nobody else could handle it
    ) -> Sequence[int]:
        return ()

    async def wait(self) -> None:
        await asyncio.get_running_loop().create_future()  # nobody else has work for us
