"""Who is one person on several platforms, as a store knows it: rows of state, beside all others.

1. Each of somebody's identities keeps its own id, conversations, timers and `member` values. Only
   what is a `user` value is one for all: that of the identity that was there first, the root.
2. An identity has a row that leads to the root, and the root's row has all of them. Both are
   written in the commit that links, or ends that, with all values that it joins.
3. What an identity had before is kept aside, 30 days.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Literal

import msgspec

from chatstate.messages import User
from chatstate.scope import Key
from chatstate.stores.base import Turns

LINK: Final = "chatstate.link"
"""The name of the `user` state that has a person's `Link`."""
ASIDE: Final = "chatstate.link.aside"
"""The name of the `user` state that has what was kept `Aside` of a person's values."""


class Identity(msgspec.Struct, frozen=True, omit_defaults=True):
    """Somebody on one platform: by internal id, in private with an account of the bot's.

    `at` is what that is called ("telegram:123"), `user` who they are there, `chat` the id of their
    private chat.
    """

    person: int
    account: int
    at: str
    user: User
    chat: str

    @property
    def id(self) -> str:
        """The platform's id of the person."""
        return self.user.id

    @property
    def called(self) -> str:
        """What to call them, for somebody on another platform."""
        return f"{self.at.partition(':')[0].title()} {self.user.name or self.user.id}"


class Audit(msgspec.Struct, frozen=True):
    """What has happened to an identity, and when; with which other one, by internal ids."""

    at: float
    what: Literal["linked", "unlinked"]
    person: int
    by: int


class Link(msgspec.Struct, omit_defaults=True):
    """With whom somebody is linked: `root` is whose values are all's, 0 if nobody.

    `identities` are all of them, the root's own among them, in the root's row alone. `audit` is
    what has happened, the newest last; it stays.
    """

    root: int = 0
    identities: list[Identity] = []
    audit: list[Audit] = []


class Kept(msgspec.Struct, frozen=True):
    """A value as it was before: JSON text of a `schema`; None if there was none."""

    text: str | None
    schema: int = 1


class Joined(msgspec.Struct, frozen=True):
    """What the root had before a value was joined to it, and a digest of what came of that."""

    before: Kept
    after: str


class Aside(msgspec.Struct, omit_defaults=True):
    """What two had before they were linked, by the state's name: the identity, and the root."""

    values: dict[str, Kept] = {}
    joined: dict[str, Joined] = {}


async def identities(store: Turns, bot: str, person: int) -> Sequence[Identity]:
    """Return all identities of whoever has this internal id, if they are linked; else nothing."""
    own = await _link(store, bot, person)
    return (await _link(store, bot, own.root)).identities if own.root else ()


def link_key(bot: str, person: int) -> Key:
    """Return where a person's `Link` is kept."""
    return Key(bot, "user", LINK, 0, person)


async def _link(store: Turns, bot: str, person: int) -> Link:
    (value,) = await store.load([link_key(bot, person)])
    return msgspec.json.decode(value.text, type=Link) if value else Link()
