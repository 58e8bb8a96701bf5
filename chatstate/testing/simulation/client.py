"""A client that notes what should never be, while people talk to a bot.

1. Random numbers begin anew with each thing that happens, and each time that it is tried: two runs
   of the same differ only by what the bot makes of them.
2. A value that a turn has stored is looked at until the run ends: what changes it later is lost.
"""

from __future__ import annotations

import random
from collections import Counter, deque
from collections.abc import Callable
from types import TracebackType
from typing import Any

from chatstate.bot.interface import Interface
from chatstate.messages import Event
from chatstate.state.bound import BoundState
from chatstate.stores.base import Filter, TurnCommit
from chatstate.testing.virtual.client import VirtualClient
from chatstate.testing.virtual.store import VirtualStore

_WATCHED = 200
_PATIENCE = 1_000.0  # longer than a handler may take: what it begins is done before anything else
Prove = Callable[[Any], tuple[str, Any]]


class WatchingClient(VirtualClient):
    """Notes errors, what is changed after its turn, and turns about more than their person.

    Random numbers follow from `seed` and from the `number` of what happens.
    """

    def __init__(self, make: Callable[[], Interface], seed: int) -> None:
        super().__init__(make, before=self.begin_anew, patience=_PATIENCE, raise_errors=False)
        self._seed = seed
        self.number = 0
        self._events: Counter[int] = Counter()
        self.shares = False
        self.raised: list[BaseException] = []
        self._watched: set[BoundState] = set()
        self._stored: deque[tuple[str, Prove, Any, str]] = deque(maxlen=_WATCHED)

    def new_event_id(self) -> str:
        """Return an id that follows from the number of what happens: somebody may see it."""
        self._events[self.number] += 1
        return f"event-{self.number}-{self._events[self.number]}"

    def begin_anew(self) -> None:
        """Let random numbers begin anew."""
        random.seed(f"{self._seed} {self.number}")

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop the bot, and let its states be."""
        self._let_be()
        await super().__aexit__(kind, error, trace)

    async def _start(self) -> None:
        self._let_be()
        await super()._start()
        self._watched = {slot.state for route in self.bot.routes for slot in route.handler.slots}
        for state in self._watched:
            if state.lifecycle.durable and not state.is_immutable:
                self._watch(state)

    def _watch(self, state: BoundState) -> None:
        """Remember each value whose text is asked for, as it is when a turn stores it."""
        prove = state.prove

        def proved(value: Any) -> tuple[str, Any]:
            text, back = prove(value)
            self._stored.append((state.name, prove, value, text))
            return text, back

        vars(state)["prove"] = proved

    def _let_be(self) -> None:
        for state in self._watched:
            vars(state).pop("prove", None)

    def changed_after(self) -> set[str]:
        """Return the states of which a value is another now than when it was stored."""
        newest = {
            id(value): (name, prove, value, text) for name, prove, value, text in self._stored
        }
        return {name for name, prove, value, text in newest.values() if _text(prove, value) != text}

    async def values(self) -> dict[str, str]:
        """Return what is stored, but for what chatstate keeps itself: that has times and ids."""
        stored = (await super().values()).items()
        return {owner: text for owner, text in stored if not owner.startswith("chatstate.")}

    async def left(self) -> list[str]:
        """Return what was not done, not said, or given up."""
        found: list[str] = []
        for shelf in ("inbox", "outbox", "dead"):
            entries = await self._store.list(shelf, Filter())
            found += [f"{shelf}: {entry.kind} {entry.error}".strip() for entry in entries]
        return found

    def _failed(self, event: Event, error: BaseException) -> None:  # noqa: ARG002 - see `TestClient`
        self.raised.append(error)

    def _open_store(self) -> VirtualStore:
        store = super()._open_store()
        store.committing = self._note
        return store

    def _note(self, turn: TurnCommit) -> None:
        for change in turn.changes:
            is_own = change.key.person in (0, turn.place.person)
            self.shares |= change.key.scope == "global" or not is_own
        self.shares |= turn.noted or any(owed.conversation for owed in turn.owed)


def _text(prove: Prove, value: Any) -> str | None:
    try:
        return prove(value)[0]
    except Exception:  # noqa: BLE001 - whatever it is now, it was something else
        return None
