"""From a turn's place to a value's key.

1. A key is (bot, scope, name, place, person); unequal scopes, names or bots never share one.
2. `place` and `person` are the store's internal ids: positive integers, or 0 for "none", so
   no character of a platform's id can make two keys collide.
3. A key never changes meaning: stores keep it for good.
4. Accounts of different tenants share nothing: a global value's place is the tenant's id, which is
   0 for those of the bot's own. All other places are an account's, and so a tenant's.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Literal, NamedTuple, cast

Scope = Literal["member", "thread", "chat", "user", "global"]
SHARED: frozenset[Scope] = frozenset(("chat", "user", "global"))
"""Scopes whose values several conversations can change at once."""
PERSONAL: frozenset[Scope] = frozenset(("member", "user"))
"""Scopes whose values are a person's."""


class Place(NamedTuple):
    """Where a turn happens and who speaks, in the store's internal ids.

    `user` is whose `user` values are used, if that may be another: who is linked with the person.
    """

    account: int
    chat: int
    conversation: int
    person: int
    user: int = 0


class Key(NamedTuple):
    """The identity of one stored value."""

    bot: str
    scope: Scope
    name: str
    place: int
    person: int


def is_ours(name: str) -> bool:
    """Tell whether a state is the framework's own, by its name: nobody's code declares it."""
    return name.startswith("chatstate.")


Tenants = Mapping[int, int]
"""The tenants of accounts, by internal ids; those that are not there are of the bot's own."""


def key_maker(
    bot: str, scope: Scope, name: str, tenants: Tenants = MappingProxyType({})
) -> Callable[[Place], Key]:
    """Return the function from a place to the key of the state `name` of `bot` there."""
    # What a NamedTuple adds to a tuple's own `__new__` takes longer than all else of a key.
    make: Callable[[tuple[object, ...]], Key] = functools.partial(cast("Any", tuple).__new__, Key)
    match scope:
        case "member":
            return lambda place: make((bot, scope, name, place[2], place[3]))
        case "thread":
            return lambda place: make((bot, scope, name, place[2], 0))
        case "chat":
            return lambda place: make((bot, scope, name, place[1], 0))
        case "user":
            return lambda place: make((bot, scope, name, 0, place[4] or place[3]))
        case "global":
            everywhere = Key(bot, scope, name, 0, 0)
            return lambda place: (
                Key(bot, scope, name, tenants.get(place[0], 0), 0) if tenants else everywhere
            )


def key(
    bot: str, scope: Scope, name: str, place: Place, tenants: Tenants = MappingProxyType({})
) -> Key:
    """Return the key of the state `name` of `bot` for whoever speaks at `place`."""
    return key_maker(bot, scope, name, tenants)(place)
