"""Which conversations have work from before: one process holds the file, so all of it is its own.

What is stored in this run is its run's already, and is not told again.
"""

from __future__ import annotations

import sqlite3
from collections import deque
from collections.abc import Sequence

import msgspec

from chatstate.stores.base import Claim

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
