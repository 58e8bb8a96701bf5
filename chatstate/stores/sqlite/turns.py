"""Committing turns: the statements, for many at once or, where that fails, one by one."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import Literal

import msgspec

from chatstate.stores.base import Outcome, TurnCommit
from chatstate.stores.sqlite import buttons, states

_DONE = """UPDATE inbox SET body = NULL, done_at = ?, attempt = ? WHERE seq = ? AND done_at IS NULL
    AND (ahead OR NOT EXISTS (SELECT 1 FROM inbox AS earlier
        WHERE earlier.conversation = inbox.conversation
        AND earlier.seq < inbox.seq AND earlier.done_at IS NULL))"""
# Events that had to make room (`drop_oldest`) while a handler had them already.
_DIES = """INSERT INTO dead_letters
    (bot, kind, conversation, person, turn, body, error, detail, died_at)
    SELECT a.bot, 'event', i.conversation, i.person, i.seq, i.body, ?, ?, ?
    FROM inbox AS i JOIN accounts AS a ON a.id = i.account WHERE i.seq = ?"""
_OWE = """INSERT INTO outbox (conversation, turn, part, body, owed_at, begun_at)
    VALUES (?, ?, ?, ?, ?, ?)"""


class _NotAllError(Exception):
    """Some turn of a batch cannot be applied as it is."""


def commit_turns(
    connection: sqlite3.Connection, turns: Sequence[TurnCommit], now: float
) -> tuple[list[Outcome], bool]:
    """Commit `turns`, in order, inside the open transaction.

    Return what became of each, and whether all are applied now, for the first time.
    """
    connection.execute("SAVEPOINT turns")
    try:
        _apply(connection, turns, now)
    except (_NotAllError, sqlite3.IntegrityError):
        _undo(connection, "turns")
        return [_commit_one(connection, turn, now) for turn in turns], False
    connection.execute("RELEASE turns")
    return ["applied"] * len(turns), True


def _commit_one(connection: sqlite3.Connection, turn: TurnCommit, now: float) -> Outcome:
    fates = {seq: _fate(connection, seq, turn.attempt) for seq in (*turn.also, turn.seq)}
    live = [seq for seq, fate in fates.items() if fate == "waiting"]
    if not live or "another's" in fates.values():
        return "applied" if "ours" in fates.values() else "fenced"
    if any(_fate(connection, seq, 0) in ("waiting", "dropped") for seq in turn.after):
        return "conflict"
    turn = msgspec.structs.replace(turn, seq=live[-1], also=live[:-1])
    connection.execute("SAVEPOINT one")
    try:
        _apply(connection, (turn,), now)
    except _NotAllError:
        _undo(connection, "one")
        return "conflict"
    connection.execute("RELEASE one")
    return "applied"


def _fate(
    connection: sqlite3.Connection, seq: int, attempt: int
) -> Literal["waiting", "dropped", "ours", "another's"]:
    """Return what has become of an event; one that is long pruned was somebody's."""
    row = connection.execute("SELECT done_at, attempt FROM inbox WHERE seq = ?", (seq,)).fetchone()
    if row is None:
        return "another's"
    if row[0] is None:
        return "waiting"
    if row[1] is None:
        return "dropped"
    return "ours" if row[1] == attempt else "another's"


def _undo(connection: sqlite3.Connection, savepoint: str) -> None:
    """Not for errors of the disk: these may have ended the transaction and its savepoints."""
    connection.execute(f"ROLLBACK TO {savepoint}")
    connection.execute(f"RELEASE {savepoint}")


def _apply(connection: sqlite3.Connection, turns: Sequence[TurnCommit], now: float) -> None:
    dead = [
        (t.dead.error, t.dead.detail, now, seq) for t in turns if t.dead for seq in (*t.also, t.seq)
    ]
    if dead:
        connection.executemany(_DIES, dead)
    _all(
        connection,
        _DONE,
        [(now, turn.attempt, seq) for turn in turns for seq in (*turn.also, turn.seq)],
    )
    noted = [
        (seq,) for turn in turns if turn.noted and not turn.dead for seq in (*turn.also, turn.seq)
    ]
    if noted:
        connection.executemany("DELETE FROM notes WHERE turn = ?", noted)
    if not states.write(connection, turns, now):
        raise _NotAllError
    owed = [
        (turn.place.conversation, reply.turn, reply.part, reply.body, now, reply.begun_at)
        for turn in turns
        for reply in turn.owed
    ]
    if owed:
        connection.executemany(_OWE, owed)
        buttons.keep(connection, turns)


def _all(
    connection: sqlite3.Connection, statement: str, rows: Sequence[tuple[object, ...]]
) -> None:
    if rows and connection.executemany(statement, rows).rowcount != len(rows):
        raise _NotAllError
