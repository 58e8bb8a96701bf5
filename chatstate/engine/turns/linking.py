"""Links people, and ends that: in the commit of the turn that does so.

1. The identity that is older stays: its `user` values are from now on those of both. It gets what
   it does not have; where both have something, `merge=` of the state decides, else it keeps it.
2. What both had before is kept aside for 30 days. The other's own rows are over at once.
3. When that ends, the other gets back what it had. So does the one that stays, unless the value has
   changed since: then it keeps what came of it.
4. Of three or more, one leaves alone; if it is the one that stays, all go their own ways.
"""

from __future__ import annotations

import copy
import hashlib
import logging
from collections.abc import Iterable, Sequence
from typing import Any

from chatstate.bot.parameters import Slot
from chatstate.clock import Clock
from chatstate.engine.states.cache import StateCache
from chatstate.engine.states.held import Held
from chatstate.engine.states.links import LINKS
from chatstate.engine.turns.turn import RunningTurn
from chatstate.engine.turns.values import TurnValues
from chatstate.errors import StateError
from chatstate.scope import Key
from chatstate.state.bound import BoundState
from chatstate.state.declaration import State
from chatstate.stores.base import Value
from chatstate.stores.links import ASIDE, Aside, Audit, Identity, Joined, Kept, Link, link_key

log = logging.getLogger("chatstate.turns")

KEPT_SECONDS = 30 * 24 * 3600.0
_AUDITED = 50
ASIDES = BoundState(State(Aside(), scope="user", name=ASIDE, ttl=KEPT_SECONDS), "aside", Aside)


class Linking:
    """Links the people of one bot."""

    def __init__(
        self,
        bot: str,
        states: Iterable[BoundState],
        *,
        values: TurnValues,
        cache: StateCache,
        clock: Clock,
    ) -> None:
        self._bot = bot
        self._states = [s for s in states if s.scope == "user" and s.lifecycle.durable]
        self._values = values
        self._cache = cache
        self._clock = clock

    async def are_linked(self, turn: RunningTurn, person: int, other: int) -> bool:
        """Tell whether two are one person already."""
        return (await self._root(turn, person)) == (await self._root(turn, other))

    async def link(self, turn: RunningTurn, first: Identity, second: Identity) -> None:
        """Let two be one person from this turn's commit on."""
        roots = [await self._root(turn, identity.person) for identity in (first, second)]
        root, other = min(roots), max(roots)
        known = {identity.person: identity for identity in (first, second)}
        for number in (root, other):
            link = await self._link(turn, number)
            known = {identity.person: identity for identity in link.identities} | known
        aside = await self._held(turn, ASIDES, other)
        aside.replace(Aside())
        for state in self._states:
            await self._join(turn, state, root, other, aside.value)
        aside.text = None  # it is stored in any case, and from now on
        for number in known:
            link = await self._link(turn, number)
            link.root, link.identities = root, []
        (await self._link(turn, root)).identities = [known[number] for number in sorted(known)]
        await self._note(turn, "linked", [first.person, second.person])

    async def unlink(self, turn: RunningTurn, person: int) -> Sequence[Identity]:
        """Let somebody be nobody else any more; return those with whom they were linked."""
        root = await self._root(turn, person)
        linked = list((await self._link(turn, root)).identities)
        others = [identity for identity in linked if identity.person != person]
        if not others:
            return ()
        leaving = [person] if person != root else [identity.person for identity in others]
        for number in leaving:
            await self._separate(turn, root, number)
        left = [identity for identity in linked if identity.person not in leaving]
        link = await self._link(turn, root)
        link.identities = left if len(left) > 1 else []
        link.root = root if len(left) > 1 else 0
        await self._note(turn, "unlinked", [person, *leaving] if person == root else [person, root])
        return others

    # Values

    async def _join(
        self, turn: RunningTurn, state: BoundState, root: int, other: int, aside: Aside
    ) -> None:
        theirs = await self._held(turn, state, other)
        stored = theirs.entry.value
        if stored is None or not self._is_there(theirs):
            return
        aside.values[state.name] = Kept(stored.text, stored.schema)
        mine = await self._held(turn, state, root)
        before = Kept(mine.entry.value.text, mine.entry.value.schema) if mine.entry.value else None
        if before is None or not self._is_there(mine):
            mine.replace(state.read(stored)[0])
            mine.text = None
            before = Kept(None)
        elif state.merge:
            mine.replace(_merged(state, mine.value, theirs.value))
        else:
            log.info("two people became one: %s is kept aside of %s", state.name, other)
            before = None
        if before:
            aside.joined[state.name] = Joined(before, _digest(state, mine.value))
        _let_expire(theirs)

    async def _separate(self, turn: RunningTurn, root: int, other: int) -> None:
        """Give somebody back what they had; and the root, if it is still what came of it."""
        kept = await self._held(turn, ASIDES, other)
        aside: Aside = kept.value if self._is_there(kept) else Aside()
        for state in self._states:
            await self._restore(turn, state, root, other, aside)
        kept.replace(Aside())
        link = await self._link(turn, other)
        link.root, link.identities = 0, []

    async def _restore(
        self, turn: RunningTurn, state: BoundState, root: int, other: int, aside: Aside
    ) -> None:
        value = aside.values.get(state.name)
        theirs = await self._held(turn, state, other)
        if value or theirs.entry.value:
            _put(theirs, value or Kept(None))
        joined = aside.joined.get(state.name)
        if joined:
            mine = await self._held(turn, state, root)
            if self._is_there(mine) and _digest(state, mine.value) == joined.after:
                _put(mine, joined.before)

    def _is_there(self, held: Held) -> bool:
        return held.entry.value is not None and not self._cache.is_over(held.entry)

    # Rows

    async def _note(self, turn: RunningTurn, what: Any, people: Sequence[int]) -> None:
        """Keep what has happened with each of those whom it concerns."""
        by = turn.place.person
        log.info("people %s are %s", ", ".join(map(str, people)), what)
        for person in people:
            for other in set(people) - {person}:
                link = await self._link(turn, person)
                audit = Audit(self._clock.time(), what, other, by)
                link.audit = [*link.audit, audit][-_AUDITED:]

    async def _root(self, turn: RunningTurn, person: int) -> int:
        return (await self._link(turn, person)).root or person

    async def _link(self, turn: RunningTurn, person: int) -> Link:
        held = await self._values.hold(turn, LINKS, link_key(self._bot, person))
        link: Link = held.object
        return link

    async def _held(self, turn: RunningTurn, state: BoundState, person: int) -> Held:
        key = Key(self._bot, "user", state.name, 0, person)
        return await self._values.hold(turn, state, key)


def _merged(state: BoundState, mine: Any, theirs: Any) -> Any:
    merged = state.merge(mine, theirs) if state.merge else mine
    if merged is None and mine is not None:
        raise StateError(f"merge= of state {state.name!r} returned None; return the value of both")
    return merged


def _put(held: Held, kept: Kept) -> None:
    """Let a value be what it was before; a new session's if there was none."""
    state = held.state
    held.replace(
        state.fresh()[0] if kept.text is None else state.read(Value(kept.text, 0, kept.schema))[0]
    )
    held.text = None


def _let_expire(held: Held) -> None:
    """Let a value be over with the commit of the turn that holds it."""
    state = copy.copy(held.state)
    state.ttl = 0.0
    held.slot, held.text = Slot(state, by_ref=held.slot.by_ref), None


def _digest(state: BoundState, value: Any) -> str:
    return hashlib.blake2b(state.encode(value).encode(), digest_size=12).hexdigest()
