"""The outbox: replies owed, and the files of theirs that lie in the store's folder.

1. What `Outbox` does, it does inside the open transaction.
2. `OutboxVerbs` are the store's: they hand work to the writer, and wait for it.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from chatstate.stores.base import Owed, Settled, owed_folder
from chatstate.stores.sqlite import broadcasts, buttons, references
from chatstate.stores.sqlite.group_commit import GroupCommit
from chatstate.stores.sqlite.many import Many

_OWED = """SELECT turn, part, body, begun_at, crashes, row, conversation, priority, best_before
    FROM outbox WHERE conversation = ? AND row > ? ORDER BY row LIMIT ?"""
_UNSENT = """UPDATE outbox SET begun_at = NULL, crashes = 0
    WHERE conversation = ? AND turn = ? AND part = ?"""
_BEGIN = """UPDATE outbox SET begun_at = coalesce(begun_at, ?), crashes = ?
    WHERE conversation = ? AND turn = ? AND part = ?"""
_DIES = """INSERT INTO dead_letters
    (bot, kind, conversation, person, turn, part, body, error, detail, died_at)
    SELECT a.bot, ?, o.conversation, o.person, o.turn, o.part, o.body, ?, ?, ?
    FROM outbox AS o
    JOIN conversations AS k ON k.id = o.conversation JOIN chats AS c ON c.id = k.chat
    JOIN accounts AS a ON a.id = c.account
    WHERE o.conversation = ? AND o.turn = ? AND o.part = ?"""
_SETTLED = Many(
    """DELETE FROM outbox WHERE row IN (
    SELECT o.row FROM (VALUES {rows}) AS s CROSS JOIN outbox AS o
    ON o.conversation = s.column1 AND o.turn = s.column2 AND o.part = s.column3)""",
    "(?, ?, ?)",
)


class Taking(NamedTuple):
    """What one call of `take` was given."""

    conversation: int
    after: int
    limit: int


class Outbox:
    """Hands out replies, durably begun. `marked` is told when a chat takes nothing any more."""

    def __init__(
        self,
        writer: sqlite3.Connection,
        clock: Callable[[], float],
        marked: Callable[[], None],
    ) -> None:
        self._writer = writer
        self._marked = marked
        self._clock = clock

    def take(self, takings: Sequence[Taking]) -> list[list[Owed]]:
        """Return the first replies of conversations; they count as begun from now on."""
        now = self._clock()
        results: list[list[Owed]] = []
        for taking in takings:
            taken = [Owed(*row) for row in self._writer.execute(_OWED, taking)]
            self._writer.executemany(
                _BEGIN,
                [(now, owed.crashes, taking.conversation, owed.turn, owed.part) for owed in taken],
            )
            results.append(taken)
        return results

    def begin(self, rows: Sequence[tuple[int, int, int, int]]) -> list[None]:
        """Note that sending begins, and how many crashes are held against these rows."""
        now = self._clock()
        self._writer.executemany(_BEGIN, [(now, *row) for row in rows])
        return [None] * len(rows)

    def unsent(self, rows: Sequence[tuple[int, int, int]]) -> list[None]:
        """Note that nothing of these rows has reached the platform."""
        self._writer.executemany(_UNSENT, rows)
        return [None] * len(rows)

    def settle(self, settled: Sequence[Settled]) -> list[None]:
        """Remove rows; those that are given up become dead letters."""
        now = self._clock()
        values: list[Any] = []
        for reply in settled:
            values += (reply.conversation, reply.turn, reply.part)
        dead = [reply for reply in settled if reply.dead]
        if dead:
            self._die(dead, now)
        _SETTLED.run(self._writer, values)
        buttons.hang(self._writer, settled)
        references.hang(self._writer, settled)
        return [None] * len(settled)

    def _die(self, settled: Sequence[Settled], now: float) -> None:
        left = broadcasts.settle_dead(self._writer, settled, now)
        dead = [
            (dead.kind, dead.error, dead.detail, now, reply.conversation, reply.turn, reply.part)
            for reply in left
            if (dead := reply.dead)
        ]
        self._writer.executemany(_DIES, dead)
        if any(reply.dead and reply.dead.is_blocked for reply in settled):
            self._marked()


class OutboxVerbs:
    """The verbs of what is owed, of a store that is open."""

    _commits: GroupCommit
    _outbox: Outbox

    @property
    def folder(self) -> Path:
        raise NotImplementedError

    async def take(self, conversation: int, after: int, limit: int) -> Sequence[Owed]:
        taking = Taking(conversation, after, limit)
        done: Sequence[Owed] = await self._commits.submit(self._outbox.take, taking)
        return done

    async def begin(self, conversation: int, turn: int, part: int, crashes: int = 0) -> None:
        await self._commits.submit(self._outbox.begin, (crashes, conversation, turn, part))

    async def unsent(self, conversation: int, turn: int, part: int) -> None:
        await self._commits.submit(self._outbox.unsent, (conversation, turn, part))

    def settle(self, settled: Settled) -> None:
        self._commits.submit_lazy(settled)

    async def keep(self, key: str, path: Path) -> None:
        """Do nothing: in the folder it is kept."""

    async def fetch(self, key: str) -> Path | None:
        path = owed_folder(self.folder) / key
        return path if path.exists() else None

    def discard(self, keys: Sequence[str]) -> None:
        for key in keys:
            with contextlib.suppress(OSError):  # the next start finds it
                (owed_folder(self.folder) / key).unlink(missing_ok=True)
