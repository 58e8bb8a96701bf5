"""Values that are kept in memory alone, in front of the store.

Those of states that are not durable (`durable=False`), and all that is a guest's (`Host.guest`).

1. What a turn changed is kept exactly when the store has applied the turn. A turn that expected
   another version is a conflict, and never reaches the store.
2. A turn whose values were made by one that is not applied is not applied either.
3. At most 100,000 values of one state are kept; the oldest make room.
4. A guest's values go with the guest. Who has been one stays one, so that a turn of theirs that
   ends later is not stored either; the 10,000 newest are known.
"""

from __future__ import annotations

import contextlib
import itertools
from collections import OrderedDict, defaultdict
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Sequence

import msgspec
from msgspec.structs import replace

from chatstate.clock import Clock
from chatstate.messages import Chat, User
from chatstate.scope import PERSONAL, SHARED, Key, Place, Scope
from chatstate.state.bound import BoundState
from chatstate.stores.base import (
    APPLIED,
    Change,
    Due,
    Erased,
    Late,
    Outcome,
    Store,
    TurnCommit,
    Value,
)

_KEPT = 100_000
_GUESTS = 10_000


def volatile_before(
    store: Store, states: Iterable[BoundState], clock: Clock, *, has_guests: bool
) -> VolatileStates | None:
    """Return what to put in front of a store, if some of `states` want one, or guests may come."""
    unstored = [state for state in states if not state.lifecycle.durable]
    return VolatileStates(store, unstored, clock) if unstored or has_guests else None


def foreign_keys(store: Store, volatile: VolatileStates | None) -> Callable[[Key], bool] | None:
    """Return what tells whether other runs may change a value: a shared one that is in the store.

    None if there are no other runs.
    """
    if store.is_sole:
        return None
    return lambda key: key.scope in SHARED and not (volatile and volatile.keeps(key))


class _Kept(msgspec.Struct, frozen=True):
    value: Value
    conversation: int


class VolatileStates:
    """Loads and commits as the store does, but for the values of some `states`, and of guests."""

    def __init__(self, store: Store, states: Iterable[BoundState], clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._states = {(state.scope, state.name) for state in states}
        self._kept: defaultdict[_Shelf, OrderedDict[Key, _Kept]] = defaultdict(OrderedDict)
        self._guests: dict[_Owner, None] = {}  # the oldest come first

    async def load(self, keys: Sequence[Key]) -> Sequence[Value | None]:
        """See `Store.load`."""
        if not (self._states or self._guests):
            return await self._store.load(keys)
        stored = [key for key in keys if not self.keeps(key)]
        if len(stored) == len(keys):
            return await self._store.load(keys)
        found = dict(zip(stored, await self._store.load(stored) if stored else (), strict=True))
        return [self._value(key) if self.keeps(key) else found[key] for key in keys]

    async def commit(self, turns: Sequence[TurnCommit]) -> Sequence[Outcome]:
        """See `Store.commit`."""
        if not (self._states or self._guests):
            return await self._store.commit(turns)
        outcomes: list[Outcome] = ["conflict"] * len(turns)
        made: dict[Key, tuple[int, int]] = {}  # the version, and the turn that makes it
        good: list[tuple[int, TurnCommit]] = []
        for index, turn in enumerate(turns):
            mine = [change for change in turn.changes if self.keeps(change.key)]
            if all(self._is_expected(change, made) for change in mine):
                after = [made[change.key][1] for change in mine if change.key in made]
                made.update({change.key: (change.value.version, turn.seq) for change in mine})
                good.append((index, self._for_the_store(turn, after)))
        done = await self._store.commit([turn for _, turn in good]) if good else ()
        for (index, _), outcome in zip(good, done, strict=True):
            outcomes[index] = outcome
            if outcome in APPLIED:
                self._keep(turns[index])
        return outcomes

    def keeps(self, key: Key) -> bool:
        """Tell whether it is here that a value is kept, and not in the store."""
        is_guests = bool(self._guests) and _owner(key) in self._guests
        return is_guests or (key.scope, key.name) in self._states

    @contextlib.asynccontextmanager
    async def guest(
        self, account: int, user: str, private_chat: Callable[[str], Awaitable[str]]
    ) -> AsyncGenerator[None]:
        """See `Host.guest`."""
        chat = Chat(await private_chat(user))
        place = await self._store.place(account, chat, None)
        place = place._replace(person=await self._store.person(account, User(user)))
        self._welcome(place)
        try:
            yield
        finally:
            for owner in _owners(place):
                self._kept.pop(owner, None)

    def _welcome(self, place: Place) -> None:
        self._guests.update(dict.fromkeys(_owners(place)))
        while len(self._guests) > _GUESTS * len(_owners(place)):
            oldest = next(iter(self._guests))
            del self._guests[oldest]
            self._kept.pop(oldest, None)

    def due(self, bound: tuple[Scope, str, int], skip: int, limit: int) -> Sequence[Due]:
        """See `Store.due`. What was used last expires last: all values of a state live as long."""
        scope, name, _ = bound
        now = self._clock.time()
        oldest = itertools.islice(self._kept[scope, name].items(), skip, skip + limit)
        return [Due(key, kept.conversation) for key, kept in oldest if _is_over(kept.value, now)]

    def expire(self, key: Key) -> Value | None:
        """Remove and return a value that has expired; None if it is gone or used since."""
        value = self._value(key)
        if value is None or not _is_over(value, self._clock.time()):
            return None
        del self._kept[self._shelf(key)][key]
        return value

    def forget(self, person: int, erased: Erased) -> None:
        """Remove the values of somebody, and of the private chats that were erased with them."""
        for kept in self._kept.values():
            for key in [key for key in kept if _is_erased(key, person, erased)]:
                del kept[key]

    def _shelf(self, key: Key) -> _Shelf:
        """Return where a value is kept: with those of its state, or of its guest."""
        owner = _owner(key)
        return owner if owner in self._guests else (key.scope, key.name)

    def _value(self, key: Key) -> Value | None:
        kept = self._kept[self._shelf(key)].get(key)
        return kept.value if kept else None

    def _is_expected(self, change: Change, made: dict[Key, tuple[int, int]]) -> bool:
        if change.key in made:
            return change.expected == made[change.key][0]
        value = self._value(change.key)
        return change.expected == (value.version if value else 0)

    def _for_the_store(self, turn: TurnCommit, after: Sequence[int]) -> TurnCommit:
        return replace(
            turn,
            changes=[change for change in turn.changes if not self.keeps(change.key)],
            used=[use for use in turn.used if not self.keeps(use.key)],
            after=[*turn.after, *after],
            late=self._late_for_the_store(turn.late) if turn.late else None,
        )

    def _late_for_the_store(self, late: Late) -> Late:
        def finish(values: Sequence[Value | None]) -> TurnCommit | None:
            turn = late.finish(values)
            return self._for_the_store(turn, ()) if turn else None

        return Late(late.keys, finish)

    def _keep(self, turn: TurnCommit) -> None:
        for change in turn.changes:
            if self.keeps(change.key):
                self._put(change.key, change.value, turn)
        for use in turn.used:
            value = self._value(use.key) if self.keeps(use.key) else None
            if value and use.expires_at > (value.expires_at or 0):
                self._put(use.key, replace(value, expires_at=use.expires_at), turn)

    def _put(self, key: Key, value: Value, turn: TurnCommit) -> None:
        kept = self._kept[self._shelf(key)]
        kept[key] = _Kept(value, turn.place.conversation)
        kept.move_to_end(key)
        if len(kept) > _KEPT:
            kept.popitem(last=False)


_Owner = tuple[str, int]
"""Whose a value is: that of a person, a chat or a thread, by its internal id."""
_Shelf = tuple[Scope, str] | _Owner


def _owner(key: Key) -> _Owner:
    return ("person", key.person) if key.scope in PERSONAL else (key.scope, key.place)


def _owners(place: Place) -> tuple[_Owner, ...]:
    """Return all that values of a private chat, and of its person, may belong to."""
    return ("person", place.person), ("chat", place.chat), ("thread", place.conversation)


def _is_erased(key: Key, person: int, erased: Erased) -> bool:
    if key.scope == "chat":
        return key.place in erased.chats
    is_there = key.scope not in SHARED and key.place in erased.conversations
    return key.person == person or is_there


def _is_over(value: Value, now: float) -> bool:
    return value.expires_at is not None and value.expires_at <= now
