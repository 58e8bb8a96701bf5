"""`Turns`, on dicts: what a turn reads, notes on its way, and commits.

1. All of a turn is looked at before any of it is written.
2. A turn is done once, in the order of its conversation, by the run that holds that.
3. That values were used is noted after all that the batch has changed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

from msgspec.structs import replace

from chatstate.scope import Key
from chatstate.stores.base import FoundButton, Outcome, TurnCommit, Value
from chatstate.testing.memory import holds, inbox, letters, lines, references, states, timers
from chatstate.testing.memory.tables import ButtonRow, EventRow
from chatstate.testing.memory.verbs import Verbs, verb

_Fate = Literal["waiting", "dropped", "ours", "another's"]


class MemoryTurns(Verbs):
    """The verbs of `chatstate.stores.base.Turns`."""

    @verb
    def load(self, keys: Sequence[Key]) -> Sequence[Value | None]:
        return [states.value_of(self._data, key) for key in keys]

    @verb
    def commit(self, turns: Sequence[TurnCommit]) -> Sequence[Outcome]:
        done: list[TurnCommit] = []
        outcomes: list[Outcome] = [self._commit(turn, done) for turn in turns]
        for turn in done:
            states.use(self._data, turn)
        return outcomes

    @verb
    def notes(self, turn: int) -> Mapping[str, str]:
        return dict(self._data.notes.get(turn, {}))

    @verb
    def note(self, turn: int, name: str, value: str) -> bool:
        row = self._data.events.get(turn)
        if row is None or row.done_at is not None or self._is_anothers(row):
            return False
        self._data.notes[turn][name] = value
        return True

    @verb
    def button(self, ref: str) -> FoundButton | None:
        row = self._data.buttons.get(ref)
        return row.found if row and row.expires_at > self._clock() else None

    def _commit(self, turn: TurnCommit, done: list[TurnCommit]) -> Outcome:
        fates = {seq: self._fate(seq, turn.attempt) for seq in (*turn.also, turn.seq)}
        live = [seq for seq, fate in fates.items() if fate == "waiting"]
        if not live or "another's" in fates.values():
            return "applied" if "ours" in fates.values() else "fenced"
        if any(self._fate(seq, 0) in ("waiting", "dropped") for seq in turn.after):
            return "conflict"
        if turn.late:
            values = [states.value_of(self._data, key) for key in turn.late.keys]
            finished = turn.late.finish(values)
            if finished is None:
                return "conflict"
            turn = finished
        turn = replace(turn, seq=live[-1], also=live[:-1])
        if not (self._is_next(turn) and states.are_expected(self._data, turn.changes)):
            return "conflict"
        if not timers.are_expected(self._data, turn):
            return "conflict"
        done.append(turn)
        return self._write(turn)

    def _fate(self, seq: int, attempt: int) -> _Fate:
        """Return what has become of an event; one that is long pruned was somebody's."""
        row = self._data.events.get(seq)
        if row is None:
            return "another's"
        if row.done_at is None:
            return "another's" if self._is_anothers(row) else "waiting"
        if row.attempt is None:
            return "dropped"
        return "ours" if row.attempt == attempt else "another's"

    def _is_anothers(self, row: EventRow) -> bool:
        return holds.is_anothers(self._data, row.conversation, self._worker)

    def _is_next(self, turn: TurnCommit) -> bool:
        """Tell whether no event waits before those of a turn."""
        row = self._data.events[turn.seq]
        waiting = self._data.waiting[row.conversation]
        before = [seq for seq in waiting if seq < turn.seq and seq not in turn.also]
        return row.ahead or not before

    def _write(self, turn: TurnCommit) -> Outcome:
        data, now = self._data, self._clock()
        for seq in (*turn.also, turn.seq):
            row = data.events[seq]
            if turn.dead:
                letters.of_event(data, row, turn.dead, now)
            elif turn.noted:
                data.notes.pop(seq, None)
            inbox.end(data, row, now, turn.attempt)
            lines.tell_whoever_stored(data, seq)
        for change in turn.changes:
            states.write(data, change, turn.place, now)
        for button in turn.buttons:
            where = button.conversation or turn.place.conversation
            found = FoundButton(where, None, button.sends, button.command)
            of = (turn.seq, button.part, button.expires_at, turn.place.person)
            data.buttons[button.ref] = ButtonRow(found, *of)
        for kept in turn.references:
            references.keep(data, turn, kept)
        timers.change(data, turn)
        return "behind" if self._owe(turn, now) else "applied"

    def _owe(self, turn: TurnCommit, now: float) -> bool:
        """Put what a turn owes into its lines; tell whether the first of it is behind news."""
        own = turn.place.conversation
        is_behind = own in self._worker.news
        for owed in turn.owed:
            where = owed.conversation or own
            if where != own and holds.put(self._data, where, self._worker):
                holds.tell(self._data, where)  # what it is not at work on is news to it
            lines.owe(self._data, where, owed, now, turn.place.person)
        return is_behind and bool(turn.owed)
