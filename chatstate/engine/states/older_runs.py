"""Migrations of shared values wait for the runs of older code, which could not read them any more.

1. Each run tells the versions of its shared states when it begins.
2. As long as a run lives that has an older version of a state, what that has stored is read here,
   and not written: a turn that changes it is left to that run. Values that are new are written.
3. How it is, is looked at now and then. A run that has begun since refuses what it cannot read.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from chatstate.clock import Clock
from chatstate.errors import OtherVersionError
from chatstate.scope import SHARED
from chatstate.state.bound import BoundState
from chatstate.stores.base import Store, Value

_LOOK_EVERY = 5.0


def shared_versions(states: Iterable[BoundState]) -> Mapping[str, int]:
    """Return the versions of those states that runs share, by name."""
    return {s.name: s.version for s in states if s.scope in SHARED and s.lifecycle.durable}


class OlderRuns:
    """Knows which shared states of one bot have an older version in a run that lives.

    `have` are the names of these.
    """

    def __init__(
        self, bot: str, states: Iterable[BoundState], *, store: Store, clock: Clock
    ) -> None:
        self._bot = bot
        self._store = store
        self._clock = clock
        known: Mapping[str, int] = {} if store.is_sole else shared_versions(states)
        self._migrated = {name: version for name, version in known.items() if version > 1}
        self._look_at = 0.0
        self.have: frozenset[str] = frozenset()

    async def look(self) -> None:
        """See which runs live, if that matters and was not seen just now."""
        now = self._clock.monotonic()
        if not self._migrated or now < self._look_at:
            return
        self._look_at = now + _LOOK_EVERY
        others = [run.versions for run in await self._store.workers() if run.bot == self._bot]
        self.have = frozenset(
            name
            for name, version in self._migrated.items()
            if any(theirs.get(name, version) < version for theirs in others)
        )

    def check(self, state: BoundState, before: Value | None) -> None:
        """Raise `OtherVersionError` if a value is not to be written in a newer version yet."""
        if state.name in self.have and before and before.schema < state.version:
            raise OtherVersionError(
                f"state {state.name!r}: what is stored is of version {before.schema}, and a worker "
                f"whose code knows no version {state.version} still runs: stop that first"
            )
