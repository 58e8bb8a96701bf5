"""The outbox: replies owed. Its functions run inside the open transaction."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from typing import NamedTuple

from chatstate.stores.base import Owed, Settled
from chatstate.stores.sqlite import buttons, references

_OWED = """SELECT turn, part, body, begun_at, crashes, row, conversation, priority, best_before
    FROM outbox WHERE conversation = ? AND row > ? ORDER BY row LIMIT ?"""
_UNSENT = """UPDATE outbox SET begun_at = NULL, crashes = 0
    WHERE conversation = ? AND turn = ? AND part = ?"""
_BEGIN = """UPDATE outbox SET begun_at = coalesce(begun_at, ?), crashes = ?
    WHERE conversation = ? AND turn = ? AND part = ?"""
_DIES = """INSERT INTO dead_letters
    (bot, kind, conversation, person, turn, part, body, error, detail, died_at)
    SELECT a.bot, 'reply', o.conversation, 0, o.turn, o.part, o.body, ?, ?, ? FROM outbox AS o
    JOIN conversations AS k ON k.id = o.conversation JOIN chats AS c ON c.id = k.chat
    JOIN accounts AS a ON a.id = c.account
    WHERE o.conversation = ? AND o.turn = ? AND o.part = ?"""
_SETTLED = "DELETE FROM outbox WHERE conversation = ? AND turn = ? AND part = ?"


class Taking(NamedTuple):
    """What one call of `take` was given."""

    conversation: int
    after: int
    limit: int


class Outbox:
    """Hands out replies, durably begun."""

    def __init__(self, writer: sqlite3.Connection, clock: Callable[[], float]) -> None:
        self._writer = writer
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
        rows = [(reply.conversation, reply.turn, reply.part) for reply in settled]
        dead = [
            (reply.dead.error, reply.dead.detail, now, *row)
            for reply, row in zip(settled, rows, strict=True)
            if reply.dead
        ]
        if dead:
            self._writer.executemany(_DIES, dead)
        self._writer.executemany(_SETTLED, rows)
        buttons.hang(self._writer, settled)
        references.hang(self._writer, settled)
        return [None] * len(settled)
