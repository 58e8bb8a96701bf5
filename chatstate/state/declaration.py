"""`State`: what a bot remembers, for whom, and as what type.

1. A declaration knows no bot: one `State` may serve several.
2. A value is stored under the bot, the scope and the name. Whoever changes one of them starts
   with new values; the old ones stay where they are.
3. Wrong options are refused here; what a type or a default lacks, when a bot binds the state.
"""

from __future__ import annotations

import datetime as dt
import logging
import math
import typing
from collections.abc import Callable, Mapping
from typing import Annotated, Any, Generic, NamedTuple, TypeVar, cast

from chatstate.errors import BindingError
from chatstate.scope import Scope
from chatstate.state.migrations import Migration, lifecycle

log = logging.getLogger("chatstate.state")
T = TypeVar("T")
UNSET: Any = object()
"""Stands for a default that is not given."""
_SCOPES = typing.get_args(Scope)


class Ref(Generic[T]):
    """Holds a value that is replaced as a whole: assign to `value`."""

    __slots__ = ("value",)

    def __init__(self, value: T) -> None:
        self.value = value

    def __repr__(self) -> str:
        return f"Ref({self.value!r})"


class State:
    """Declares a value that is kept between turns, one for each `scope`.

    - `default`: a value (copied afresh for each session), a function without arguments that
      makes one (kept from its first use), or nothing, if the type makes its own.
    - `scope`: `member` (each person in each conversation), `thread` (each conversation), `chat`
      (each chat with its threads), `user` (each person in all chats), `global` (one for all).
    - `name`: what it is stored under; the parameter's name if not given.
    - `type`: the values' type; else the parameter's annotation, else that of a default (or the
      class that is one) which is no plain JSON value, else any JSON value.
    - `ttl`: seconds (or a `timedelta`) after which a value that no turn used has expired: the
      next turn finds a new session's.
    - `on_expire`: a function, sync or async, of the expired value, and of the `Turn` if it takes a
      second parameter. It runs once for each, as a turn of its own, before any later turn of the
      conversation. What it returns is sent to the conversation; a `user` or `global` value has
      none. If it raises, the value is kept in a dead letter, and retrying that calls it again.
    - `version`: that of the values this code writes, from 1 on. `migrations` are functions by
      version: each takes a value as that version stored it (JSON types) and returns the next
      version's. They are applied when a value is read; it is stored when a turn changes it.
    - `merge`: a function of two values of a `user` state, that of the older identity first, which
      returns the one of both when people are linked (`Interface(linking=True)`); without it the
      older keeps its own.
    - `durable=False` keeps values in memory: they end with the process, or when more than 100,000
      are held, those unused longest first. They may be any objects; what cannot be copied is the
      same object in every turn.
    - `value`, `time_to_live` and `delete_callback` are Gradio's names of `default`, `ttl` and
      `on_expire`; what a `delete_callback` returns is not sent. Its `render` means nothing here.

    Raises `BindingError` for what is none of this.
    """

    def __init__(
        self,
        default: Any = UNSET,
        *,
        scope: Scope = "member",
        name: str | None = None,
        type: Any = None,
        ttl: float | dt.timedelta | None = None,
        on_expire: Callable[..., Any] | None = None,
        version: int = 1,
        migrations: Mapping[int, Migration] | None = None,
        merge: Callable[[Any, Any], Any] | None = None,
        durable: bool = True,
        value: Any = UNSET,
        time_to_live: float | None = None,
        delete_callback: Callable[[Any], Any] | None = None,
        render: bool = True,  # noqa: ARG002 - a component of Gradio's has it
    ) -> None:
        if scope not in _SCOPES:
            raise BindingError(f"{scope!r} is no scope; use one of {', '.join(_SCOPES)}")
        default = _given("default", default, "value", value, UNSET)
        ttl = _given("ttl", ttl, "time_to_live", time_to_live, None)
        on_expire = _given(
            "on_expire", on_expire, "delete_callback", _deletes(ttl, delete_callback), None
        )
        self.lifecycle = lifecycle(ttl, on_expire, version, migrations, durable=durable)
        told: Any = merge
        if told is not None and not (callable(told) and scope == "user"):
            raise BindingError(f"State(merge={merge!r}): a function, of a state of scope user")
        self.merge = merge
        self.default = default
        self.scope: Scope = scope
        self.name = name
        self.type = type

    def __repr__(self) -> str:
        return f"State(scope={self.scope!r}, name={self.name!r})"


def _given(name: str, ours: Any, gradios: str, theirs: Any, unset: Any) -> Any:
    """Return an option that has two names. Raises `BindingError` if both are given."""
    if ours is not unset and theirs is not unset:
        raise BindingError(f"{gradios}= is Gradio's name of {name}=: give one of them")
    return theirs if ours is unset else ours


class _Silent(NamedTuple):
    """Calls a `delete_callback` as Gradio does: what it returns is nobody's."""

    fn: Callable[[Any], Any]

    def __call__(self, value: Any) -> None:
        self.fn(value)


def _deletes(ttl: Any, delete_callback: Callable[[Any], Any] | None) -> _Silent | None:
    if delete_callback is None:
        return None
    if ttl in (None, math.inf):
        log.warning("State(delete_callback=) is never called without a time_to_live")
        return None
    return _Silent(delete_callback)


PerMember = Annotated[T, State(scope="member")]
"""A value for each person in each conversation."""
PerUser = Annotated[T, State(scope="user")]
"""A value for each person, in all chats of the bot's account."""
PerChat = Annotated[T, State(scope="chat")]
"""A value for each chat, with its threads."""
PerThread = Annotated[T, State(scope="thread")]
"""A value for each conversation: a chat, or one thread in it."""
Global = Annotated[T, State(scope="global")]
"""One value for everybody, on all platforms."""

ALIAS_NAMES: dict[Scope, str] = {
    "member": "PerMember",
    "thread": "PerThread",
    "chat": "PerChat",
    "user": "PerUser",
    "global": "Global",
}
ALIAS_MARKERS = frozenset(
    cast("State", typing.get_args(alias)[1])
    for alias in (PerMember, PerUser, PerChat, PerThread, Global)
)


def is_ref(type_: Any) -> bool:
    """Tell whether a parameter so annotated gets a `Ref`."""
    return type_ is Ref or typing.get_origin(type_) is Ref
