"""Resources: what a bot's lifespan has opened, for functions that ask for it by type.

1. A type decides, and objects of exactly that class come before those of its subclasses. The
   parameter's name decides only among several.
2. What the bot's own lifespan has opened comes before what the bots around it have.
3. A type that nothing can be told to be is refused at registration; a parameter that nothing
   fits, or more than one thing, before the first event is handled.
"""

from __future__ import annotations

import inspect
import types
import typing
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Annotated, Any, NamedTuple, Protocol, TypeVar, cast

from chatstate.bot.annotations import admits_none, essence
from chatstate.errors import BindingError
from chatstate.signature import label

T = TypeVar("T")
Lifespan = Callable[[Any], AbstractAsyncContextManager[Any]]
"""Takes the bot and returns what is entered at start and left on stop."""


class _Mark:
    """Marks a parameter that gets a resource."""


_MARK = _Mark()
_NONE: Any = object()
Resource = Annotated[T, _MARK]
"""A parameter that gets what a lifespan has opened, of this type.

A bot with a lifespan of its own need not say so. One that is included in another does, if it
wants what the other's lifespan opens.
"""


class Owner(Protocol):
    """A bot, as far as it may open resources."""

    lifespan: Lifespan | None


class Need:
    """Something that gets a resource: what it is in words, its name, and of what type.

    `owner` is the bot whose function it is. Raises `BindingError` if nothing can be told to be of
    that type.
    """

    def __init__(
        self, where: str, name: str, hint: Any, owner: Owner | None, default: Any = _NONE
    ) -> None:
        self.where = where
        self.name = name
        self.owner = owner
        self.kind = _kind(essence(hint), where)
        self.optional = admits_none(hint) or default is not _NONE
        self.default = None if default is _NONE else default


def need_of(
    fn: Callable[..., Any], parameter: inspect.Parameter, hint: Any, owner: Owner | None
) -> Need:
    """Return what a parameter needs. Raises `BindingError`."""
    where = f"parameter {parameter.name!r} of {label(fn)}"
    default = _NONE if parameter.default is parameter.empty else parameter.default
    return Need(where, parameter.name, hint, owner, default)


def is_resource(hint: Any, owner: Owner | None) -> bool:
    """Tell whether a parameter gets a resource that nothing else can give."""
    return is_marked(hint) or (owner is not None and owner.lifespan is not None)


def is_marked(hint: Any) -> bool:
    """Tell whether a parameter is annotated as a `Resource`."""
    return typing.get_origin(hint) is Annotated and _MARK in typing.get_args(hint)[1:]


def checked_lifespan(lifespan: Lifespan | None) -> Lifespan | None:
    """Return `lifespan`. Raises `BindingError` for what can be none."""
    if lifespan is None:
        return None
    if not callable(lifespan):
        raise BindingError(f"lifespan={lifespan!r} is no function")
    if inspect.isasyncgenfunction(lifespan) or inspect.isgeneratorfunction(lifespan):
        raise BindingError(
            f"lifespan {label(lifespan)} is a generator; put @contextlib.asynccontextmanager on it"
        )
    return lifespan


class _Opened(NamedTuple):
    owner: Owner
    key: Any
    value: Any


class Resources:
    """What the lifespans of a running bot, and of those it includes, have opened."""

    def __init__(self) -> None:
        self._opened: list[_Opened] = []
        self._found: dict[Need, Any] = {}

    def add(self, owner: Owner, opened: Any) -> None:
        """Take what the lifespan of a bot has yielded: an object, or a dict or tuple of some."""
        if type(opened) is dict:
            named = cast("dict[Any, Any]", opened)
        elif type(opened) is tuple:
            named = dict(enumerate(cast("tuple[Any, ...]", opened)))
        else:
            named = {} if opened is None else {0: opened}
        self._opened += [_Opened(owner, key, value) for key, value in named.items()]

    def __getitem__(self, need: Need) -> Any:
        """Return what fulfils a need. Raises `BindingError`."""
        if need not in self._found:
            self._found[need] = self.find(need)
        return self._found[need]

    def find(self, need: Need) -> Any:
        """Return what fulfils a need.

        What the lifespan of its own bot has opened comes first. If several fit, it is the one
        whose key in the yielded dict is the need's name. Raises `BindingError`.
        """
        own = [opened for opened in self._opened if opened.owner is need.owner]
        for there in (own, self._opened):
            fitting = _fitting(there, need)
            if len(fitting) > 1:
                kinds = ", ".join(sorted({type(resource).__name__ for resource in fitting}))
                raise BindingError(
                    f"{need.where}: {len(fitting)} resources are a {need.kind.__name__} ({kinds}); "
                    "ask for a narrower type, or let the lifespan yield a dict with the "
                    "parameter's name as key"
                )
            if fitting:
                return fitting[0]
        if need.optional:
            return need.default
        kinds = ", ".join(sorted({type(opened.value).__name__ for opened in self._opened}))
        raise BindingError(
            f"{need.where}: no lifespan has opened a {need.kind.__name__}; "
            f"there is {kinds or 'nothing'}"
        )


def _fitting(there: list[_Opened], need: Need) -> list[Any]:
    exact = [opened for opened in there if type(opened.value) is need.kind]
    fitting = exact or [opened for opened in there if isinstance(opened.value, need.kind)]
    named = [opened for opened in fitting if opened.key == need.name]
    return list({id(opened.value): opened.value for opened in (named or fitting)}.values())


def _kind(type_: Any, where: str) -> type[Any]:
    kind = typing.get_origin(type_) or type_
    try:
        isinstance(None, kind)
    except TypeError as error:
        raise BindingError(f"{where}: no object can be told to be a {type_!r} ({error})") from error
    if not isinstance(kind, type) or kind is types.UnionType or kind is Any:
        raise BindingError(f"{where}: {type_!r} is no class, so no resource can be one")
    return cast("type[Any]", kind)
