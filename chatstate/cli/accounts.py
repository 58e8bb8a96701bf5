"""Adapters by name, each for an account of the bot's.

1. `telegram` is an account, and `telegram:shop` another: what stands behind the colon is a label by
   which its settings are found, and nothing that is stored.
2. An adapter with an `Options` Struct gets that, read from what was given and the environment. Any
   other callable gets what its signature names, as it was given.
3. An option is given to each account whose adapter has it, or as `shop.groups` to the labelled one.
   Who names an account by its label is told its id by the adapter that its settings make.
4. A labelled account has variables of its own, as in `CHATSTATE_TELEGRAM_TOKEN_SHOP`. Where one is
   missing the common one counts, unless it holds a secret: that is another account's.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterable, Mapping, Sequence
from importlib.metadata import entry_points
from typing import Any, NamedTuple

from msgspec.structs import replace

from chatstate.adapter import Adapter, OptionField, declared_options, read_options
from chatstate.adapter.installing import ADAPTERS
from chatstate.cli.installed import load, names
from chatstate.errors import AdapterError, LoadError
from chatstate.stores.accounts import called, named
from chatstate.stores.base import KnownAccount

_LABEL = re.compile(r"[A-Za-z0-9_-]{1,32}")


class Wanted(NamedTuple):
    """An account that is wanted: the adapter's name, and a label, "" for none."""

    adapter: str
    label: str

    def __str__(self) -> str:
        return f"{self.adapter}:{self.label}" if self.label else self.adapter


def wanted_account(text: str) -> Wanted:
    """Return what `--on` names. Raises `LoadError` for a label that cannot be."""
    adapter, colon, label = text.partition(":")
    if colon and not _LABEL.fullmatch(label):
        raise LoadError(
            f"{text!r}: behind the colon is a label of letters, digits, _ and -, as in "
            f"{adapter}:shop"
        )
    return Wanted(adapter, label)


def load_adapters(on: Sequence[str | Adapter], options: Mapping[str, object]) -> list[Adapter]:
    """Return the adapters wanted: those that are there, and those named, made with `options`.

    Raises `LoadError` for an unknown or repeated name, a missing extra, or an option that none
    takes, and `AdapterError` for an option's value that is none.
    """
    named = [wanted_account(entry) for entry in on if isinstance(entry, str)]
    if again := [wanted for wanted in named if named.count(wanted) > 1]:
        raise LoadError(
            f"adapter '{again[0]}' is wanted twice; name each once, or give labels to several "
            f"accounts, as in {again[0].adapter}:shop"
        )
    taken = {wanted: options_of(wanted.adapter) for wanted in named}
    _refuse_unknown(options, taken)
    return [
        _made(wanted_account(entry), taken, options)
        if isinstance(entry, str)
        else checked_adapter(entry)
        for entry in on
    ]


def options_of(name: str) -> list[OptionField]:
    """Return the options of an installed adapter: those of its Struct, or of its signature.

    Raises `LoadError` as `load_adapters` does.
    """
    factory = _factory(name)
    kind = getattr(factory, "Options", None)
    if kind is not None:
        return declared_options(kind, name)
    return [
        OptionField(parameter.name, "", "a text", _default(parameter), "", False, False)
        for parameter in inspect.signature(factory).parameters.values()
        if parameter.kind not in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD)
    ]


def _factory(name: str) -> Any:
    points = entry_points(group=ADAPTERS, name=name)
    if not points:
        raise LoadError(f"there is no adapter {name!r}; there are {', '.join(names(ADAPTERS))}")
    return load(next(iter(points)))


def _default(parameter: inspect.Parameter) -> str:
    default: object = parameter.default
    return "" if default in (parameter.empty, None) else str(default)


def _refuse_unknown(given: Iterable[str], taken: Mapping[Wanted, Sequence[OptionField]]) -> None:
    flags = {option.name: option.flag for options in taken.values() for option in options}
    labelled = {
        f"{wanted.label}.{option.name}"
        for wanted, options in taken.items()
        for option in options
        if wanted.label
    }
    if unknown := sorted(set(given) - set(flags) - labelled):
        there = ", ".join(sorted(flags.values())) or "none"
        told = ", ".join(map(str, taken))
        raise LoadError(f"--{unknown[0]} is no option of {told}; there are {there}")


def _made(
    wanted: Wanted,
    taken: Mapping[Wanted, Sequence[OptionField]],
    options: Mapping[str, object],
) -> Adapter:
    factory = _factory(wanted.adapter)
    kind: Any = getattr(factory, "Options", None)
    given: dict[str, object] = {}
    for option in taken[wanted]:
        for name in (option.name, f"{wanted.label}.{option.name}"):
            if name in options:
                given[option.name] = options[name]
    try:
        if kind is None:
            made: Adapter = factory(**given)
        else:
            label = wanted.label
            made = factory(read_options(kind, given, adapter=wanted.adapter, label=label))
    except AdapterError as error:
        raise _of_account(error, wanted, taken[wanted]) from error.__cause__
    except (TypeError, ValueError) as error:
        raise AdapterError(f"adapter '{wanted}': {error}") from error
    made.label = wanted.label
    return made


def _of_account(
    error: AdapterError, wanted: Wanted, options: Sequence[OptionField]
) -> AdapterError:
    """Return what an adapter says of its settings, in the names that a labelled account has."""
    told = str(error)
    for option in options if wanted.label else ():
        told = told.replace(option.variable, option.variable_of(wanted.label))
    return AdapterError(told)


def with_label(known: Sequence[KnownAccount], account: str | None) -> Sequence[KnownAccount]:
    """Return known accounts, the one under its label that `account` names so ("telegram:shop").

    Raises `LoadError` if there are no settings for such an account.
    """
    if account is None or ":" not in account or named(account, known):
        return known
    wanted = wanted_account(account)
    if all(found.platform != wanted.adapter for found in known):
        return known
    try:
        (adapter,) = load_adapters([account], {})
    except (AdapterError, LoadError) as error:
        raise LoadError(
            f"account {account!r} is none of {called(known)}, and no label: {error}"
        ) from error
    return [
        replace(found, label=wanted.label)
        if (found.platform, found.platform_id) == (adapter.name, adapter.account)
        else found
        for found in known
    ]


def checked_adapter(adapter: Any) -> Adapter:
    """Return an adapter that an author has made. Raises `LoadError` for what is none."""
    if any(not hasattr(adapter, member) for member in ("name", "account", "run", "perform")):
        kind = adapter.__name__ if isinstance(adapter, type) else type(adapter).__name__
        raise LoadError(f"{kind} is no adapter: give one that is made, or the name of one")
    made: Adapter = adapter
    if isinstance(adapter, type):
        raise LoadError(f"{adapter.__name__} is a class: make the adapter, {adapter.__name__}(...)")
    return made
