"""What everybody who looks sees: an operator, the page's inspector, a test.

1. `Inspection` is the one way to it: a store is one, and so is a view of it that is `Veiled`.
2. Whoever looks has no run: it may be another process, and the bot need not run. Nothing is changed
   but what is asked for, and a run does that.
3. Ids are the platform's, but for an account's and for numbers, which are the store's own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal, Protocol

import msgspec

from chatstate.scope import Key, Scope

Shelf = Literal[
    "states",
    "inbox",
    "running",
    "outbox",
    "dead",
    "timers",
    "people",
    "chats",
    "conversations",
]
"""Where something lies that can be looked at.

- `states`: values. `inbox`: events that wait. `outbox`: replies owed. `dead`: events that failed
  and replies that were refused. `timers`: those that are set. `people`, `chats` and
  `conversations`: those that are known.
- `running`: of the events that wait, in each conversation that a run holds, the one whose turn it
  is: what runs, or stands still.
"""


class Filter(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Which entries of a shelf are wanted: those that agree with all that is given here.

    `chat`, `person` and `account` are the platform's ids, `tenant` is a name. At most `limit`, with
    numbers above `after`.
    """

    bot: str | None = None
    platform: str | None = None
    scope: Scope | None = None
    name: str | None = None
    chat: str | None = None
    person: str | None = None
    account: str | None = None
    tenant: str | None = None
    after: int = 0
    limit: int = 1_000


class Entry(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What lies on a shelf, with its number there; ids are the platform's, "" for none.

    - `at`: when it was changed, arrived, was owed, or died; when a timer is due; 0 for what has no
      time. `body`: the value, event or reply, as JSON; what a timer tells; a name or title as JSON.
    - Of a value: its `key`, `version` and `schema`, when it expires, and what was `asked`.
    - Of an event or a reply: when sending was begun, and the crashes held against it.
    - Of a dead letter: its `kind`, `error` and `detail`, as in `DeadLetter`, and what was `asked`.
    - Of a timer: its handler as `kind`. Of a chat: what it is as `kind`: "private", say.
    - Of one that is veiled: what its body `hides`, as in "list of 3". Then ids are hashes.
    """

    number: int
    bot: str
    at: float
    body: str
    platform: str = ""
    chat: str = ""
    thread: str = ""
    person: str = ""
    account: str = ""
    tenant: str = ""
    key: Key | None = None
    version: int = 0
    schema: int = 0
    expires_at: float | None = None
    begun_at: float | None = None
    crashes: int = 0
    kind: str = ""
    error: str = ""
    detail: str = ""
    asked: str = ""
    hides: str = ""


class Read(msgspec.Struct, frozen=True, gc=False):
    """A value that a turn has read: whose it is, and what it was then, as JSON."""

    scope: Scope
    name: str
    value: str


class Seen(msgspec.Struct, frozen=True, gc=False):
    """A turn that somebody has seen run: of the event of an id, what it read, for how many seconds.

    They are those until its commit was queued.
    """

    event: str
    reads: Sequence[Read]
    seconds: float


class KnownAccount(msgspec.Struct, frozen=True, gc=False):
    """An account that a bot has had: its internal id, and its platform's names.

    `label` is what people call it, where that is known: no store tells it.
    """

    id: int
    bot: str
    platform: str
    platform_id: str
    label: str = ""


class KnownWorker(msgspec.Struct, frozen=True, gc=False):
    """A run that lives: which process runs a bot, and what it has at hand.

    - `lease`: for how many seconds it is held alive without a beat, 0 if until it ends.
    - `roles` are those it has, each as `role_name` tells it; "poller" is that of all accounts.
    - `holds`: how many conversations are its own, `waiting`: how many events wait in them, the
      oldest since `oldest_at`.
    - `versions` are those of the states it shares with other runs, if there can be any, by name;
      `engine` is the version of chatstate that it runs, "" if it is one that has not told.
    """

    id: int
    bot: str
    host: str
    pid: int
    started_at: float
    lease: float = 0.0
    roles: Sequence[str] = ()
    holds: int = 0
    waiting: int = 0
    oldest_at: float | None = None
    versions: Mapping[str, int] = {}
    engine: str = ""

    @property
    def process(self) -> str:
        """Which process it is, as an operator finds it: "123@host"."""
        return f"{self.pid}@{self.host}"


def role_name(duty: str, platform: str, account: str, part: str) -> str:
    """Return what people call a role: "poller:telegram:123", and of a part "poller:discord:1/0"."""
    return f"{duty}:{platform}:{account}/{part}".removesuffix("/")


class Request(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """What a run is asked to do.

    "retry" or "drop" the dead letter of a `number`; "set" the value of a `key` to a `text` of some
    `schema`, or "delete" it; "send" what `text` holds from an `account`: once under each `ref`, as
    long as that is known (see `Outbox.reference`), which is until `expires_at`; "forget" the person
    of a `number`, once the `turn` is settled that asks for it, if one does.
    """

    verb: Literal["retry", "drop", "set", "delete", "send", "forget"]
    number: int = 0
    key: Key | None = None
    text: str = ""
    schema: int = 1
    account: int = 0
    ref: str = ""
    expires_at: float = 0.0
    turn: int = 0


class Figures(msgspec.Struct, frozen=True, gc=False):
    """How much lies there in all: events that wait, replies owed, dead letters.

    Times are seconds since 1970, None for never: since when the oldest of what waits and is owed
    has been so; when the newest event among the dead letters failed; when it was found last that a
    run had not ended as it should.
    """

    waiting: int = 0
    waiting_since: float | None = None
    owed: int = 0
    owed_since: float | None = None
    dead: int = 0
    failed_at: float | None = None
    crashed_at: float | None = None


_ALL = Filter()


class Inspection(Protocol):
    """What can be seen of a store, and asked of its runs, by whoever has none."""

    async def list(self, shelf: Shelf, chosen: Filter = _ALL) -> Sequence[Entry]:
        """Return what lies on a shelf, in the order of its numbers; values alone have scopes."""
        ...

    async def show(self, shelf: Shelf, number: int) -> Entry | None:
        """Return the entry of a number, None if there is none."""
        ...

    async def accounts(self) -> Sequence[KnownAccount]:
        """Return the accounts that bots have had."""
        ...

    async def workers(self) -> Sequence[KnownWorker]:
        """Return the runs that live, oldest first. Where one process alone can, it holds all."""
        ...

    async def figures(self) -> Figures:
        """Return how much waits in all, is owed, and is dead."""
        ...

    async def ask(self, request: Request) -> bool:
        """Ask the run that has the account, or the next one, to do something. Durable.

        False, and nothing is asked, if its `ref` is known already, or a person is to be forgotten
        already, or not known.
        """
        ...
