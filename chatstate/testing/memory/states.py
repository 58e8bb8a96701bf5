"""`States`, on dicts: values beyond a turn.

1. A value is written only if the version is there that its turn expected.
2. A value that expires goes with the account and the conversation of the turn that used it last.
3. What has expired in a conversation is found by the run that holds it; where nobody does, by the
   one that leads the clock.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec
from msgspec.structs import replace

from chatstate.scope import Key, Place, Scope
from chatstate.stores import events
from chatstate.stores.base import (
    Arrival,
    Change,
    Due,
    Expired,
    Expiry,
    Role,
    StoredState,
    TurnCommit,
    Value,
)
from chatstate.testing.memory import directory, holds, inbox
from chatstate.testing.memory.tables import OF_A_CONVERSATION, MemoryData, ValueRow
from chatstate.testing.memory.verbs import Verbs, verb

_encode = msgspec.json.Encoder().encode


class MemoryStates(Verbs):
    """The verbs of `chatstate.stores.base.States`."""

    @property
    def is_sole(self) -> bool:
        return False

    @verb
    def stored_states(self) -> Sequence[StoredState]:
        states = (StoredState(key.bot, key.scope, key.name) for key in self._data.values)
        return list(dict.fromkeys(states))

    @verb
    def due(
        self, bound: tuple[Scope, str, int], account: int, skip: int, limit: int
    ) -> Sequence[Due]:
        scope, name, schema = bound
        of = (self._worker.bot, scope, name)
        found = [
            Due(key, row.conversation)
            for key, row in self._data.values.items()
            if key[:3] == of and row.account == account and row.value.schema <= schema
            if self._is_over(row) and self._is_ours(key, row)
        ]
        return found[skip : skip + limit]

    @verb
    def expire(self, expiries: Sequence[Expiry]) -> Sequence[Arrival | None]:
        return [self._expire(expiry) for expiry in expiries]

    @verb
    def remember(self, account: int, name: str, text: str | None) -> None:
        if text is None:
            self._data.remembered.pop((account, name), None)
        else:
            self._data.remembered[account, name] = text
        receiver = self._data.leaders.get(Role("poller", account))
        if receiver:
            receiver.woken.set()

    @verb
    def recall(self, account: int, name: str) -> str | None:
        return self._data.remembered.get((account, name))

    @verb
    def recall_all(self, account: int, prefix: str, limit: int) -> Mapping[str, str]:
        found = sorted(self._data.remembered.items())
        names = [(of[1], text) for of, text in found if of[0] == account]
        return dict([named for named in names if named[0].startswith(prefix)][:limit])

    def _is_over(self, row: ValueRow) -> bool:
        ends = row.value.expires_at
        return ends is not None and ends <= self._clock()

    def _is_ours(self, key: Key, row: ValueRow) -> bool:
        lane = key.place if key.scope in OF_A_CONVERSATION else row.conversation
        return holds.is_for(self._data, lane, self._worker)

    def _expire(self, expiry: Expiry) -> Arrival | None:
        key, conversation = expiry.key, expiry.conversation
        if holds.is_anothers(self._data, conversation, self._worker):
            return None
        if expiry.version is not None:
            return self._tell(expiry, Expired(key.scope, key.name, None, 0, expiry.version))
        row = self._data.values.get(key)
        if row is None or not self._is_over(row):
            return None
        del self._data.values[key]
        value = row.value
        expired = Expired(key.scope, key.name, value.text, value.schema, value.version)
        return self._tell(expiry, expired) if expiry.told else None

    def _tell(self, expiry: Expiry, expired: Expired) -> Arrival | None:
        data, person = self._data, expiry.key.person
        place = directory.place_in(data, expiry.conversation, person)
        sender, chat = directory.user_of(data, person), directory.chat_of(data, place.chat)
        thread = data.conversations[place.conversation].thread or None
        event = events.expiry(expired, sender, chat, thread)
        arrival = Arrival(data.number("event"), place, event, ahead=True)
        holds.put(data, place.conversation, self._worker)
        is_mine = data.conversations[place.conversation].holder is self._worker  # also with news
        body = _encode(event).decode()
        inbox.add(data, arrival, body, self._clock(), self._worker.id, ahead=True)
        return arrival if is_mine else None


def value_of(data: MemoryData, key: Key) -> Value | None:
    """Return what a key holds."""
    row = data.values.get(key)
    return row.value if row else None


def are_expected(data: MemoryData, changes: Sequence[Change]) -> bool:
    """Tell whether changes were made on what is there, or each on the one before."""
    made: dict[Key, int] = {}
    for change in changes:
        value = value_of(data, change.key)
        if change.expected != made.get(change.key, value.version if value else 0):
            return False
        made[change.key] = change.value.version
    return True


def write(data: MemoryData, change: Change, place: Place, now: float) -> None:
    """Write a value, for a turn at a place."""
    row = data.values.get(change.key)
    number = row.number if row else data.number("value")
    account, conversation = place.account, place.conversation
    if change.value.expires_at is None:
        account = conversation = 0
    data.values[change.key] = ValueRow(number, change.value, now, account, conversation)


def use(data: MemoryData, turn: TurnCommit) -> None:
    """Note that a turn used values, which therefore expire later."""
    for used in turn.used:
        row = data.values.get(used.key)
        if row:
            ends = max(row.value.expires_at or 0.0, used.expires_at)
            row.value = replace(row.value, expires_at=ends)
            row.account, row.conversation = turn.place.account, turn.place.conversation
