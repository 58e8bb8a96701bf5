"""`BoundState` and `States`: the states of a bot, complete with name, type and codec.

1. A name is one state's, and a state has one name. Two declarations of a name are one state if
   scope, type, default and options agree; otherwise the second is a `BindingError`.
2. A default is encoded when it is bound, so one that cannot be stored is found there. Each session
   gets a value of its own from that text, or from a new call if the default is callable.
3. A value of an older schema is migrated when it is read; one of a newer schema is refused.
4. What is wrong with a value names the state, then the path inside the value.
5. A value that is kept in memory alone is any object; its text is a `Snapshot`.
"""

from __future__ import annotations

import typing
from collections.abc import Callable, Iterator
from typing import Annotated, Any

from chatstate.errors import BindingError, StateError
from chatstate.scope import Scope
from chatstate.state.codec import Codec
from chatstate.state.declaration import ALIAS_MARKERS, UNSET, State, is_ref
from chatstate.state.migrations import migrated
from chatstate.state.snapshots import Snapshots, kept
from chatstate.state.types import is_immutable, own_default, stored_type
from chatstate.stores.base import Value


class BoundState:
    """A state of a bot, complete: with its name, type and codec.

    `default` is that of the parameter, for a state that declares none. Raises `BindingError` if the
    type cannot be stored or there is no default.
    """

    def __init__(self, state: State, name: str, type_: Any, default: Any = UNSET) -> None:
        self.state = state
        self.default = state.default if default is UNSET else default
        self.scope: Scope = state.scope
        self.name = state.name or name
        self.type = stored_type(state, type_, self.default)
        self.lifecycle = state.lifecycle
        self.merge = state.merge
        self.ttl = state.lifecycle.ttl
        self.version = state.lifecycle.version
        self.is_immutable = is_immutable(self.type)
        self._codec = Codec(self.type) if self.lifecycle.durable else Snapshots()
        self._prove = self._codec.prove
        self._default_text = self._encode_default()

    def __str__(self) -> str:
        name = self.type.__name__ if isinstance(self.type, type) else self.type
        return f"{self.scope} {name}, default {self.declaration[2]}{self.lifecycle}"

    @property
    def declaration(self) -> tuple[object, ...]:
        """Scope, type, default and options: what two declarations of one state have in common."""
        default = self.default if self._default_text is None else self._default_text
        return self.scope, self.type, default, self.merge, self.lifecycle.options

    @property
    def changes_only_whole(self) -> bool:
        """Whether its values never change in place, as far as type and default tell."""
        default: Any = self.default
        kept = default.__class__ if self.type is Any else self.type
        return kept is not type(None) and is_immutable(kept)

    def fresh(self) -> tuple[Any, str | None]:
        """Return a new session's value, and its text if it need not be stored while unchanged."""
        if self._default_text is None:
            return self.default(), None
        return self._codec.decode(self._default_text, trusted=True), self._default_text

    def decode(self, text: str, *, trusted: bool = False) -> Any:
        """Return the value held by `text`; see `Codec.decode`."""
        try:
            return self._codec.decode(text, trusted=trusted)
        except StateError as error:
            steps = ", ".join(f"{step}: function" for step in range(1, self.version + 1))
            raise type(error)(
                f"state {self.name!r}: {error}; if its type has changed, raise version= and write "
                f"a migration: State(..., version={self.version + 1}, migrations={{{steps}}})"
            ) from error

    def read(self, stored: Value, *, trusted: bool = False) -> tuple[Any, str]:
        """Return a stored value, and the text it has as long as nothing changes it.

        Raises `StateError` as `decode` does, `OtherVersionError` if newer code has stored it.
        """
        if stored.schema == self.lifecycle.version:
            return self.decode(stored.text, trusted=trusted), stored.text
        text = migrated(self.name, stored.text, stored.schema, self.lifecycle)
        try:
            value = self._codec.decode(text)
        except StateError as error:
            raise StateError(f"after the migrations of state {self.name!r}, {error}") from error
        return value, self.encode(value)

    def written(self, text: str, version: int, time: Callable[[], float]) -> Value:
        """Return what to store for a value with this text that is used now, as `time` tells."""
        if not self.lifecycle.durable:
            text = kept(text)
        expires_at = None if self.ttl is None else time() + self.ttl
        return Value(text, version, self.version, expires_at)

    def encode(self, value: Any) -> str:
        """Return `value` as text; see `Codec.encode`."""
        return self.prove(value)[0]

    def prove(self, value: Any) -> tuple[str, Any]:
        """Return `value` as text, and the same value that came back; see `Codec.prove`."""
        try:
            return self._prove(value)
        except StateError as error:
            raise StateError(f"state {self.name!r}: {error}") from error

    def _encode_default(self) -> str | None:
        default = self.default
        if default is UNSET:
            default = own_default(self.type, self.name)
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

    def bind(self, state: State, parameter: str, type_: Any, default: Any = UNSET) -> BoundState:
        """Return the state that a parameter annotated with `type_` stands for.

        `default` is that of the parameter, for a state that declares none. Raises `BindingError`
        if the name is another state's, or the state has another name.
        """
        name = state.name or parameter
        if state not in ALIAS_MARKERS and self._names.setdefault(state, name) != name:
            raise BindingError(
                f"parameter {parameter!r}: this State is already named "
                f"{self._names[state]!r}; give it a name: State(..., name={name!r})"
            )
        bound = BoundState(state, name, type_, default)
        known = self._by_name.setdefault(name, bound)
        untyped_again = known.state is state and bound.type is Any and default is UNSET
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
        found = [bound for bound in self if wanted in (bound.state, bound.type)]
        if len(found) == 1:
            return found[0]
        names = ", ".join(str(bound) for bound in self) or "none"
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
