"""What an annotation means: its type, and what is said beside it."""

from __future__ import annotations

import inspect
import re
import types
import typing
from collections.abc import Iterator
from typing import Annotated, Any

import msgspec

from chatstate.messages import User

_MODULES = re.compile(r"(?<![\w.'])(?:\w+\.)+(?=\w)")


class Arg:
    """Marks a parameter which a person gives by mention: `who: Annotated[User, Arg]`."""


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
    yield from (mark for mark in _marks(type_) if isinstance(mark, msgspec.Meta))
    inner = _inner(type_)
    if len(inner) == 1:
        yield from bounds(inner[0])


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
