"""What a type tells of its values: whether they can change in place, and their default."""

from __future__ import annotations

import datetime as dt
import decimal
import enum
import types
import typing
import uuid
from typing import Annotated, Any, Literal, cast

from chatstate.errors import BindingError
from chatstate.state.declaration import UNSET, State, is_ref


def is_immutable(type_: Any) -> bool:
    """Tell whether a value of this type can never change in place."""
    origin = typing.get_origin(type_) or getattr(type_, "__supertype__", type_)
    if origin in (typing.Union, types.UnionType):
        return all(is_immutable(part) for part in typing.get_args(type_))
    if origin is Annotated:
        return is_immutable(typing.get_args(type_)[0])
    if origin is Literal:
        return True
    if not isinstance(origin, type):
        return False
    cls = cast("type[Any]", origin)
    parameters = getattr(cls, "__dataclass_params__", None)
    config = getattr(cls, "__struct_config__", None)
    model: dict[str, Any] = getattr(cls, "model_config", {})
    frozen = getattr(parameters, "frozen", False) or getattr(config, "frozen", False)
    return bool(frozen or model.get("frozen")) or issubclass(cls, _IMMUTABLE)


_IMMUTABLE = (
    *(str, bytes, int, float, complex, bool, type(None), tuple, frozenset, enum.Enum),
    *(dt.date, dt.time, dt.timedelta, decimal.Decimal, uuid.UUID),
)


def stored_type(state: State, annotated: Any, default: Any) -> Any:
    """Return the type of the values of `state` for a parameter so annotated, and its default."""
    declared = state.type if state.type is not None else annotated
    if is_ref(declared):
        declared = (typing.get_args(declared) or (Any,))[0]
    if declared is not Any:
        return declared
    if isinstance(default, type):
        made = cast("type[Any]", default)
    elif default is UNSET or callable(default):
        return Any
    else:
        made = cast("type[Any]", type(default))
    return Any if made in _PLAIN else made


_PLAIN = (bool, int, float, str, list, dict, type(None))


def own_default(type_: Any, name: str) -> Any:
    """Return what a type makes by itself. Raises `BindingError` if that is nothing."""
    if type_ is Any or type_ is type(None):
        return None
    parts = typing.get_args(type_)
    origin = typing.get_origin(type_) or getattr(type_, "__supertype__", type_)
    if origin is Annotated:
        return own_default(parts[0], name)
    if origin in (typing.Union, types.UnionType) and type(None) in parts:
        return None
    if isinstance(origin, type) and origin is not types.UnionType:
        try:
            return cast("type[Any]", origin)()
        except Exception as error:  # an author's class may raise anything
            raise BindingError(
                f"state {name!r} has no default, and {origin.__name__}() makes none ({error}); "
                "give one: State(default, ...)"
            ) from error
    raise BindingError(f"state {name!r} has no default; give one: State(default, ...)")
