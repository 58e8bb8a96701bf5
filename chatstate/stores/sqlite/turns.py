"""Committing turns: a batch of them at once or, where that fails, one by one.

1. What a batch writes is gathered in one pass over it; then each statement runs once for all.
   What a turn does not use (dead letters, notes, buttons, other events) costs it one look.
2. A batch is first tried without a savepoint, for which SQLite would copy every page it changes.
   If some turn of it cannot be applied, the transaction is rolled back and tried again, now with
   a savepoint for each turn. Which these are is kept: there may be several batches in it.
3. An event is done only after those before it in its conversation. Where the inbox counts no
   other that waits, that need not be looked up.
4. A turn that is finished late is told what its values are here, and committed by itself.
"""

from __future__ import annotations

import itertools
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

import msgspec

from chatstate.stores.base import Outcome, TurnCommit
from chatstate.stores.rows import Changes, NotAllError, collapsed
from chatstate.stores.sqlite import buttons, references, states, timers
from chatstate.stores.sqlite.errors import TryAgainError
from chatstate.stores.sqlite.inbox import Inbox
from chatstate.stores.sqlite.many import Many
from chatstate.stores.sqlite.names import StateNames

_DONE = "UPDATE inbox SET body = NULL, done_at = ?, attempt = ? WHERE seq = ? AND done_at IS NULL"
_DONE_IN_ORDER = """UPDATE inbox SET body = NULL, done_at = ?, attempt = ?
    WHERE seq = ? AND done_at IS NULL
    AND (ahead OR NOT EXISTS (SELECT 1 FROM inbox AS earlier
        WHERE earlier.conversation = inbox.conversation
        AND earlier.seq < inbox.seq AND earlier.done_at IS NULL))"""
# Events that had to make room (`drop_oldest`) while a handler had them already.
_DIES = """INSERT INTO dead_letters
    (bot, kind, conversation, person, turn, body, error, detail, died_at)
    SELECT a.bot, 'event', i.conversation, i.person, i.seq, i.body, ?, ?, ?
    FROM inbox AS i JOIN accounts AS a ON a.id = i.account WHERE i.seq = ?"""
# A NULL as a parameter takes time: what is rarely there is nothing else in its place.
_OWE = Many(
    """INSERT INTO outbox
    (conversation, turn, part, body, owed_at, begun_at, priority, best_before, changes, person)
    VALUES {rows}""",
    "(?, ?, ?, ?, ?, ?, ?, nullif(?, 0.0), nullif(?, ''), ?)",
)
_FORGET_NOTES = "DELETE FROM notes WHERE turn = ?"

_Fate = Literal["waiting", "dropped", "ours", "another's"]


class Turns:
    """Commits turns inside the open transaction, and tells the inbox what waits no longer."""

    def __init__(
        self, writer: sqlite3.Connection, inbox: Inbox, clock: Callable[[], float]
    ) -> None:
        self._writer = writer
        self._inbox = inbox
        self._clock = clock
        self._names = StateNames(writer)
        self._apart: set[int] = set()  # turns of batches that could not be applied as a whole

    def reload(self) -> None:
        """Forget what was read in a transaction that was rolled back."""
        self._names.clear()

    def commit(self, works: Sequence[Sequence[TurnCommit]]) -> Sequence[Sequence[Outcome]]:
        """Commit turns in order; return the outcome of each, by the call it came in."""
        turns = works[0] if len(works) == 1 else [turn for work in works for turn in work]
        outcomes: list[Outcome] = self._all(turns)
        if len(works) == 1:
            return (outcomes,)
        ends = itertools.accumulate(len(work) for work in works)
        return [outcomes[end - len(work) : end] for work, end in zip(works, ends, strict=True)]

    def _all(self, turns: Sequence[TurnCommit]) -> list[Outcome]:
        if self._apart and not self._apart.isdisjoint(turn.seq for turn in turns):
            return self._each(turns)
        try:
            changes = collapsed(turns)
        except NotAllError:  # nothing is written yet
            return self._each(turns)
        if any(turn.late for turn in turns):
            return self._each(turns)
        try:
            self._apply(turns, changes, self._inbox.waiting, self._clock())
        except (NotAllError, sqlite3.IntegrityError) as error:
            self._apart.update(turn.seq for turn in turns)
            raise TryAgainError from error
        self._inbox.all_done(turns)
        return ["applied"] * len(turns)

    def _each(self, turns: Sequence[TurnCommit]) -> list[Outcome]:
        now = self._clock()
        outcomes: list[Outcome] = [self._by_itself(turn, now) for turn in turns]
        for conversation in {turn.place.conversation for turn in turns}:
            self._inbox.recount(conversation)
        self._apart.difference_update(turn.seq for turn in turns)
        return outcomes

    def _by_itself(self, turn: TurnCommit, now: float) -> Outcome:
        fates = {seq: self._fate(seq, turn.attempt) for seq in (*turn.also, turn.seq)}
        live = [seq for seq, fate in fates.items() if fate == "waiting"]
        if not live or "another's" in fates.values():
            return "applied" if "ours" in fates.values() else "fenced"
        if any(self._fate(seq, 0) in ("waiting", "dropped") for seq in turn.after):
            return "conflict"
        if turn.late:
            values = [states.read(self._writer, key) for key in turn.late.keys]
            finished = turn.late.finish(values)
            if finished is None:
                return "conflict"
            turn = finished
        return self._try(msgspec.structs.replace(turn, seq=live[-1], also=live[:-1]), now)

    def _try(self, turn: TurnCommit, now: float) -> Outcome:
        self._writer.execute("SAVEPOINT turn")
        try:
            self._apply((turn,), collapsed((turn,)), {}, now)
        except NotAllError:  # not for errors of the disk: these may have ended the transaction
            self._writer.execute("ROLLBACK TO turn")
            self._writer.execute("RELEASE turn")
            self._names.clear()
            return "conflict"
        self._writer.execute("RELEASE turn")
        return "applied"

    def _fate(self, seq: int, attempt: int) -> _Fate:
        """Return what has become of an event; one that is long pruned was somebody's."""
        row = self._writer.execute(
            "SELECT done_at, attempt FROM inbox WHERE seq = ?", (seq,)
        ).fetchone()
        if row is None:
            return "another's"
        if row[0] is None:
            return "waiting"
        if row[1] is None:
            return "dropped"
        return "ours" if row[1] == attempt else "another's"

    def _apply(
        self,
        turns: Sequence[TurnCommit],
        changes: Changes,
        waiting: Mapping[int, int],
        now: float,
    ) -> None:
        """Write what turns do. Raises `NotAllError` if one of them cannot be applied as it is."""
        done: list[tuple[Any, ...]] = []
        in_order: list[tuple[Any, ...]] = []
        owed: list[Any] = []
        special: list[TurnCommit] = []
        for turn in turns:
            conversation, person = turn.place.conversation, turn.place.person
            if (
                turn.also
                or turn.dead
                or turn.noted
                or turn.buttons
                or turn.used
                or turn.references
                or turn.timers
            ):
                special.append(turn)
                in_order += [(now, turn.attempt, seq) for seq in turn.also]
            rows = done if waiting.get(conversation) == 1 else in_order
            rows.append((now, turn.attempt, turn.seq))
            for reply in turn.owed:
                where = reply.conversation or conversation
                owed += (where, reply.turn, reply.part, reply.body, now, reply.begun_at)
                owed += (reply.priority, reply.best_before or 0.0, reply.changes, person)
        if special:
            self._die(special, now)
        self._write_all(_DONE, done)
        self._write_all(_DONE_IN_ORDER, in_order)
        states.write(self._writer, self._names, changes, now)
        _OWE.run(self._writer, owed)
        if special:
            self._finish(special)

    def _write_all(self, statement: str, rows: Sequence[tuple[Any, ...]]) -> None:
        if rows and self._writer.executemany(statement, rows).rowcount != len(rows):
            raise NotAllError

    def _die(self, turns: Sequence[TurnCommit], now: float) -> None:
        """Keep the events of turns that failed, before they are erased."""
        dead = [
            (turn.dead.error, turn.dead.detail, now, seq)
            for turn in turns
            if turn.dead
            for seq in (*turn.also, turn.seq)
        ]
        self._writer.executemany(_DIES, dead)

    def _finish(self, turns: Sequence[TurnCommit]) -> None:
        """Do what only some turns ask for. Those that died keep their notes, to be tried again."""
        noted = [
            (seq,)
            for turn in turns
            if turn.noted and not turn.dead
            for seq in (*turn.also, turn.seq)
        ]
        self._writer.executemany(_FORGET_NOTES, noted)
        states.use(self._writer, turns)
        buttons.keep(self._writer, turns)
        references.keep(self._writer, turns)
        timers.change(self._writer, turns)
