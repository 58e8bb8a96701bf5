"""What a function says that it returns: refused at registration, if it can be no reply.

1. Only what is certain is refused. What an annotation leaves open is judged when it is returned,
   and so is what a decorator makes of a function.
2. Of a union each member must do: some day that is what is returned.
3. A generator is judged by what it yields, a coroutine by what it returns in the end.
"""

from __future__ import annotations

import collections.abc
import dataclasses
import inspect
import typing
from collections.abc import Callable, Mapping
from typing import Any, Literal, cast

from chatstate.bot.annotations import members, named, unwrapped
from chatstate.bot.returns import remedy_for
from chatstate.content import Contact, Location, Poll, Sticker
from chatstate.errors import BindingError
from chatstate.files import File
from chatstate.replies import Card, Delete, Markdown, Native, React, Reply
from chatstate.signature import hints, mode, where
from chatstate.text import StyledText

_REPLIES: tuple[type[Any], ...] = (
    *(str, Markdown, Reply, Card, Delete, React, Native, File, list, dict, Mapping),
    *(Location, Contact, Poll, Sticker, StyledText),
    type(None),
)
_FIELDS = {"content", "text", "files"}
_YIELDING = (
    *(collections.abc.Iterator, collections.abc.Iterable, collections.abc.Generator),
    *(collections.abc.AsyncIterator, collections.abc.AsyncIterable, collections.abc.AsyncGenerator),
)


def check_replies(fn: Callable[..., Any]) -> None:
    """Raise `BindingError` if `fn` says that it returns what is no reply."""
    for type_ in _returned(fn):
        if not _may_be_reply(type_):
            raise BindingError(
                f"{where(fn)} {_verb(fn)} {named(type_)}, which is no reply: {_remedy(type_)}"
            )


def check_count(fn: Callable[..., Any], count: int) -> None:
    """Raise `BindingError` if `fn` says that it returns other than so many values."""
    for type_ in _returned(fn):
        values = _count(type_)
        if count > 1 and values not in (count, None):
            held = f"{values} value{'s'[: values != 1]}"
            raise BindingError(
                f"{where(fn)} {_verb(fn)} {named(type_)}, {held}, and its outputs are {count}"
            )


def _returned(fn: Callable[..., Any]) -> tuple[Any, ...]:
    """Return the types of what is returned or yielded, each member of a union for itself."""
    if inspect.unwrap(fn) is not fn:
        return ()
    type_ = hints(fn).get("return", Any)
    if _verb(fn) == "yields":
        is_known = typing.get_origin(type_) in _YIELDING
        type_ = (typing.get_args(type_) or (Any,))[0] if is_known else Any
    elif typing.get_origin(type_) in (collections.abc.Awaitable, collections.abc.Coroutine):
        type_ = typing.get_args(type_)[-1]
    return members(unwrapped(type_))


def _verb(fn: Callable[..., Any]) -> str:
    return "yields" if mode(fn) in ("generator", "async_generator") else "returns"


def _may_be_reply(type_: Any) -> bool:
    type_ = unwrapped(type_)
    origin, parts = typing.get_origin(type_), typing.get_args(type_)
    if origin is Literal:
        return all(isinstance(value, str | None) for value in parts)
    if origin is list:
        return all(_may_be_reply(member) for part in parts for member in members(unwrapped(part)))
    class_: Any = origin or type_
    if not isinstance(class_, type) or class_ is Any or _is_image(class_):
        return True
    if dataclasses.is_dataclass(class_) and not issubclass(class_, _REPLIES):
        return not _FIELDS.isdisjoint(field.name for field in dataclasses.fields(class_))
    return _is_related(cast("type[Any]", class_))


def _is_related(class_: type[Any]) -> bool:
    """Tell whether an object of this class may be one of those that are replies."""
    try:
        return issubclass(class_, _REPLIES) or any(issubclass(kind, class_) for kind in _REPLIES)
    except TypeError:  # a Protocol that cannot be asked
        return True


def _is_image(class_: type[Any]) -> bool:
    return class_.__module__.startswith("PIL.")


def _count(type_: Any) -> int | None:
    """Return how many values an object of this type holds for outputs; None if that is open."""
    type_ = unwrapped(type_)
    origin, parts = typing.get_origin(type_), typing.get_args(type_)
    class_ = origin or type_
    if not isinstance(class_, type) or class_ is Any:
        return None
    if origin is tuple:
        return None if Ellipsis in parts else len(parts)
    fields = getattr(class_, "_fields", None)
    if fields is not None and issubclass(class_, tuple):  # a NamedTuple
        return len(fields)
    holds_several = any(issubclass(kind, class_) for kind in (tuple, list))
    return None if holds_several or issubclass(class_, tuple | list) else 1


def _remedy(type_: Any) -> str:
    class_ = typing.get_origin(type_) or type_
    return remedy_for(class_ if isinstance(class_, type) else object)
