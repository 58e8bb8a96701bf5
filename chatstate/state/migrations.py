"""How long a state's values live, and how those that older code wrote become today's.

1. Options that make no sense are refused when the state is declared.
2. From each version there is exactly one step, to the next one.
3. A migration takes and returns JSON types, never objects of today's classes.
4. A value of a newer version is never read: the older code says so, and stops there.
"""

from __future__ import annotations

import datetime as dt
import inspect
import math
from collections.abc import Callable, Mapping
from typing import Any, Literal

import msgspec

from chatstate.errors import BindingError, OtherVersionError, StateError
from chatstate.signature import mode
from chatstate.state.codec import Codec

Migration = Callable[[Any], Any]
_any = Codec(Any)


class Lifecycle(msgspec.Struct, frozen=True):
    """What a `State` says of its values' lives; see there.

    `ttl` is in seconds. `wants_turn`: `on_expire` takes the `Turn` beside the value.
    Raises `BindingError` for what makes no sense.
    """

    ttl: float | None = None
    on_expire: Callable[..., Any] | None = None
    version: int = 1
    migrations: Mapping[int, Migration] = {}
    durable: bool = True
    wants_turn: bool = False

    @property
    def is_async(self) -> bool:
        """Whether `on_expire` is awaited."""
        return self.on_expire is not None and mode(self.on_expire) == "async"

    @property
    def options(self) -> tuple[object, ...]:
        """What two declarations of one state have in common."""
        steps = tuple(sorted(self.migrations.items()))
        return self.ttl, self.on_expire, self.version, steps, self.durable

    def __str__(self) -> str:
        said = {"ttl": self.ttl, "version": self.version, "durable": self.durable}
        plain = Lifecycle()
        return "".join(f", {k}={v}" for k, v in said.items() if v != getattr(plain, k))


def lifecycle(
    ttl: float | dt.timedelta | None,
    on_expire: Callable[..., Any] | None,
    version: int,
    migrations: Mapping[int, Migration] | None,
    *,
    durable: bool,
) -> Lifecycle:
    """Return what the options of a `State` mean. Raises `BindingError`."""
    if durable not in (True, False):
        raise BindingError(f"durable={durable!r}: use True or False")
    steps = _checked_migrations(version, migrations)
    if not durable and version != 1:
        raise BindingError(
            f"version={version} of a state that is not durable: nothing is stored of it that "
            "could be of an older version; leave out version= and migrations="
        )
    seconds = _seconds(ttl)
    if on_expire is not None and seconds is None:
        raise BindingError("on_expire is never called without a ttl; give ttl= (seconds)")
    wants_turn = on_expire is not None and _takes(on_expire) == "the value and the turn"
    return Lifecycle(seconds, on_expire, version, steps, durable, wants_turn)


def migrated(name: str, text: str, schema: int, lifecycle: Lifecycle) -> str:
    """Return the text of a value that version `schema` of a state wrote, as of today.

    Raises `OtherVersionError` for a newer version than this code's, `StateError` if a step fails.
    """
    if schema > lifecycle.version:
        raise OtherVersionError(
            f"state {name!r}: what is stored is of version {schema}, this code's is "
            f"{lifecycle.version}; run the newer code again, or raise version= and write a "
            "migration"
        )
    value = msgspec.json.decode(text)
    for step in range(schema, lifecycle.version):
        value = _step(name, step, lifecycle.migrations[step], value)
    return _any.encode(value)


def _step(name: str, step: int, migration: Migration, value: Any) -> Any:
    try:
        value = migration(value)
    except Exception as error:  # an author's function may raise anything
        raise StateError(f"migration {step} of state {name!r} failed: {error!r}") from error
    try:
        _any.encode(value)
    except StateError as error:
        raise StateError(
            f"what migration {step} of state {name!r} returned: {error}; return JSON types"
        ) from error
    return value


def _seconds(ttl: Any) -> float | None:
    if ttl is None or ttl == math.inf:
        return None
    seconds: Any = ttl.total_seconds() if isinstance(ttl, dt.timedelta) else ttl
    is_number = isinstance(seconds, int | float) and not isinstance(seconds, bool)
    if not is_number or not math.isfinite(seconds) or seconds <= 0:
        raise BindingError(f"ttl={ttl!r}: use seconds above 0, or a timedelta")
    return float(seconds)


def _takes(on_expire: Any) -> Literal["the value", "the value and the turn"]:
    if not callable(on_expire):
        raise BindingError(f"on_expire={on_expire!r} is no function")
    if mode(on_expire) in ("generator", "async_generator"):
        raise BindingError(f"on_expire={on_expire!r} is a generator; return a list of replies")
    try:
        signature = inspect.signature(on_expire)
    except (TypeError, ValueError):  # some built-in functions have none
        return "the value"
    by_position = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    needed = [
        parameter
        for parameter in signature.parameters.values()
        if parameter.default is parameter.empty and parameter.kind in by_position
    ]
    try:
        signature.bind(*range(min(len(needed), 2) or 1))
    except TypeError as error:
        raise BindingError(
            f"on_expire={on_expire!r} is called with the value, or with the value and the Turn; "
            f"it takes {signature}"
        ) from error
    return "the value and the turn" if len(needed) > 1 else "the value"


def _checked_migrations(
    version: Any, migrations: Mapping[int, Migration] | None
) -> Mapping[int, Migration]:
    if not isinstance(version, int) or isinstance(version, bool) or version < 1:
        raise BindingError(f"version={version!r}: use a whole number from 1 on")
    given = dict(migrations or {})
    wanted = set(range(1, version))
    if set(given) != wanted:
        wrong = sorted(wanted ^ set(given), key=repr)
        what = "is missing" if wrong[0] in wanted else "leads to no version"
        raise BindingError(
            f"version={version} and migrations={{{', '.join(map(repr, given))}}}: {wrong[0]!r} "
            f"{what}; each version below {version} needs the function that makes the next one's "
            "value of its own"
        )
    step: int
    migration: Any
    for step, migration in given.items():
        if not callable(migration) or mode(migration) != "sync":
            raise BindingError(
                f"migration {step} is {migration!r}; use a plain function of the old value"
            )
    return given
