"""`States`: the verbs of values beyond a turn, and of timers.

1. What has expired, and what has fired, becomes an event in one transaction with the end of what it
   was; an event of the framework's own is never dropped to make room.
2. A conversation that another run holds is that run's business. One that nobody holds is his who
   leads the clock.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Protocol

from chatstate.scope import Scope
from chatstate.stores.records import Arrival, Due, Expiry, Firing, StoredState
from chatstate.stores.timers import StoredTimer


class States(Protocol):
    """Values beyond a turn: if others write them, when they expire; timers; what adapters keep."""

    @property
    def is_sole(self) -> bool:
        """Whether this run is the only one that can write: then what it read stays true."""
        ...

    async def stored_states(self) -> Sequence[StoredState]:
        """Return the states of all bots that have values, whether anybody declares them or not."""
        ...

    async def due(
        self, bound: tuple[Scope, str, int], account: int, skip: int, limit: int
    ) -> Sequence[Due]:
        """Return values of a state (scope, name, newest schema) that have expired.

        Only those last used in this account. Those of conversations that other runs hold are
        theirs; those of conversations that nobody holds are his who leads the clock. `skip` as
        many first, in an order that stays.
        """
        ...

    async def expire(self, expiries: Sequence[Expiry]) -> Sequence[Arrival | None]:
        """Remove values that have expired, and return the events they have become.

        Nothing happens, and None is returned, for those that are gone, changed or used since, or
        whose conversation is another run's. An event is in the inbox with a number of its own,
        its message of the kind "expiry"; its turn may be committed before those of earlier
        events, and it is never dropped. None is returned for one that has to be claimed, too.
        """
        ...

    async def remember(self, account: int, name: str, text: str | None) -> None:
        """Keep a text for an account's adapter under a name; None forgets it.

        The run that receives for the account (see `Role`) is woken.
        """
        ...

    async def recall(self, account: int, name: str) -> str | None:
        """Return what was remembered, None if nothing was."""
        ...

    async def recall_all(self, account: int, prefix: str, limit: int) -> Mapping[str, str]:
        """Return what was remembered under the first names that begin so, in their order."""
        ...

    async def timers(self, conversation: int, person: int) -> Sequence[StoredTimer]:
        """Return the timers of a person (0 for nobody) in a conversation, the next one first."""
        ...

    async def timer_handlers(self, accounts: Collection[int]) -> Sequence[str]:
        """Return the handlers that timers of these accounts are for, each once."""
        ...

    async def schedule(self, timers: Sequence[StoredTimer]) -> None:
        """Set timers outside of turns: those that are not there, or have another `text`."""
        ...

    async def fire(self, accounts: Collection[int], limit: int) -> Firing:
        """Make timers of these accounts whose time has come events, the earliest first.

        At most `limit` of them. Such an event has a number and waits in its line, its message of
        the kind "timer", `timer-` and the generation being its id. Those are returned that this
        run handles without claiming them.
        """
        ...
