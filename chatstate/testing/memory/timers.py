"""Timers, on dicts: set, cancelled and fired.

1. A timer that has fired stays until its event's turn is committed, which then takes it away, sets
   it again, or leaves one that was set anew meanwhile.
2. Only timers of conversations that this run may handle fire here.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

import msgspec
from msgspec.structs import replace

from chatstate.stores import events
from chatstate.stores.base import Arrival, Firing, StoredTimer, TimerChange, TurnCommit
from chatstate.testing.memory import directory, holds, inbox
from chatstate.testing.memory.tables import MemoryData, TimerKey
from chatstate.testing.memory.verbs import Verbs, verb

_encode = msgspec.json.Encoder().encode


class MemoryTimers(Verbs):
    """The verbs of timers."""

    @verb
    def timers(self, conversation: int, person: int) -> Sequence[StoredTimer]:
        return _sorted(
            timer
            for timer in self._data.timers.values()
            if (timer.conversation, timer.person) == (conversation, person)
        )

    @verb
    def timer_handlers(self, accounts: Collection[int]) -> Sequence[str]:
        return sorted({timer.handler for timer in self._of(accounts)})

    @verb
    def schedule(self, timers: Sequence[StoredTimer]) -> None:
        for timer in timers:
            there = self._data.timers.get(_key(timer))
            if there is None or there.text != timer.text:
                self._data.timers[_key(timer)] = timer

    @verb
    def fire(self, accounts: Collection[int], limit: int) -> Firing:
        waiting = _sorted(timer for timer in self._of(accounts) if not timer.fired)
        now = self._clock()
        is_for, data, worker = holds.is_for, self._data, self._worker
        due = [
            timer
            for timer in waiting
            if timer.due_at <= now and is_for(data, timer.conversation, worker)
        ]
        arrivals = [self._fire(timer) for timer in due[:limit]]
        left = [timer.due_at for timer in waiting if timer not in due[:limit]]
        return Firing([arrival for arrival in arrivals if arrival], min(left, default=None))

    def _of(self, accounts: Collection[int]) -> list[StoredTimer]:
        account_of, timers = self._data.account_of, self._data.timers.values()
        return [timer for timer in timers if account_of(timer.conversation) in accounts]

    def _fire(self, timer: StoredTimer) -> Arrival | None:
        data = self._data
        place = directory.place_in(data, timer.conversation, timer.person)
        sender, chat = directory.user_of(data, timer.person), directory.chat_of(data, place.chat)
        thread = data.conversations[timer.conversation].thread or None
        is_blocked = data.chats[place.chat].is_blocked
        event = events.timer(timer, sender, chat, thread, is_blocked=is_blocked)
        arrival = Arrival(data.number("event"), place, event)
        is_mine = holds.put(data, timer.conversation, self._worker)
        body = _encode(event).decode()
        inbox.add(data, arrival, body, self._clock(), self._worker.id)
        data.timers[_key(timer)] = replace(timer, fired=arrival.seq)
        return arrival if is_mine else None


def are_expected(data: MemoryData, turn: TurnCommit) -> bool:
    """Tell whether the timers are there that a turn expects."""
    for change in turn.timers:
        there = data.timers.get(_changed(turn, change))
        if change.expected and (there is None or there.generation != change.expected):
            return False
    return True


def change(data: MemoryData, turn: TurnCommit) -> None:
    """Do to timers what a turn does."""
    for changed in turn.timers:
        data.timers.pop(_changed(turn, changed), None)
        if changed.timer:
            data.timers[_key(changed.timer)] = changed.timer


def move(data: MemoryData, mine: int, other: int) -> None:
    """Move the timers of a conversation to another one, but for those that this has itself."""
    for timer in [timer for timer in data.timers.values() if timer.conversation == other]:
        del data.timers[_key(timer)]
        moved = replace(timer, conversation=mine)
        data.timers.setdefault(_key(moved), moved)


def _key(timer: StoredTimer) -> TimerKey:
    return timer.conversation, timer.person, timer.key


def _changed(turn: TurnCommit, change: TimerChange) -> TimerKey:
    return turn.place.conversation, change.person, change.key


def _sorted(timers: Iterable[StoredTimer]) -> list[StoredTimer]:
    return sorted(timers, key=lambda timer: (timer.due_at, timer.generation))
