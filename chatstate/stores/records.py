"""What goes into a store and comes out of it, as frozen data; `stores.base` has the verbs.

1. A record is frozen, and out of the garbage collector's sight: nothing in it refers back to it.
2. `account` and `conversation` are the store's own numbers; `message` is the platform's id.
3. Times are seconds since 1970. A value's `text`, and a `body`, are JSON.
4. Versions and attempt numbers come from `Run.versions`: no run makes one that another has made.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Literal

import msgspec

from chatstate.messages import Event
from chatstate.scope import Key, Place, Scope
from chatstate.stores.kept import KeptButton, KeptReference
from chatstate.stores.timers import TimerChange

RUN_BITS = 40
"""A run can make 2**40 versions; 2**23 runs fit a signed 64-bit integer."""


class Role(msgspec.Struct, frozen=True, order=True, gc=False):
    """What one run at a time does for an account, or for a part of it: a shard, say.

    "poller": receiving what one alone may receive. "clock": looking for what has expired or come
    due in conversations that nobody holds. "forget": forgetting people of the account.
    """

    duty: Literal["poller", "clock", "forget"]
    account: int
    part: str = ""


class Run(msgspec.Struct, frozen=True, gc=False):
    """A worker's hold on a store.

    `secret` is the bot's own, made once, for signing what it must recognise. `lease`: for how many
    seconds it is held alive after each `beat`; 0 if it holds the store until it ends.
    """

    id: int
    secret: bytes
    lease: float = 0.0

    def versions(self) -> Iterator[int]:
        """Return versions and attempt numbers that no other run ever makes."""
        return itertools.count((self.id << RUN_BITS) + 1)


def owed_folder(folder: Path) -> Path:
    """Return where in a store's folder the files lie that replies owe, each under its key."""
    return folder / "owed"


class Backup(msgspec.Struct, frozen=True, gc=False):
    """A backup of a store: where it was written, and when."""

    path: str
    made_at: float


class Account(msgspec.Struct, frozen=True, gc=False):
    """A bot's account on a platform, by its internal id, and the adapter's last cursors by part.

    `tenant` is the internal id of whose it is, 0 for the bot's own.
    """

    id: int
    cursors: Mapping[str, str] = {}
    tenant: int = 0


class Claim(msgspec.Struct, frozen=True, gc=False):
    """A conversation that this run holds from now on: whether events wait, and replies are owed.

    `crashes`: how many runs in a row did not stop as they should while they held it. `is_news`:
    this run held it before, and others have put something into it.
    """

    conversation: int
    waits: bool
    owes: bool
    crashes: int = 0
    is_news: bool = False


class Arrival(msgspec.Struct, frozen=True, gc=False):
    """An event that is in the inbox. `crashes`: how often the process died while it ran alone.

    `ahead`: it goes before all others that wait in its conversation. `noted`: an earlier attempt at
    its turn has left notes.
    """

    seq: int
    place: Place
    event: Event
    crashes: int = 0
    ahead: bool = False
    noted: bool = False


class Firing(msgspec.Struct, frozen=True, gc=False):
    """Timers that have become events, and when the next one fires; None if there is none."""

    arrivals: Sequence[Arrival]
    next_at: float | None


class Ingested(msgspec.Struct, frozen=True, gc=False):
    """What became of one event given to `ingest`.

    `arrival` is there if it was stored now, for this run to handle, or refused because too many
    wait: the event in it is what will be read. `error` says why one is refused that could not be
    read again. `pending` is the number of the inbox row a duplicate waits in, if it still does, and
    `done` that of one whose turn is committed; `dropped` that of an older event which had to make
    room. `elsewhere`: it waits as `pending`, and it is for another run to handle: for the one that
    holds its conversation, or claims it.
    """

    status: Literal["stored", "duplicate", "refused"]
    arrival: Arrival | None = None
    pending: int | None = None
    done: int | None = None
    dropped: int | None = None
    error: str = ""
    elsewhere: bool = False


class Value(msgspec.Struct, frozen=True, gc=False):
    """A stored value: JSON text, the version of it, and of the schema it was written by.

    `expires_at`: when it has expired if nothing uses it until then; None for never.
    """

    text: str
    version: int
    schema: int = 1
    expires_at: float | None = None


class StoredState(msgspec.Struct, frozen=True, gc=False):
    """A state that has stored values, under whatever declaration they were written."""

    bot: str
    scope: Scope
    name: str


class Change(msgspec.Struct, frozen=True, gc=False):
    """A value a turn changed. `expected` is the version it read, 0 if there was no value."""

    key: Key
    expected: int
    value: Value


class Use(msgspec.Struct, frozen=True, gc=False):
    """A value a turn used without changing it: it expires no earlier than this."""

    key: Key
    expires_at: float


class Due(msgspec.Struct, frozen=True, gc=False):
    """A value that has expired, and the conversation of the turn that used it last."""

    key: Key
    conversation: int


class Expiry(msgspec.Struct, frozen=True, gc=False):
    """A value to be removed because it has expired.

    If `told`, it becomes an event of `conversation`. `version` is that of a value which was never
    stored, and is to be told of all the same; its event holds no text.
    """

    key: Key
    conversation: int
    told: bool
    version: int | None = None


class Expired(msgspec.Struct, frozen=True, gc=False):
    """What a value was that has expired: `raw` of its event's message holds this."""

    scope: Scope
    name: str
    text: str | None
    schema: int
    version: int


class Owed(msgspec.Struct, frozen=True, gc=False):
    """One reply owed: a row of the outbox, numbered `part` within its turn.

    - `body` is JSON text: the rendered part, and what it is an answer to.
    - `begun_at` is when sending it was first begun (seconds since 1970), None if that surely never
      happened. `crashes`: how often the process died while it sent only this.
    - `row` is its place in the order of commit, once it is there.
    - `conversation`: where it is owed, 0 for the turn's own.
    - `priority`: 0, or 1 for what may wait for others. Past `best_before` it is not sent any more.
    - `changes`: under which reference the message is known that it edits or deletes, "" for none.
    """

    turn: int
    part: int
    body: str
    begun_at: float | None = None
    crashes: int = 0
    row: int = 0
    conversation: int = 0
    priority: int = 0
    best_before: float | None = None
    changes: str = ""


class DeadLetter(msgspec.Struct, frozen=True, gc=False):
    """What was not done: an event whose turn failed, a reply that was refused, or had become stale.

    `error` is one line for a listing; `detail` a traceback or the platform's full answer. Half
    surrogate pairs in them (from a file name, say) become question marks, since they are no text.
    `is_blocked`: it was refused since the chat takes nothing from the bot any more.
    """

    kind: Literal["event", "reply", "stale"]
    error: str
    detail: str = ""
    is_blocked: bool = False

    def __post_init__(self) -> None:
        for field in ("error", "detail"):
            text: str = getattr(self, field)
            msgspec.structs.force_setattr(self, field, text.encode(errors="replace").decode())


class TurnCommit(msgspec.Struct, frozen=True, gc=False):
    """Everything one turn does, to be done together or not at all.

    `attempt` is unique to this attempt at the turn (from `Run.versions`). `also` are the
    numbers of earlier events of the conversation that were handled together with this one.
    `noted`: there are notes, to be deleted. `after` are the numbers of turns whose values this
    one read while their commit was on its way: if one of them is not applied, neither is this.
    `used`: values that are gone or changed meanwhile are no conflict. `late` tells within the
    transaction what is to be committed instead of all this. What is `owed` in other conversations
    comes last, in the order of their ids, so that no two commits wait for each other. `timers` are
    changed in their order.
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
    buttons: Sequence[KeptButton] = ()
    used: Sequence[Use] = ()
    late: Late | None = None
    references: Sequence[KeptReference] = ()
    timers: Sequence[TimerChange] = ()


class Late(msgspec.Struct, frozen=True, gc=False):
    """What a turn does to values as they are at its commit, while nobody else can change them.

    `finish` gets what `keys` hold and returns the turn as it is to be committed, without `late`;
    None if it is not to be: that is a conflict. It is quick and raises nothing; it may be called
    several times, and the last of them counts.
    """

    keys: Sequence[Key]
    finish: Callable[[Sequence[Value | None]], TurnCommit | None]


class Settled(msgspec.Struct, frozen=True, gc=False):
    """What became of one reply owed: sent, or refused for good.

    `message` is the platform's id of it, told if kept buttons hang on it; `referred` the same, of
    its last copy if there may be several, told if a reference leads to it.
    """

    conversation: int
    turn: int
    part: int
    dead: DeadLetter | None = None
    message: str | None = None
    referred: str | None = None


class Address(msgspec.Struct, frozen=True, gc=False):
    """Where a conversation is, in the platform's ids."""

    account: int
    chat: str
    thread: str | None


Outcome = Literal["applied", "behind", "conflict", "fenced"]
"""`behind`: it is applied, and what it owes comes behind what others owe in its conversation, so
that the outbox tells its order. `conflict`: a value was changed meanwhile, or an earlier turn of
the conversation, or one whose values it read, is not applied; run it again. `fenced`: another
attempt at this turn has been applied."""
APPLIED: tuple[Outcome, ...] = ("applied", "behind")
