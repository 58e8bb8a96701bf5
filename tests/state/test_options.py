"""What a state may say of its values' lives: `ttl`, `on_expire`, `version`, `durable` and so on."""

import asyncio
import datetime as dt
import functools
import math
from typing import Any, cast

import pytest

from chatstate import BindingError, State
from chatstate.state.bound import BoundState, States
from chatstate.stores.base import Value


def bind(state: State, type_: Any = Any) -> BoundState:
    return BoundState(state, "n", type_)


@pytest.mark.parametrize(
    ("ttl", "seconds"),
    [(60, 60.0), (0.5, 0.5), (dt.timedelta(hours=1), 3600.0), (None, None), (math.inf, None)],
)
def test_a_ttl_is_seconds_or_a_timedelta(ttl: Any, seconds: float | None) -> None:
    """None is for ever."""
    assert bind(State([], ttl=ttl)).ttl == seconds


@pytest.mark.parametrize("ttl", [0, -1, "60", True, math.nan, -math.inf, dt.timedelta(0)])
def test_a_ttl_that_is_none_is_an_error(ttl: Any) -> None:
    """The error shows it, and says what is possible."""
    with pytest.raises(BindingError, match=r"ttl=.*use seconds above 0, or a timedelta"):
        State([], ttl=ttl)


def one_value(value: Any) -> None: ...
def value_and_turn(value: Any, turn: Any) -> None: ...
def value_and_default(value: Any, more: int = 1) -> None: ...
def no_value() -> None: ...
def too_many(value: Any, turn: Any, more: Any) -> None: ...
def by_name(value: Any, *, more: Any) -> None: ...
def stream(value: Any) -> Any:
    yield value


@pytest.mark.parametrize(
    ("on_expire", "wants_turn"),
    [
        (one_value, False),
        (value_and_turn, True),
        (value_and_default, False),
        ([].append, False),
        (print, False),
        (int, False),
        (lambda *args: args, False),
        (functools.partial(value_and_turn, turn=1), False),
    ],
)
def test_on_expire_takes_the_value_or_the_turn_too(on_expire: Any, wants_turn: bool) -> None:
    """Whether it does is told by a second parameter that must be given."""
    assert State([], ttl=1, on_expire=on_expire).lifecycle.wants_turn is wants_turn


@pytest.mark.parametrize(
    ("on_expire", "said"),
    [
        (no_value, "is called with the value"),
        (too_many, "is called with the value"),
        (by_name, "is called with the value"),
        (stream, "is a generator"),
        ("print", "is no function"),
    ],
)
def test_on_expire_that_cannot_be_called_is_an_error(on_expire: Any, said: str) -> None:
    """When the state is declared, not when the first value expires."""
    with pytest.raises(BindingError, match=f"on_expire=.*{said}"):
        State([], ttl=1, on_expire=on_expire)


def test_on_expire_without_a_ttl_is_an_error() -> None:
    """It would never be called."""
    with pytest.raises(BindingError, match=r"on_expire is never called without a ttl; give ttl="):
        State([], on_expire=one_value)


@pytest.mark.parametrize("version", [0, -1, 1.0, "2", True, None])
def test_a_version_that_is_none_is_an_error(version: Any) -> None:
    """Versions are whole numbers from 1 on."""
    with pytest.raises(BindingError, match=r"version=.*use a whole number from 1 on"):
        State([], version=version)


@pytest.mark.parametrize(
    ("version", "migrations", "said"),
    [
        (2, None, "1 is missing"),
        (3, {1: str}, "2 is missing"),
        (1, {1: str}, "1 leads to no version"),
        (2, {1: str, 2: str}, "2 leads to no version"),
        (2, {1: str, "2": str}, "'2' leads to no version"),
    ],
)
def test_each_older_version_needs_a_migration(version: int, migrations: Any, said: str) -> None:
    """No more and no less; the error names the first that is wrong."""
    with pytest.raises(BindingError, match=f"version={version} and migrations=.*{said}"):
        State([], version=version, migrations=migrations)


@pytest.mark.parametrize("migration", ["str", one_value.__name__, stream, asyncio.sleep])
def test_a_migration_is_a_plain_function(migration: Any) -> None:
    """Nothing that is awaited or iterated."""
    with pytest.raises(BindingError, match=r"migration 1 is .*; use a plain function"):
        State([], version=2, migrations={1: migration})


def test_what_is_not_stored_has_no_versions() -> None:
    """Nothing of an older version could be read."""
    with pytest.raises(BindingError, match="version=2 of a state that is not durable"):
        State([], durable=False, version=2, migrations={1: str})
    with pytest.raises(BindingError, match="durable='no': use True or False"):
        State([], durable=cast("bool", "no"))


@pytest.mark.parametrize(
    "other",
    [
        {"ttl": 61},
        {},
        {"ttl": 60, "on_expire": value_and_turn},
        {"ttl": 60, "on_expire": one_value, "durable": False},
        {"ttl": 60, "on_expire": one_value, "version": 2, "migrations": {1: str}},
    ],
)
def test_states_of_one_name_have_the_same_options(other: dict[str, Any]) -> None:
    """Else one of them would not be what it says."""
    states = States()
    options: dict[str, Any] = {"ttl": 60, "on_expire": one_value}
    first = states.bind(State([], name="n", **options), "n", list[int])
    assert states.bind(State([], name="n", **options), "n", list[int]) is first
    with pytest.raises(BindingError, match=r"two different states are named 'n'.*ttl=60\.0"):
        states.bind(State([], name="n", **other), "n", list[int])


def test_a_value_is_written_with_its_version_and_end() -> None:
    """As the store wants it."""
    bound = bind(State([], ttl=60, version=2, migrations={1: str.split}))
    assert bound.written("[]", 7, lambda: 1000.0) == Value("[]", 7, 2, 1060.0)
    assert bind(State([])).written("[]", 7, lambda: 1000.0) == Value("[]", 7)


def test_an_older_value_is_read_as_todays() -> None:
    """With the text that it would have, so that nobody takes it for a change."""
    bound = bind(State([], version=2, migrations={1: str.split}), list[str])
    assert bound.read(Value('"a b"', 1)) == (["a", "b"], '["a","b"]')
    assert bound.read(Value('["a"]', 1, 2)) == (["a"], '["a"]')
