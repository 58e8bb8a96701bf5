"""References to what is sent. Its functions run inside the open transaction."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence

from chatstate.stores.base import Reference, Settled, TurnCommit

_FIND = """SELECT conversation, turn, message, content, is_deleted, sent_after FROM sent
    WHERE ref = ? AND expires_at > ?"""
_NEWEST = "SELECT turn, part FROM outbox WHERE changes = ? ORDER BY row DESC LIMIT 1"
_KEEP = """INSERT INTO sent (ref, conversation, turn, part, expires_at, person)
    VALUES (?, ?, ?, ?, ?, ?)
    ON CONFLICT DO UPDATE SET conversation = excluded.conversation, turn = excluded.turn,
        part = excluded.part, person = excluded.person"""
_FORGET_EXPIRED = "DELETE FROM sent WHERE ref = ? AND expires_at <= ?"
_EXPECT = "INSERT INTO sent (ref, expires_at) VALUES (?, ?) ON CONFLICT DO NOTHING"
_LEAD = "UPDATE sent SET conversation = ?, turn = ? WHERE ref = ?"
_HANG = """UPDATE sent SET message = ?, sent_after = (SELECT coalesce(max(seq), 0) FROM inbox)
    WHERE conversation = ? AND turn = ? AND part = ?"""
_AMEND = "UPDATE sent SET content = ? WHERE ref = ?"
_DELETE = "UPDATE sent SET is_deleted = 1, content = NULL WHERE ref = ?"
_PRUNE = "DELETE FROM sent WHERE expires_at <= ?"


class References:
    """Finds what references lead to, and notes what becomes of that."""

    def __init__(self, writer: sqlite3.Connection, clock: Callable[[], float]) -> None:
        self._writer = writer
        self._clock = clock

    def find(self, refs: Sequence[str]) -> list[Reference | None]:
        """Return what each leads to."""
        return [self._find(ref) for ref in refs]

    def amend(self, amended: Sequence[tuple[str, str | None]]) -> list[None]:
        """Note what messages should say; None if they are deleted."""
        for ref, content in amended:
            if content is None:
                self._writer.execute(_DELETE, (ref,))
            else:
                self._writer.execute(_AMEND, (content, ref))
        return [None] * len(amended)

    def _find(self, ref: str) -> Reference | None:
        row = self._writer.execute(_FIND, (ref, self._clock())).fetchone()
        if row is None:
            return None
        conversation, turn, message, content, is_deleted, after = row
        newest = self._writer.execute(_NEWEST, (ref,)).fetchone()
        return Reference(conversation, turn, message, content, bool(is_deleted), newest, after)


def keep(writer: sqlite3.Connection, turns: Sequence[TurnCommit]) -> None:
    """Keep the references of turns that are committed."""
    rows = [
        (kept.ref, kept.conversation, turn.seq, kept.part, kept.expires_at, turn.place.person)
        for turn in turns
        for kept in turn.references
    ]
    if rows:
        writer.executemany(_KEEP, rows)


def expect(writer: sqlite3.Connection, ref: str, expires_at: float, now: float) -> bool:
    """Keep a reference to what will be sent. False if it is known already."""
    writer.execute(_FORGET_EXPIRED, (ref, now))
    return writer.execute(_EXPECT, (ref, expires_at)).rowcount == 1


def lead(writer: sqlite3.Connection, ref: str, conversation: int, turn: int) -> None:
    """Let a reference lead to what a turn will send first."""
    writer.execute(_LEAD, (conversation, turn, ref))


def hang(writer: sqlite3.Connection, settled: Sequence[Settled]) -> None:
    """Note which messages references lead to."""
    rows = [(s.referred, s.conversation, s.turn, s.part) for s in settled if s.referred is not None]
    if rows:
        writer.executemany(_HANG, rows)


def prune(writer: sqlite3.Connection, now: float) -> None:
    """Forget those whose time is over."""
    writer.execute(_PRUNE, (now,))
