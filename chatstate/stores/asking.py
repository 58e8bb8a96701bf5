"""What is looked at in a store, and what is asked of its runs, as frozen data.

1. Whoever looks or asks has no run: it may be another process, and the bot need not run.
2. Ids are the platform's, but for an account's and for numbers, which are the store's own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

import msgspec

from chatstate.scope import Key, Scope
from chatstate.stores.records import Arrival

Shelf = Literal["states", "inbox", "outbox", "dead"]
"""Where something lies that can be looked at: values; events that wait; replies owed; events that
failed and replies that were refused."""


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

    - `at`: when it was changed, arrived, was owed, or died. `body`: the value, event or reply.
    - Of a value: its `key`, `version` and `schema`, when it expires, and what was `asked`.
    - Of an event or a reply: when sending was begun, and the crashes held against it.
    - Of a dead letter: its `kind`, `error` and `detail`, as in `DeadLetter`, and what was `asked`.
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


class Request(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """What a run is asked to do.

    "retry" or "drop" the dead letter of a `number`; "set" the value of a `key` to a `text` of some
    `schema`, or "delete" it; "send" what `text` holds from an `account`: once under each `ref`, as
    long as that is known (see `Outbox.reference`), which is until `expires_at`.
    """

    verb: Literal["retry", "drop", "set", "delete", "send"]
    number: int = 0
    key: Key | None = None
    text: str = ""
    schema: int = 1
    account: int = 0
    ref: str = ""
    expires_at: float = 0.0


class Asked(msgspec.Struct, frozen=True, gc=False):
    """A request to send something that no run has taken up, with its `number` and since when."""

    number: int
    asked_at: float
    request: Request


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
    - `roles` are those it has. `holds`: how many conversations are its own, `waiting`: how many
      events wait in them, the oldest since `oldest_at`.
    - `versions` are those of the states it shares with other runs, if there can be any, by name.
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


class Answer(msgspec.Struct, frozen=True, gc=False):
    """What a request has changed: an event or a reply is there again, or a value is another."""

    arrival: Arrival | None = None
    conversation: int | None = None
    key: Key | None = None
