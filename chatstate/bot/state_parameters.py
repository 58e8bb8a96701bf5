"""A parameter that is a state: how that is told, its values' type and default; and what is none.

1. A state is told by its annotation: `PerUser[T]` and its kin, or `Annotated[T, State(...)]`.
2. What was meant to be one is refused with what is right: else it would be taken for text.
3. By position a `State`'s own default comes before the parameter's, as in Gradio; in an annotation
   only one of them may be there.
"""

from __future__ import annotations

import inspect
import typing
from typing import Annotated, Any, TypeVar, cast

import msgspec

from chatstate.bot.annotations import named
from chatstate.errors import BindingError
from chatstate.state.declaration import ALIAS_NAMES, UNSET, Ref, State
from chatstate.state.types import is_immutable


def state_of(hint: Any) -> State | None:
    """Return the state that an annotation declares."""
    if typing.get_origin(hint) is not Annotated:
        return None
    return next((meta for meta in typing.get_args(hint)[1:] if isinstance(meta, State)), None)


def default_of_state(state: State, parameter: inspect.Parameter) -> Any:
    """Return the default that a parameter adds to its state; in a `Ref` it is typed."""
    default: Any = parameter.default
    if state.default is not UNSET or default is parameter.empty:
        return UNSET
    return cast("Ref[Any]", default).value if isinstance(default, Ref) else default


def kept_type(state: State, parameter: inspect.Parameter, hint: Any) -> Any:
    """Return the type of a state's values from its annotation, with the bounds around it.

    Raises `BindingError` if a change of them would be lost, or if there are two defaults.
    """
    if state.default is not UNSET and parameter.default is not parameter.empty:
        raise BindingError("it has a default, and so has its State(...); keep one of them")
    plain, *marks = typing.get_args(hint)
    in_ref = typing.get_origin(plain) is Ref
    type_ = typing.get_args(plain)[0] if in_ref else plain
    for bound in (mark for mark in marks if isinstance(mark, msgspec.Meta)):
        type_ = Annotated[type_, bound]
    if in_ref:
        return cast("Any", Ref)[type_]
    if is_immutable(type_):
        raise BindingError(
            f"a value of type {named(plain)} cannot change in place; put it in a Ref, as in "
            f"{ALIAS_NAMES[state.scope]}[Ref[{named(plain)}]]"
        )
    return type_


def refuse_guesses(parameter: inspect.Parameter, hint: Any) -> None:
    """Raise `BindingError` for a state where none is looked for, or without a type."""
    stray = State in (hint, *typing.get_args(hint))
    if stray or any(isinstance(given, State) for given in (hint, parameter.default)):
        raise BindingError(
            "a State stands in an annotation, behind the type of its values, as in "
            f"{parameter.name}: Annotated[list[str], State(...)]; or among inputs="
        )
    state = state_of(hint)
    if state and isinstance(typing.get_args(hint)[0], TypeVar):
        alias = ALIAS_NAMES[state.scope]
        raise BindingError(f"{alias} needs a type, as in {alias}[list[str]] or {alias}[Ref[int]]")
