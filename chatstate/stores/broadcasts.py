"""`Broadcasts`: one reply for many, as a job of the store, and what it is made of.

1. A job is noted once under a key of its bot, until it is over and 30 days old (`Control.prune`).
   Its recipients are gathered first, page by page; from then on they are fixed. Each becomes an
   event, in the transaction that notes so: once.
2. A chat that takes nothing from the bot any more is marked when a reply to it is settled so. It is
   no recipient until anything comes from there again.
3. To note, list and steer jobs needs no run; to gather and to reach recipients is a run's.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Literal, Protocol

import msgspec

from chatstate.messages import Chat, Event, User
from chatstate.scope import Scope
from chatstate.stores.records import Ingested, Value

Crowd = Literal["private", "groups", "all"]
"""All private chats of a bot, all groups, or all chats."""
Standing = Literal["gathering", "running", "done", "cancelled", "recalling", "recalled"]
"""How far a job is: its recipients are gathered, reached, and their messages taken back."""
Order = Literal["pause", "resume", "cancel", "recall"]


KEPT_SECONDS = 30 * 24 * 3600.0
"""How long a job that is over is known: its key, its counts, and what it can recall."""


class Recipient(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """Whom an account is to reach: a chat (and its thread), or a person in private."""

    account: int
    chat: Chat | None = None
    thread: str | None = None
    user: User | None = None


class Audience(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """Who is to be reached: a crowd, those who have a value of a state, or those who are `listed`.

    `account`: by one account alone, 0 for each by its own. `is_chosen`: somebody looks at each.
    """

    bot: str
    crowd: Crowd | None = None
    state: tuple[Scope, str] | None = None
    listed: Sequence[Recipient] = ()
    account: int = 0
    is_chosen: bool = False


class Candidate(msgspec.Struct, frozen=True, gc=False):
    """Somebody of an audience, numbered in the store's order, and the value if it is a state's.

    A person who has several values is there several times.
    """

    number: int
    recipient: Recipient
    value: Value | None = None


class NewBroadcast(msgspec.Struct, frozen=True, gc=False):
    """A job to be noted: `text` is what to say, `content` tells it from others under its key.

    `ref` is known until `expires_at`, for the files that go with it; see `Outbox.reference`.
    """

    key: str
    text: str
    content: str
    audience: Audience
    ref: str
    expires_at: float


class Broadcast(msgspec.Struct, frozen=True, gc=False):
    """A job. Of `total` recipients so many are `reached`: what they get is owed, or was sent.

    `blocked` are those who take nothing any more, `failed` those to whom it was refused otherwise;
    `recalled` those whose message was taken back. `gathered`: up to which number of its audience.
    """

    number: int
    bot: str
    key: str
    text: str
    content: str
    audience: Audience
    standing: Standing
    is_paused: bool
    begun_at: float
    gathered: int = 0
    total: int = 0
    reached: int = 0
    blocked: int = 0
    failed: int = 0
    recalled: int = 0

    @property
    def is_under_way(self) -> bool:
        """Whether there is something left to do, and nobody has paused it."""
        return self.standing in ("gathering", "running", "recalling") and not self.is_paused


class Unreached(msgspec.Struct, frozen=True, gc=False):
    """A recipient by its number in its job; `conversation` once it was reached, 0 before."""

    number: int
    recipient: Recipient
    conversation: int = 0


class Broadcasts(Protocol):
    """Jobs that reach many."""

    async def announce(self, new: NewBroadcast) -> Broadcast:
        """Note a job, and return it; or the one that has the same key, whatever its content."""
        ...

    async def broadcasts(self, bot: str | None = None) -> Sequence[Broadcast]:
        """Return the jobs of a bot, or of all, in the order of their numbers."""
        ...

    async def steer(self, number: int, order: Order) -> Broadcast | None:
        """Pause a job, let it go on, cancel it, or take back what it has sent; return it.

        What it cannot do any more changes nothing: only what is cancelled or done is recalled as
        well. None if there is no such job.
        """
        ...

    async def audience(self, of: Audience, after: int, limit: int) -> Sequence[Candidate]:
        """Return the next of a crowd, or of those who have a value, numbered above `after`.

        Chats that are marked, and values that have expired, are left out.
        """
        ...

    async def gather(
        self, number: int, before: int, after: int, found: Sequence[Recipient], *, is_last: bool
    ) -> None:
        """Add recipients to a job that is gathered up to `before`; it is up to `after` then.

        With `is_last` it runs from then on. Nothing happens if it is gathered further by now, or
        was cancelled.
        """
        ...

    async def unreached(
        self, number: int, accounts: Collection[int], limit: int
    ) -> Sequence[Unreached]:
        """Return the first recipients of these accounts that are to be reached, or recalled."""
        ...

    async def reach(self, number: int, recipient: int, event: Event | None) -> Ingested | None:
        """Make what a recipient gets an event of the account, as `ingest` does, and note so.

        None, and no event, if the job does not go on, or the recipient has been reached; if its
        chat is marked, or there is no event, since it cannot be had: it is `blocked` then; and if
        the conversation is another recipient's: then it is none. It stays to be reached if the
        event is refused.
        """
        ...

    async def finish(self, number: int) -> bool:
        """Note that a job is done, or recalled, unless somebody is left; tell whether it is."""
        ...
