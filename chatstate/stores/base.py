"""The store's contract: the verbs of a turn, never `get` and `set`.

1. What `ingest` or `commit` has returned is durable.
2. A transaction is never open while a handler runs; each verb is atomic by itself, and
   concurrent calls may share a transaction.
3. The inbox numbers events (`seq`) in the order of arrival; numbers are never reused.
4. Values carry versions that are unique in the store and never reused. The caller makes them,
   from the number of its run (see `Run.versions`), so that a value may be read, and its version
   be known, while its commit is still on the way.
5. Every verb raises `StorageError` when the store cannot do it and will not be able to; while
   it merely might again, the verb waits.
"""

from __future__ import annotations

from collections.abc import Awaitable, Mapping, Sequence
from pathlib import Path
from typing import Protocol

from chatstate.messages import Event, User
from chatstate.scope import Key, Scope
from chatstate.stores.records import (
    RUN_BITS,
    Account,
    Address,
    Arrival,
    Backlog,
    Change,
    DeadLetter,
    Due,
    Expired,
    Expiry,
    FoundButton,
    Ingested,
    KeptButton,
    Letter,
    Outcome,
    Owed,
    Revived,
    Run,
    Settled,
    TurnCommit,
    Use,
    Value,
)

__all__ = [
    "RUN_BITS",
    "Account",
    "Address",
    "Arrival",
    "Backlog",
    "Change",
    "DeadLetter",
    "Due",
    "Expired",
    "Expiry",
    "FoundButton",
    "Ingested",
    "KeptButton",
    "Letter",
    "Outcome",
    "Owed",
    "Revived",
    "Run",
    "Settled",
    "Store",
    "TurnCommit",
    "Use",
    "Value",
]


class Store(Protocol):
    """Keeps a bot's inbox, states and outbox. See the module's rules."""

    @property
    def folder(self) -> Path:
        """A folder for files that go with the store, once it is open. It may not exist yet."""
        ...

    async def open(self, bot: str) -> Run:
        """Make the schema current and take hold of the store for this process.

        Raises `StoreLockedError` if another process holds it.
        """
        ...

    async def account(self, platform: str, platform_id: str) -> Account:
        """Return the account of the opened bot, made if need be."""
        ...

    def ingest(
        self, account: int, events: Sequence[Event], cursor: str | None
    ) -> Awaitable[Sequence[Ingested]]:
        """Append events to the inbox in order, and note the cursor in the same transaction.

        One that could not be read again, because a field is not of its type, is refused alone.
        """
        ...

    async def backlog(self, accounts: Sequence[int]) -> Backlog:
        """Return the conversations of these accounts that have work waiting."""
        ...

    async def claim(self, conversation: int, after: int, limit: int) -> Sequence[Arrival]:
        """Return the first waiting events of a conversation numbered above `after`.

        With `after=0` those of `expire` stand before them, all of them; else they are left out.
        One that is stored and cannot be read is of the kind "unreadable"; its text says why.
        """
        ...

    async def load(self, keys: Sequence[Key]) -> Sequence[Value | None]:
        """Return the committed values of `keys`, None for those never stored."""
        ...

    async def commit(self, turns: Sequence[TurnCommit]) -> Sequence[Outcome]:
        """Commit turns; those that cannot be applied leave the others untouched.

        Repeating a commit whose outcome was unknown is harmless.
        """
        ...

    async def due(
        self, bound: tuple[Scope, str, int], account: int, skip: int, limit: int
    ) -> Sequence[Due]:
        """Return values of a state (scope, name, newest schema) that have expired.

        Only those last used in this account. `skip` as many first, in an order that stays.
        """
        ...

    async def expire(self, expiries: Sequence[Expiry]) -> Sequence[Arrival | None]:
        """Remove values that have expired, and return the events they have become.

        Nothing happens, and None is returned, for those that are gone, changed or used since. An
        event is in the inbox with a number of its own, its message of the kind "expiry"; its
        turn may be committed before those of earlier events, and it is never dropped.
        """
        ...

    async def address(self, conversation: int) -> Address:
        """Return where the replies of a conversation go."""
        ...

    async def take(self, conversation: int, after: tuple[int, int], limit: int) -> Sequence[Owed]:
        """Return the first replies owed after (turn, part), durably begun.

        Their `begun_at` is what it was before: None if this is the first time.
        """
        ...

    async def begin(self, conversation: int, turn: int, part: int, crashes: int = 0) -> None:
        """Note durably that sending a reply begins now, and the crashes held against it."""
        ...

    async def unsent(self, conversation: int, turn: int, part: int) -> None:
        """Note durably that sending a reply surely had no effect: it counts as never begun."""
        ...

    def settle(self, settled: Settled) -> None:
        """Note what became of a reply. Returns at once; durable with the next transaction."""
        ...

    async def flush(self) -> None:
        """Return once all that was settled is durable."""
        ...

    async def person(self, account: int, user: User) -> int:
        """Return the id of a person, made if need be."""
        ...

    async def alias(self, account: int, old: str, new: str) -> None:
        """Note that a chat has a new id on the platform; both ids mean the same from now on.

        If both were in use, the older chat stays: values it does not have are moved to it, the
        others are kept aside and logged.
        """
        ...

    async def notes(self, turn: int) -> Mapping[str, str]:
        """Return the notes of a turn: JSON text by name."""
        ...

    async def note(self, turn: int, name: str, value: str) -> bool:
        """Keep a note until the turn is committed. False, and nothing, if it is already."""
        ...

    async def button(self, ref: str) -> FoundButton | None:
        """Return a kept button, unless it has expired."""
        ...

    async def owing(self, turns: Sequence[int]) -> Sequence[int]:
        """Return those of `turns` that have replies in the outbox or among the dead letters."""
        ...

    async def suspect(self, seq: int) -> None:
        """Count a crash against an event, in advance: it is about to run alone."""
        ...

    async def revive(self) -> Sequence[Revived]:
        """Do what `request` has asked for since the last call; return what is alive again."""
        ...

    async def prune(self) -> None:
        """Forget events that were handled more than 48 hours ago, and buttons that expired."""
        ...

    async def close(self, *, clean: bool) -> None:
        """Write what waits and let go of the store.

        `clean` says that nothing was running, so the next run need not suspect any event, and
        those that were suspected are cleared.
        """
        ...
