"""`State`: what a bot remembers, for whom, and as what type."""

from __future__ import annotations

import datetime as dt
import decimal
import enum
import types
import typing
import uuid
from collections.abc import Callable, Iterator, Mapping
from typing import Annotated, Any, Generic, Literal, TypeVar, cast

from chatstate.codec import Codec
from chatstate.errors import BindingError, StateError
from chatstate.lifecycle import Migration, lifecycle, migrated
from chatstate.scope import Scope
from chatstate.stores.base import Value

T = TypeVar("T")
_UNSET: Any = object()
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
    - `durable=False` keeps values in memory: they end with the process, or when more than 100,000
      are held, those unused longest first.

    Raises `BindingError` for what is none of this.
    """

    def __init__(
        self,
        default: Any = _UNSET,
        *,
        scope: Scope = "member",
        name: str | None = None,
        type: Any = None,
        ttl: float | dt.timedelta | None = None,
        on_expire: Callable[..., Any] | None = None,
        version: int = 1,
        migrations: Mapping[int, Migration] | None = None,
        durable: bool = True,
    ) -> None:
        if scope not in _SCOPES:
            raise BindingError(f"{scope!r} is no scope; use one of {', '.join(_SCOPES)}")
        self.lifecycle = lifecycle(ttl, on_expire, version, migrations, durable=durable)
        self.default = default
        self.scope: Scope = scope
        self.name = name
        self.type = type

    def __repr__(self) -> str:
        return f"State(scope={self.scope!r}, name={self.name!r})"


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


class BoundState:
    """A state of a bot, complete: with its name, type and codec.

    Raises `BindingError` if the type cannot be stored or there is no default.
    """

    def __init__(self, state: State, name: str, type_: Any) -> None:
        self.state = state
        self.scope: Scope = state.scope
        self.name = state.name or name
        self.type = stored_type(state, type_)
        self.lifecycle = state.lifecycle
        self.ttl = state.lifecycle.ttl
        self._codec = Codec(self.type)
        self._default_text = self._encode_default()

    def __str__(self) -> str:
        name = self.type.__name__ if isinstance(self.type, type) else self.type
        return f"{self.scope} {name}, default {self.declaration[2]}{self.lifecycle}"

    @property
    def declaration(self) -> tuple[object, ...]:
        """Scope, type, default and options: what two declarations of one state have in common."""
        default = self.state.default if self._default_text is None else self._default_text
        return self.scope, self.type, default, self.lifecycle.options

    @property
    def changes_only_whole(self) -> bool:
        """Whether its values never change in place, as far as type and default tell."""
        default: Any = self.state.default
        kept = default.__class__ if self.type is Any else self.type
        return kept is not type(None) and is_immutable(kept)

    def fresh(self) -> tuple[Any, str | None]:
        """Return a new session's value, and its text if it need not be stored while unchanged."""
        if self._default_text is None:
            return self.state.default(), None
        return self._codec.decode(self._default_text, trusted=True), self._default_text

    def decode(self, text: str, *, trusted: bool = False) -> Any:
        """Return the value held by `text`; see `Codec.decode`."""
        try:
            return self._codec.decode(text, trusted=trusted)
        except StateError as error:
            raise StateError(f"state {self.name!r}: {error}") from error

    def read(self, stored: Value, *, trusted: bool = False) -> tuple[Any, str]:
        """Return a stored value, and the text it has as long as nothing changes it.

        Raises `StateError` as `decode` does, or if newer code has stored it.
        """
        if stored.schema == self.lifecycle.version:
            return self.decode(stored.text, trusted=trusted), stored.text
        text = migrated(self.name, stored.text, stored.schema, self.lifecycle)
        value = self.decode(text)
        return value, self.encode(value)

    def written(self, text: str, version: int, now: float) -> Value:
        """Return what to store for a value with this text that is used at `now`."""
        expires_at = None if self.ttl is None else now + self.ttl
        return Value(text, version, self.lifecycle.version, expires_at)

    def encode(self, value: Any) -> str:
        """Return `value` as text; see `Codec.encode`."""
        try:
            return self._codec.encode(value)
        except StateError as error:
            raise StateError(f"state {self.name!r}: {error}") from error

    def _encode_default(self) -> str | None:
        default = self.state.default
        if default is _UNSET:
            default = _own_default(self.type, self.name)
        elif callable(default):
            return None
        try:
            return self._codec.encode(default)
        except StateError as error:
            raise BindingError(f"the default of state {self.name!r}: {error}") from error


class States:
    """The states of one bot, each under one name."""

    def __init__(self) -> None:
        self._by_name: dict[str, BoundState] = {}
        self._names: dict[State, str] = {}

    def bind(self, state: State, parameter: str, type_: Any) -> BoundState:
        """Return the state that a parameter annotated with `type_` stands for.

        Raises `BindingError` if the name is another state's, or the state has another name.
        """
        name = state.name or parameter
        if state not in ALIAS_MARKERS and self._names.setdefault(state, name) != name:
            raise BindingError(
                f"parameter {parameter!r}: this State is already named "
                f"{self._names[state]!r}; give it a name: State(..., name={name!r})"
            )
        bound = BoundState(state, name, type_)
        known = self._by_name.setdefault(name, bound)
        untyped_again = known.state is state and bound.type is Any
        if untyped_again or known.declaration == bound.declaration:
            return known
        raise BindingError(
            f"parameter {parameter!r}: two different states are named {name!r} "
            f"({known}, and {bound}); rename one, or give both the same scope, type, default and "
            "options"
        )

    def find(self, wanted: Any) -> BoundState:
        """Return the state that `wanted` means: a `State`, or a type that one state alone has.

        Raises `StateError` if there is none, or several.
        """
        if typing.get_origin(wanted) is Annotated:
            wanted = typing.get_args(wanted)[0]
        if is_ref(wanted):
            (wanted,) = typing.get_args(wanted) or (Any,)
        found = [one for one in self if wanted in (one.state, one.type)]
        if len(found) == 1:
            return found[0]
        names = ", ".join(str(one) for one in self) or "none"
        what = "several states are" if found else "no state is"
        raise StateError(f"{what} {getattr(wanted, '__name__', wanted)}; the bot has {names}")

    def check(self, other: States) -> None:
        """Raise `BindingError` if a state of `other` cannot be one of these too."""
        for theirs in other:
            ours = self._by_name.get(theirs.name, theirs)
            if ours.declaration != theirs.declaration:
                raise BindingError(
                    f"two different states are named {ours.name!r} ({ours}, and {theirs}); "
                    "rename one, or give both the same scope, type and default"
                )
        for state, name in other._names.items():
            ours_name = self._names.get(state, name)
            if ours_name != name:
                raise BindingError(f"one State is named both {ours_name!r} and {name!r}")

    def join(self, other: States) -> None:
        """Take over the states of `other`, which `check` has let pass."""
        self._by_name = {**other._by_name, **self._by_name}
        self._names |= other._names

    def __iter__(self) -> Iterator[BoundState]:
        return iter(self._by_name.values())


def is_ref(type_: Any) -> bool:
    """Tell whether a parameter so annotated gets a `Ref`."""
    return type_ is Ref or typing.get_origin(type_) is Ref


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


def stored_type(state: State, annotated: Any) -> Any:
    """Return the type of the values of `state` for a parameter so annotated."""
    declared = state.type if state.type is not None else annotated
    if is_ref(declared):
        declared = (typing.get_args(declared) or (Any,))[0]
    if declared is not Any:
        return declared
    default = state.default
    if isinstance(default, type):
        made = cast("type[Any]", default)
    elif default is _UNSET or callable(default):
        return Any
    else:
        made = cast("type[Any]", type(default))
    return Any if made in _PLAIN else made


_PLAIN = (bool, int, float, str, list, dict, type(None))


def _own_default(type_: Any, name: str) -> Any:
    if type_ is Any or type_ is type(None):
        return None
    parts = typing.get_args(type_)
    origin = typing.get_origin(type_) or getattr(type_, "__supertype__", type_)
    if origin is Annotated:
        return _own_default(parts[0], name)
    if origin in (typing.Union, types.UnionType) and type(None) in parts:
        return None
    if isinstance(origin, type) and origin is not types.UnionType:
        try:
            return cast("type[Any]", origin)()
        except Exception as error:
            raise BindingError(
                f"state {name!r} has no default, and {origin.__name__}() makes none ({error}); "
                "give one: State(default, ...)"
            ) from error
    raise BindingError(f"state {name!r} has no default; give one: State(default, ...)")
