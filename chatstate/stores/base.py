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

import itertools
from collections.abc import Awaitable, Iterator, Mapping, Sequence
from typing import Literal, Protocol

import msgspec

from chatstate.messages import Event, User
from chatstate.scope import Key, Place

RUN_BITS = 40
"""A run can make 2**40 versions; 2**23 runs fit a signed 64-bit integer."""


class Run(msgspec.Struct, frozen=True):
    """A process's hold on a store. `crashes`: how many runs before it, in a row, did not stop."""

    id: int
    crashes: int

    def versions(self) -> Iterator[int]:
        """Return versions and attempt numbers that no other run ever makes."""
        return itertools.count((self.id << RUN_BITS) + 1)


class Account(msgspec.Struct, frozen=True):
    """A bot's account on a platform, by its internal id, and the adapter's last cursor."""

    id: int
    cursor: str | None


class Arrival(msgspec.Struct, frozen=True):
    """An event that is in the inbox. `crashes`: how often the process died while it ran alone."""

    seq: int
    place: Place
    event: Event
    crashes: int = 0


class Ingested(msgspec.Struct, frozen=True):
    """What became of one event given to `ingest`.

    `arrival` is there if it was stored now. `pending` is the number of the inbox row a
    duplicate waits in, if it still does; `dropped` that of an older event which had to make
    room.
    """

    status: Literal["stored", "duplicate", "refused"]
    arrival: Arrival | None = None
    pending: int | None = None
    dropped: int | None = None


class Value(msgspec.Struct, frozen=True):
    """A stored value: JSON text, the version of it, and of the schema it was written by."""

    text: str
    version: int
    schema: int = 1


class Change(msgspec.Struct, frozen=True):
    """A value a turn changed. `expected` is the version it read, 0 if there was no value."""

    key: Key
    expected: int
    value: Value


class Owed(msgspec.Struct, frozen=True):
    """One reply owed: a row of the outbox, numbered `part` within its turn.

    `body` is JSON text: the rendered part, and what it is an answer to. `begun_at` is when
    sending it was first begun (seconds since 1970), None if that surely never happened.
    `crashes`: how often the process died while it sent only this.
    """

    turn: int
    part: int
    body: str
    begun_at: float | None = None
    crashes: int = 0


class DeadLetter(msgspec.Struct, frozen=True):
    """What could not be done: an event whose turn failed, or a reply the platform refused.

    `error` is one line for a listing; `detail` a traceback or the platform's full answer. Half
    surrogate pairs in them (from a file name, say) become question marks, since they are no text.
    """

    kind: Literal["event", "reply"]
    error: str
    detail: str = ""

    def __post_init__(self) -> None:
        for field in ("error", "detail"):
            text: str = getattr(self, field)
            msgspec.structs.force_setattr(self, field, text.encode(errors="replace").decode())


class TurnCommit(msgspec.Struct, frozen=True):
    """Everything one turn does, to be done together or not at all.

    `attempt` is unique to this attempt at the turn (from `Run.versions`). `also` are the
    numbers of earlier events of the conversation that were handled together with this one.
    `noted`: there are notes, to be deleted. `after` are the numbers of turns whose values this
    one read while their commit was on its way: if one of them is not applied, neither is this.
    """

    seq: int
    place: Place
    attempt: int
    changes: Sequence[Change] = ()
    owed: Sequence[Owed] = ()
    dead: DeadLetter | None = None
    also: Sequence[int] = ()
    noted: bool = False
    after: Sequence[int] = ()


class Settled(msgspec.Struct, frozen=True):
    """What became of one reply owed: sent, or refused for good."""

    conversation: int
    turn: int
    part: int
    dead: DeadLetter | None = None


class Address(msgspec.Struct, frozen=True):
    """Where a conversation is, in the platform's ids."""

    account: int
    chat: str
    thread: str | None


class Letter(msgspec.Struct, frozen=True):
    """A dead letter as it is kept: with its number, what it was, and when it died."""

    id: int
    kind: Literal["event", "reply"]
    chat: str
    person: str
    died_at: float
    error: str
    detail: str
    body: str


class Revived(msgspec.Struct, frozen=True):
    """A dead letter that is alive again: an event in the inbox, or a conversation's reply."""

    arrival: Arrival | None = None
    conversation: int | None = None


class Backlog(msgspec.Struct, frozen=True):
    """Conversations with work from before: events in the inbox, replies owed."""

    inbox: Sequence[int]
    outbox: Sequence[int]


Outcome = Literal["applied", "conflict", "fenced"]
"""`conflict`: a value was changed meanwhile, or an earlier turn of the conversation, or one whose
values it read, is not applied; run it again. `fenced`: another attempt at this turn has been
applied."""


class Store(Protocol):
    """Keeps a bot's inbox, states and outbox. See the module's rules."""

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
        """Append events to the inbox in order, and note the cursor in the same transaction."""
        ...

    async def backlog(self, accounts: Sequence[int]) -> Backlog:
        """Return the conversations of these accounts that have work waiting."""
        ...

    async def claim(self, conversation: int, after: int, limit: int) -> Sequence[Arrival]:
        """Return the first waiting events of a conversation numbered above `after`."""
        ...

    async def load(self, keys: Sequence[Key]) -> Sequence[Value | None]:
        """Return the committed values of `keys`, None for those never stored."""
        ...

    async def commit(self, turns: Sequence[TurnCommit]) -> Sequence[Outcome]:
        """Commit turns; those that cannot be applied leave the others untouched.

        Repeating a commit whose outcome was unknown is harmless.
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

    async def suspect(self, seq: int) -> None:
        """Count a crash against an event, in advance: it is about to run alone."""
        ...

    async def revive(self) -> Sequence[Revived]:
        """Do what `request` has asked for since the last call; return what is alive again."""
        ...

    async def prune(self) -> None:
        """Forget events that were handled more than 48 hours ago."""
        ...

    async def close(self, *, clean: bool) -> None:
        """Write what waits and let go of the store.

        `clean` says that nothing was running, so the next run need not suspect any event, and
        those that were suspected are cleared.
        """
        ...
