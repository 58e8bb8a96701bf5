"""Guards: who may use a handler."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, NamedTuple, TypeAlias, cast, get_args

from chatstate.bot.functions import BoundFunction, predicate
from chatstate.bot.resources import Owner
from chatstate.errors import BindingError

Who = Literal["owners", "admins"]
Allow: TypeAlias = Who | Callable[..., Any] | Sequence[Who | Callable[..., Any]]
"""Who may use a handler: "owners", "admins", a predicate, or a list of which one is enough."""
Owners: TypeAlias = Sequence[str] | Mapping[str, Sequence[str]]
"""People, as "platform:id", or their ids by platform."""


class Guard(NamedTuple):
    """Rules of which one must hold."""

    rules: tuple[Who | BoundFunction, ...]

    @property
    def is_for_owners(self) -> bool:
        """Whether nobody but owners can pass."""
        return set(self.rules) == {"owners"}

    @property
    def sentence(self) -> str:
        """The name of the sentence for those who do not pass."""
        return "only_admins" if "admins" in self.rules else "refused"


def guard(allow: Allow, *, owner: Owner | None = None) -> Guard:
    """Return the guard that `allow` describes. Raises `BindingError`."""
    parts = cast("Sequence[Any]", allow if isinstance(allow, list | tuple) else [allow])
    rules: list[Who | BoundFunction] = [_rule(part, owner=owner) for part in parts]
    if not rules:
        raise BindingError("allow=[] lets nobody in")
    return Guard(tuple(rules))


def _rule(part: Any, *, owner: Owner | None) -> Who | BoundFunction:
    if part in get_args(Who):
        return cast("Who", part)
    if not callable(part):
        raise BindingError(f'allow={part!r}: use "owners", "admins" or a function')
    return predicate(part, owner=owner)


def owners_of(given: Owners) -> frozenset[tuple[str, str]]:
    """Return people as pairs of platform and id. Raises `BindingError`."""
    if isinstance(given, Mapping):
        pairs = [(name, one) for name, ids in given.items() for one in _several(ids)]
    else:
        pairs = [_owner(one) for one in _several(given)]
    return frozenset(pairs)


def _several(given: Any) -> Sequence[str]:
    """Return a list of texts. A text is no list: its letters would all be ids."""
    if isinstance(given, str) or not all(isinstance(one, str) for one in given):
        raise BindingError(f"owners: {given!r} is no list of texts; an id is a text: use [...]")
    return cast("Sequence[str]", given)


def _owner(text: str) -> tuple[str, str]:
    platform, colon, identity = text.partition(":")
    if not (platform and colon and identity):
        raise BindingError(
            f"owners: {text!r} does not say on which platform; "
            'write "telegram:123", or {"telegram": ["123"]}'
        )
    return platform, identity
