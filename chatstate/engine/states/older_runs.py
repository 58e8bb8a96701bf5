"""What a run has to know of other runs, whose code may be another version of the bot.

1. Each run tells the versions of its shared states when it begins, and whether it asks questions.
2. As long as a run lives that has an older version of a state, what that has stored is read here,
   and not written: a turn that changes it is left to that run. Values that are new are written.
3. Where another run asks, there may be dialogues, though nothing here ever asks.
4. How it is, is looked at now and then. A run that has begun since refuses what it cannot read; and
   what that has asked comes here no sooner than it lets go of the conversation.
"""

from __future__ import annotations

from collections.abc import Mapping

from chatstate.bot.interface import Interface
from chatstate.bot.memos import DIALOGUES
from chatstate.clock import Clock
from chatstate.errors import OtherVersionError
from chatstate.scope import SHARED
from chatstate.state.bound import BoundState
from chatstate.stores.base import Store, Value

_LOOK_EVERY = 5.0


def told_versions(bot: Interface) -> Mapping[str, int]:
    """Return the versions of the states that runs share, by name; of dialogues, if any may be."""
    shared = {s.name: s.version for s in bot.states if s.scope in SHARED and s.lifecycle.durable}
    if any(route.handler.may_ask for route in bot.routes):
        shared[DIALOGUES] = 1
    return shared


class OlderRuns:
    """Knows what the runs of one bot that live have told.

    `have` are the names of shared states of which one has an older version. `ask`: one of them has
    something that asks.
    """

    def __init__(self, bot: Interface, *, store: Store, clock: Clock) -> None:
        self._bot = bot.id
        self._store = store
        self._clock = clock
        self._known = told_versions(bot)
        self._look_at = 0.0
        self.have: frozenset[str] = frozenset()
        self.ask = False

    async def look(self) -> None:
        """See which runs live, unless this is the only one, or it was seen just now."""
        now = self._clock.monotonic()
        if self._store.is_sole or now < self._look_at:
            return
        self._look_at = now + _LOOK_EVERY
        others = [run.versions for run in await self._store.workers() if run.bot == self._bot]
        self.ask = any(DIALOGUES in theirs for theirs in others)
        self.have = frozenset(
            name
            for name, version in self._known.items()
            if any(theirs.get(name, version) < version for theirs in others)
        )

    def check(self, state: BoundState, before: Value | None) -> None:
        """Raise `OtherVersionError` if a value is not to be written in a newer version yet."""
        if state.name in self.have and before and before.schema < state.version:
            raise OtherVersionError(
                f"state {state.name!r}: what is stored is of version {before.schema}, and a worker "
                f"whose code knows no version {state.version} still runs: stop that first"
            )
