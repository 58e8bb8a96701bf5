"""What an annotation means: its type, and what is said beside it.

1. Other names of a type, what is said beside it, and None are taken off to see what it is.
2. That a person is mentioned, and not typed, belongs to the type: this mark stays on it.
"""

from __future__ import annotations

import inspect
import re
import types
import typing
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Annotated, Any, TypeVar

import msgspec

from chatstate.messages import User

M = TypeVar("M")
_MODULES = re.compile(r"(?<![\w.'])(?:\w+\.)+(?=\w)")


@dataclass(frozen=True, slots=True)
class Arg:
    """Says something of an argument of a command.

    - `who: Annotated[User, Arg]`: a person gives it by a mention.
    - `size: Annotated[int, Arg(description="in metres")]`: what it is, where platforms show that.
    """

    description: str = ""


@dataclass(frozen=True, slots=True)
class Complete:
    """Offers what may be typed for an argument: `city: Annotated[str, Complete(cities)]`.

    `fn` gets what has been typed so far, and what its other parameters are annotated with: states,
    which it may only read, `User`, `Chat`, resources. It returns a list of texts, the best first.
    Where a platform offers nothing, what is typed is taken as it is: so it is there, too.
    """

    fn: Callable[..., Any]


def essence(type_: Any) -> Any:
    """Return a type without `| None`, metadata and other names, save the mark of a mention."""
    inner = () if is_mention(type_) else _inner(type_)
    return essence(inner[0]) if len(inner) == 1 else type_


def unwrapped(type_: Any) -> Any:
    """Return a type without metadata and other names; a union stays what it is."""
    inner = () if len(members(type_)) > 1 else _inner(type_)
    return unwrapped(inner[0]) if inner else type_


def named(type_: Any) -> str:
    """Return what to call a type in an error: as its author writes it."""
    if type_ is type(None):
        return "None"
    return _MODULES.sub("", inspect.formatannotation(type_))


def admits_none(type_: Any) -> bool:
    """Tell whether None would do."""
    return type(None) in members(type_) or any(map(admits_none, _inner(type_)))


def bounds(type_: Any) -> Iterator[msgspec.Meta]:
    """Yield the bounds that a type is annotated with, around its `essence`."""
    return marks(type_, msgspec.Meta)


def marks(type_: Any, kind: type[M]) -> Iterator[M]:
    """Yield what of a kind a type is annotated with, around its `essence`, the outermost first."""
    yield from (mark for mark in _marks(type_) if isinstance(mark, kind))
    inner = _inner(type_)
    if len(inner) == 1:
        yield from marks(inner[0], kind)


def is_mention(type_: Any) -> bool:
    """Tell whether it is a person whom somebody mentions: `Annotated[User, Arg]`."""
    if typing.get_origin(type_) is not Annotated or typing.get_args(type_)[0] is not User:
        return False
    return any(mark is Arg or isinstance(mark, Arg) for mark in _marks(type_))


def members(type_: Any) -> tuple[Any, ...]:
    """Return the types of a union; of any other type, itself alone."""
    is_union = typing.get_origin(type_) in (typing.Union, types.UnionType)
    return typing.get_args(type_) if is_union else (type_,)


def _inner(type_: Any) -> tuple[Any, ...]:
    """Return what a type stands for, without one layer of names, metadata or None."""
    if typing.get_origin(type_) is Annotated:
        return typing.get_args(type_)[:1]
    if hasattr(type_, "__supertype__"):  # a NewType
        return (type_.__supertype__,)
    if type(type_).__name__ == "TypeAliasType":
        return (type_.__value__,)
    return tuple(part for part in members(type_) if part not in (type_, type(None)))


def _marks(type_: Any) -> tuple[Any, ...]:
    return typing.get_args(type_)[1:] if typing.get_origin(type_) is Annotated else ()
