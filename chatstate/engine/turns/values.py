"""The values of a turn: taken when it begins, and what is to be written of them when it ends.

1. All values a turn holds are in one dict, by key: those of its handler first.
2. A value whose text is another than it was is written. One that somebody else has changed
   meanwhile is a conflict: the turn runs again.
3. Functions given to `turn.apply` are applied last, to what the turn holds, or else to what is kept
   at this moment: by this run, or, where others may change it, by the store; see `late`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from chatstate.bot.parameters import Slot
from chatstate.bot.returns import Answers
from chatstate.clock import Clock
from chatstate.engine.states.cache import Entry, IsForeign, StateCache, entry_of
from chatstate.engine.states.held import Held, hold
from chatstate.engine.states.links import Links
from chatstate.engine.states.older_runs import OlderRuns
from chatstate.engine.states.updates import Update
from chatstate.engine.turns.nobody import persons_state
from chatstate.engine.turns.plan import Plan
from chatstate.engine.turns.turn import RunningTurn
from chatstate.scope import PERSONAL, Key, Place, Tenants, key
from chatstate.state.bound import BoundState
from chatstate.stores.base import Change, Use, Value

Written = tuple[Change, Any]
"""A change, and the new value decoded: for the turn that uses it next."""


class TurnValues:
    """Takes and writes the values of one bot's turns."""

    def __init__(
        self,
        *,
        bot: str,
        tenants: Tenants,
        cache: StateCache,
        is_foreign: IsForeign | None,
        older_runs: OlderRuns,
        versions: Iterator[int],
        clock: Clock,
        links: Links | None,
    ) -> None:
        self._bot = bot
        self._tenants = tenants
        self._cache = cache
        self._is_foreign = is_foreign
        self._older_runs = older_runs
        self._versions = versions
        self._clock = clock
        self.links = links

    async def join(self, turn: RunningTurn) -> None:
        """Let a turn use the `user` values of whoever its person is linked with, if any may be."""
        if self.links:
            turn.links = {}
            turn.arrivals[-1] = await self.links.joined(turn.arrivals[-1], turn.links)

    async def place_of(self, turn: RunningTurn, person: int) -> Place:
        """Return the place of a turn if another person had spoken."""
        place = turn.place._replace(person=person, user=0)
        if self.links:
            rows = turn.links = turn.links if turn.links is not None else {}
            place = place._replace(user=await self.links.root(place, rows))
        return place

    def take(self, turn: RunningTurn, plan: Plan) -> bool:
        """Let a turn hold its handler's states, if they are all in memory; tell whether."""
        place, find = turn.arrivals[-1].place, self._cache.find
        values: dict[Key, Held] = {}
        for make, slot in plan.makers:
            key = make(place)
            entry = find(key)
            if entry is None or (plan.expires and self._cache.is_over(entry)):
                return False
            values[key] = hold(slot, key, entry)
        self._keep(turn, plan, values)
        return True

    async def load(self, turn: RunningTurn, plan: Plan) -> None:
        """Do so once they are."""
        keys = plan.keys(turn.place)
        entries = await self._cache.load(keys, turn.place)
        if turn.held is None:
            held = [hold(*parts) for parts in zip(plan.slots, keys, entries, strict=True)]
            self._keep(turn, plan, dict(zip(keys, held, strict=True)))

    def _keep(self, turn: RunningTurn, plan: Plan, values: dict[Key, Held]) -> None:
        turn.held = values
        turn.slots = list(values.values())
        if plan.expires:
            for held in turn.slots:
                _note_use(turn, held)

    async def hold(self, turn: RunningTurn, state: BoundState, key: Key) -> Held:
        """Return a value that a turn holds from now on, if it did not before."""
        held = turn.held or {}
        if key not in held:
            (entry,) = await self._cache.load([key], turn.place)
            held = turn.held = turn.held or {}
            if key not in held:
                held[key] = hold(Slot(state, by_ref=state.is_immutable), key, entry)
                _note_use(turn, held[key])
        return held[key]

    def key(self, state: BoundState, place: Place) -> Key:
        """Return the key of a state for whoever speaks at `place`.

        Raises `StateError` for a person's state where nobody speaks.
        """
        if not place.person and state.scope in PERSONAL:
            raise persons_state(state)
        return key(self._bot, state.scope, state.name, place, self._tenants)

    async def prepare(self, turn: RunningTurn, updates: Sequence[Update]) -> None:
        """Load what functions are to be applied to."""
        await self._cache.load([update.key for update in updates], turn.place)
        for update in updates:
            if update.bound.ttl is not None:
                turn.expiring = {**(turn.expiring or {}), update.key: update.bound.ttl}

    def written(self, turn: RunningTurn, answer: Answers) -> list[Written] | None:
        """Return what was changed, None if somebody changed it meanwhile; add applied replies.

        Nothing may be awaited between this and the commit being queued. What is to be applied
        within that is left to `turn.late`. Raises `StateError` for what cannot be kept, or not yet.
        """
        others = self._apply_to_own(turn, answer) if turn.updates else ()
        written: list[Written] = []
        for held in turn.held.values() if turn.held else ():
            state, entry = held.slot.state, held.entry
            text, back = state.prove(held.value)
            if text != held.text:
                now = self._cache.find(held.key)
                if now is not None and now is not entry and now.version != entry.version:
                    return None
                if self._older_runs.have:
                    self._older_runs.check(state, entry.value)
                value = state.written(text, next(self._versions), self._clock.time)
                written.append((Change(held.key, entry.version, value), back))
            elif back is not None and entry.value and entry.value.schema == state.version:
                self._cache.leave(entry, back)
        if others and self._is_foreign and any(self._is_foreign(other.key) for other in others):
            turn.late = others
        elif others:
            self._apply_to_others(others, answer, written, self._cache.now)
        if turn.links and not self._is_guarded(turn, written):
            return None
        return written

    def changed(self, turn: RunningTurn) -> BoundState | None:
        """Return a state that a turn has changed, or is to change; None if it only read."""
        for update in turn.updates or ():
            return update.bound
        for held in (turn.held or {}).values():
            is_stored_anyway = held.text is None  # what makes its default may return another
            if not is_stored_anyway and held.state.prove(held.value)[0] != held.text:
                return held.state
        return None

    def late_keys(self, turn: RunningTurn) -> list[Key]:
        """Return what has to be read within the commit of a turn, in one order for everybody."""
        is_foreign = self._is_foreign
        return sorted({late.key for late in turn.late if is_foreign and is_foreign(late.key)})

    def finished(
        self,
        turn: RunningTurn,
        answer: Answers,
        written: Sequence[Written],
        found: Mapping[Key, Value | None],
    ) -> list[Written]:
        """Return what was changed once functions are applied to what was found; add replies."""

        def now(key: Key) -> Entry:
            return entry_of(found[key]) if key in found else self._cache.now(key)

        complete = list(written)
        self._apply_to_others(turn.late, answer, complete, now)
        self._is_guarded(turn, complete)
        return complete

    def _is_guarded(self, turn: RunningTurn, written: list[Written]) -> bool:
        """See that links are what they were when the turn began; False if they are not."""
        if not (turn.links and self.links):
            return True
        guards = self.links.guards(turn.links, [change for change, _ in written])
        written += [(guard, None) for guard in guards or ()]
        return guards is not None

    def uses(self, turn: RunningTurn, changes: Sequence[Change]) -> Sequence[Use]:
        """Return until when the values that it loaded and did not change are kept now."""
        if not turn.expiring:
            return ()
        changed = [change.key for change in changes]
        now = self._clock.time()
        return [Use(key, now + ttl) for key, ttl in turn.expiring.items() if key not in changed]

    def _apply_to_own(self, turn: RunningTurn, answer: Answers) -> list[Update]:
        """Apply functions to values that a turn holds; return those that are left."""
        left: list[Update] = []
        for update in turn.updates or ():
            held = (turn.held or {}).get(update.key)
            if held:
                held.object = update.to(held.value, answer)
            else:
                left.append(update)
        return left

    def _apply_to_others(
        self,
        updates: Sequence[Update],
        answer: Answers,
        written: list[Written],
        now: Callable[[Key], Entry],
    ) -> None:
        changes = {change.key: change for change, _ in written}
        for update in updates:
            before = changes.get(update.key)
            entry = now(update.key)
            value = before.value if before else entry.value
            if self._older_runs.have:
                self._older_runs.check(update.bound, entry.value)
            new = update.to(_decoded(update.bound, value, trusted=entry.trusted), answer)
            expected = before.expected if before else entry.version
            text = update.bound.encode(new)
            value = update.bound.written(text, next(self._versions), self._clock.time)
            changes[update.key] = Change(update.key, expected, value)
        ready = {change.key: back for change, back in written}
        written[:] = [(change, ready.get(key)) for key, change in changes.items()]


def _decoded(state: BoundState, value: Value | None, *, trusted: bool) -> Any:
    if value is not None:
        return state.read(value, trusted=trusted)[0]
    return state.fresh()[0]


def _note_use(turn: RunningTurn, held: Held) -> None:
    ttl = held.state.ttl
    if ttl is not None and held.entry.value:
        if turn.expiring is None:
            turn.expiring = {}
        turn.expiring[held.key] = ttl
