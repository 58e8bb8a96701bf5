"""The store's contract, eight protocols: the verbs of a turn, never `get` and `set`.

`States` stands in `stores.states`, `Broadcasts` in `stores.broadcasts`, `Transcripts` in
`stores.transcripts`, `Forgetting` in `stores.forgetting`, `Control` in `stores.control`; what goes
in and comes out in `records`, `timers` and `asking`.

1. What `ingest` or `commit` has returned is durable.
2. A transaction never waits for a handler; each verb is atomic by itself, and concurrent calls
   may share a transaction.
3. Several runs (workers) may have a store open. Each conversation is one run's at a time: that
   one alone handles its events and sends its replies. The hold is the run's, by a lease. What
   others put into a conversation is told to its run by `claim`, in its order. So is, where there
   can be several runs, what a turn owes in another conversation than its own.
4. The inbox numbers events (`seq`) in the order of arrival; numbers are never reused, and those of
   one conversation become visible in their order.
5. The outbox numbers replies (`row`) in the order of commit, never reusing a number: that is the
   order in which a conversation's replies leave.
6. Values carry versions that are unique in the store and never reused. The caller makes them,
   from the number of its run (see `Run.versions`), so that a value may be read, and its version
   be known, while its commit is still on the way.
7. Every verb raises `StorageError` when the store cannot do it and will not be able to, and
   `LeaseLostError` when the run has been taken for dead; while it merely might again, it waits. A
   store that has failed so is broken: `commit` raises from then on, so that nobody need guess
   whose error a turn has ended with.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import Protocol

from chatstate.inspection import (
    Entry,
    Figures,
    Filter,
    Inspection,
    KnownAccount,
    KnownWorker,
    Request,
    Shelf,
)
from chatstate.messages import Chat, Event, User
from chatstate.scope import Key, Place
from chatstate.stores.asking import Answer, Asked
from chatstate.stores.broadcasts import Broadcasts
from chatstate.stores.control import NO_VERSIONS, Control
from chatstate.stores.forgetting import Erased, Forgetting, Forgotten
from chatstate.stores.kept import FoundButton, KeptButton, KeptReference, Reference
from chatstate.stores.records import (
    APPLIED,
    RUN_BITS,
    Account,
    Address,
    Arrival,
    Backup,
    Change,
    Claim,
    DeadLetter,
    Due,
    Expired,
    Expiry,
    Firing,
    Ingested,
    Late,
    Outcome,
    Owed,
    Role,
    Run,
    Settled,
    StoredState,
    TurnCommit,
    Use,
    Value,
    owed_folder,
)
from chatstate.stores.states import States
from chatstate.stores.timers import Fired, StoredTimer, TimerChange
from chatstate.stores.transcripts import Transcripts

__all__ = [
    "APPLIED",
    "NO_VERSIONS",
    "RUN_BITS",
    "Account",
    "Address",
    "Answer",
    "Arrival",
    "Asked",
    "Backup",
    "Broadcasts",
    "Change",
    "Claim",
    "Control",
    "DeadLetter",
    "Due",
    "Early",
    "Entry",
    "Erased",
    "Expired",
    "Expiry",
    "Figures",
    "Filter",
    "Fired",
    "Firing",
    "Forgetting",
    "Forgotten",
    "FoundButton",
    "Inbox",
    "Ingested",
    "Inspection",
    "KeptButton",
    "KeptReference",
    "KnownAccount",
    "KnownWorker",
    "Late",
    "Outbox",
    "Outcome",
    "Owed",
    "Reference",
    "Request",
    "Role",
    "Run",
    "Settled",
    "Shelf",
    "States",
    "Store",
    "StoredState",
    "StoredTimer",
    "TimerChange",
    "Transcripts",
    "TurnCommit",
    "Turns",
    "Use",
    "Value",
    "owed_folder",
]


Early = Callable[[Sequence[Ingested]], None]
"""Is told what `Inbox.ingest` will return."""


class Inbox(Protocol):
    """What comes in, from whom, and which run handles it."""

    async def account(
        self, platform: str, platform_id: str, *, tenant: str = "", alone: bool = False
    ) -> Account:
        """Return the account of the opened bot, made if need be. Its work may be claimed then.

        `tenant` is the name of whose it is, "" for the bot's own. Raises `StateError`, and makes
        none, if it is another tenant's, or, where it is to be the bot's `alone`, if another bot
        had it before on this store.
        """
        ...

    def ingest(
        self,
        account: int,
        events: Sequence[Event],
        cursors: Mapping[str, str] = ...,
        *,
        share: bool = False,
        early: Early | None = None,
    ) -> Awaitable[Sequence[Ingested]]:
        """Append events to the inbox in order, and note cursors in the same transaction.

        There is one for each part of what the account receives; that of a part for which another
        run receives (see `Role`) is not noted. A conversation that nobody holds
        becomes this run's, unless it has work, which has to be claimed; or, if they are to `share`
        it, that of one of the runs that have the account. An event that could not be
        read again, because a field is not of its type, is refused alone.

        A store that numbers events before they are durable may call `early` then, once, with
        what will be returned. Whatever is written on account of it is durable at the same moment
        or later; `events`, `notes`, `button`, `pending` and `address` return when it is. It does
        not do so in a run after one that crashed: an event that ends the process at once must be
        found in the inbox. If it cannot keep such an event, it is broken.
        """
        ...

    async def claim(self, limit: int, but: Collection[int] = ()) -> Sequence[Claim]:
        """Take hold of conversations with work that no run holds, and return them.

        Those come first that have waited longest. What a dead run held is among them. Before all
        come conversations that this run holds, and into which others have put something since.
        Those of `but` are left to other runs.
        """
        ...

    async def release(
        self, conversations: Sequence[int], *, working: bool = False
    ) -> Sequence[int]:
        """Let go of those of these conversations that have no work; return which.

        `working`: also of those that have, for others to claim. Nothing is suspected there.
        """
        ...

    async def wait(self) -> None:
        """Return when there may be something to claim or to `answer`; maybe for nothing.

        Also when others may have settled what this run has stored.
        """
        ...

    async def events(self, conversation: int, after: int, limit: int) -> Sequence[Arrival]:
        """Return the first waiting events of a conversation numbered above `after`.

        With `after=0` those of `expire` stand before them, all of them; else they are left out.
        One that is stored and cannot be read is of the kind "unreadable"; its text says why.
        """
        ...

    async def pending(self, turns: Sequence[int]) -> Sequence[int]:
        """Return those of `turns` whose event still waits, or whose replies are still owed."""
        ...

    async def suspect(self, seq: int) -> None:
        """Count a crash against an event, in advance: it is about to run alone."""
        ...

    async def person(self, account: int, user: User) -> int:
        """Return the id of a person, made if need be."""
        ...

    async def place(self, account: int, chat: Chat, thread: str | None) -> Place:
        """Return where a conversation is, with nobody who speaks there; made if need be."""
        ...

    async def alias(self, account: int, old: str, new: str) -> None:
        """Note that a chat has a new id on the platform; both ids mean the same from now on.

        If both were in use, the older chat stays: values it does not have are moved to it, the
        others are kept aside and logged.
        """
        ...


class Turns(Protocol):
    """What a turn reads, notes on its way, and commits."""

    async def load(self, keys: Sequence[Key]) -> Sequence[Value | None]:
        """Return the committed values of `keys`, None for those never stored."""
        ...

    async def commit(self, turns: Sequence[TurnCommit]) -> Sequence[Outcome]:
        """Commit turns; those that cannot be applied leave the others untouched.

        Repeating a commit whose outcome was unknown is harmless. A turn in a conversation that is
        another run's is fenced.
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


class Outbox(Protocol):
    """What is owed: replies, where they go, and their files."""

    async def address(self, conversation: int) -> Address:
        """Return where the replies of a conversation go."""
        ...

    async def take(self, conversation: int, after: int, limit: int) -> Sequence[Owed]:
        """Return the first replies owed after the row `after`, durably begun.

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

    async def owing(self, turns: Sequence[int]) -> Sequence[int]:
        """Return those of `turns` that have replies in the outbox or among the dead letters."""
        ...

    async def reference(self, ref: str) -> Reference | None:
        """Return what a reference leads to, all that was settled included.

        None if its time is over, or nothing was ever owed or asked for under it.
        """
        ...

    async def amend(self, ref: str, content: str | None) -> None:
        """Note what the message of a reference should say, should it still be sent.

        None: it is deleted, or is to be. Nothing happens if there is no such reference.
        """
        ...

    @property
    def folder(self) -> Path:
        """The folder of this machine for files that go with the store. It may not exist yet."""
        ...

    async def keep(self, key: str, path: Path) -> None:
        """Keep a file under a key for whichever run sends it: `path`, durably in the folder."""
        ...

    async def fetch(self, key: str) -> Path | None:
        """Return where a kept file lies in this machine's folder now; None if it is gone."""
        ...

    def discard(self, keys: Sequence[str]) -> None:
        """Let go of kept files, and of those in the folder. Returns at once."""
        ...


class Store(Inbox, Turns, States, Outbox, Broadcasts, Transcripts, Forgetting, Control, Protocol):
    """Keeps a bot's inbox, states and outbox. See the module's rules."""
