"""Buttons kept under a reference. Its statements run inside the open transaction."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

from chatstate.stores.base import FoundButton, Settled, TurnCommit

FIND = """SELECT conversation, message, sends, command FROM buttons
    WHERE ref = ? AND expires_at > ?"""
_KEEP = """INSERT INTO buttons (conversation, turn, person, ref, part, sends, command, expires_at)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT (ref) DO UPDATE SET turn = excluded.turn, part = excluded.part,
        person = excluded.person, sends = excluded.sends, expires_at = excluded.expires_at"""
_HANG = "UPDATE buttons SET message = ? WHERE conversation = ? AND turn = ? AND part = ?"
_PRUNE = "DELETE FROM buttons WHERE expires_at <= ?"


def keep(writer: sqlite3.Connection, turns: Sequence[TurnCommit]) -> None:
    """Keep the buttons of turns that are committed."""
    rows = [
        (
            *(b.conversation or turn.place.conversation, turn.seq, turn.place.person),
            *(b.ref, b.part, b.sends, b.command, b.expires_at),
        )
        for turn in turns
        for b in turn.buttons
    ]
    writer.executemany(_KEEP, rows)


def hang(writer: sqlite3.Connection, settled: Sequence[Settled]) -> None:
    """Note which messages the buttons hang on."""
    rows = [(s.message, s.conversation, s.turn, s.part) for s in settled if s.message is not None]
    if rows:
        writer.executemany(_HANG, rows)


def prune(writer: sqlite3.Connection, now: float) -> None:
    """Forget those that have expired."""
    writer.execute(_PRUNE, (now,))


def found(rows: Sequence[tuple[int, str | None, str, int]]) -> FoundButton | None:
    """Return the button in the rows of `FIND`."""
    for conversation, message, sends, command in rows:
        return FoundButton(conversation, message, sends, bool(command))
    return None
