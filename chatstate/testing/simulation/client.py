"""A client that notes what should never be, while people talk to a bot.

1. Random numbers begin anew at each moment at which something happens, and each time that it is
   tried: two runs of the same differ only by what the bot makes of them. `turn.random` is the same
   in all turns of a moment.
2. A value that a turn has stored is looked at until the run ends: what changes it later is lost.
"""

from __future__ import annotations

import random
import re
from collections import Counter, deque
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Any, Self
from unittest import mock

from chatstate.bot.interface import Interface
from chatstate.messages import Event
from chatstate.state.bound import BoundState
from chatstate.stores.base import Filter, TurnCommit
from chatstate.testing.virtual.client import REJECTED, VirtualClient
from chatstate.testing.virtual.store import VirtualStore

_WATCHED = 200
_NUMBER = re.compile(r'"sent":"(\d+)-')
_PATIENCE = 1_000.0  # longer than a handler may take: what it begins is done before anything else
Prove = Callable[[Any], tuple[str, Any]]


class WatchingClient(VirtualClient):
    """Notes errors, what is changed after its turn, and turns about more than their person.

    Random numbers follow from `seed`, and from the number of the moment.
    """

    def __init__(self, make: Callable[[], Interface], seed: int) -> None:
        super().__init__(make, before=self.begin_anew, patience=_PATIENCE, raise_errors=False)
        self._seed = seed
        self._luck = mock.patch("secrets.randbits", self._bits)
        self._number = self._moment = 0
        self._events: Counter[int] = Counter()
        self._steps: dict[str, int] = {}
        self._handled: dict[str, None] = {}
        self._state: Any = None
        self._drawn = False
        self.shares = False
        self.raised: list[BaseException] = []
        self._watched: set[BoundState] = set()
        self._stored: deque[tuple[str, Prove, Any, str]] = deque(maxlen=_WATCHED)

    def new_event_id(self) -> str:
        """Return an id that follows from the number of what happens: somebody may see it."""
        self._events[self._number] += 1
        identity = f"event-{self._number}-{self._events[self._number]}"
        self._steps[identity] = self._number
        return identity

    @property
    def order(self) -> Sequence[int]:
        """The numbers of what people did, in the order in which it took effect."""
        return [self._steps[event] for event in self._handled if event in self._steps]

    def begins(self, number: int, moment: int) -> None:
        """Let random numbers begin anew, by the number of the moment."""
        self._number, self._moment = number, moment
        self.begin_anew()

    def begin_anew(self) -> None:
        """Let random numbers begin anew."""
        self._drawn |= self._state not in (None, random.getstate())
        random.seed(f"{self._seed} {self._moment}")
        self._state = random.getstate()

    def has_drawn(self) -> bool:
        """Tell whether anybody has drawn random numbers."""
        return self._drawn or random.getstate() != self._state

    async def __aenter__(self) -> Self:
        """Start the bot, whose turns have the luck of the moment."""
        self._luck.start()
        return await super().__aenter__()

    def _bits(self, count: int) -> int:
        return random.Random(f"{self._seed} {self._moment}").getrandbits(count)  # noqa: S311 - no secret

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop the bot, and let its states be."""
        self._let_be()
        self._luck.stop()
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
        """Return what is stored, but for what chatstate keeps itself: that has times and ids.

        What is known by the number of an event, which tells when it came, is told by its id.
        """
        stored = (await super().values()).items()
        own = {owner: text for owner, text in stored if not owner.startswith("chatstate.")}
        return {owner: _NUMBER.sub(self._event, text) for owner, text in own.items()}

    def _event(self, found: re.Match[str]) -> str:
        row = self._data.events.get(int(found[1]))
        return f'"sent":"{row.event_id if row else found[1]}-'

    async def left(self) -> list[str]:
        """Return what was not done, not said, or given up."""
        found: list[str] = []
        for shelf in ("inbox", "outbox", "dead"):
            entries = await self._store.list(shelf, Filter(limit=10_000))
            found += [f"{shelf}: {entry.kind} {entry.error}".strip() for entry in entries]
        rejected = [told for told in found if REJECTED in told]
        missing = len(self.platform.rejected) - len(rejected)
        found += ["a message that was refused for good is not among the dead letters"] * missing
        return [told for told in found if told not in rejected]

    def _failed(self, event: Event, error: BaseException) -> None:  # noqa: ARG002 - see `TestClient`
        self.raised.append(error)

    def _open_store(self) -> VirtualStore:
        store = super()._open_store()
        store.committing = self._note
        store.committed = lambda events: self._handled.update(dict.fromkeys(events))
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
