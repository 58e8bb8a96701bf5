"""What can be set without typing it: `.env` and `pyproject.toml` of the folder one is in.

1. What is typed counts first, then the environment, then `.env`, then `[tool.chatstate]`. A
   variable that is empty is none.
2. All of it becomes variables: `[tool.chatstate] store` is `CHATSTATE_STORE`, and `groups` in
   `[tool.chatstate.telegram]` is `CHATSTATE_TELEGRAM_GROUPS`. `.env` may hold an author's own, too.
3. The command line alone reads them. `bot.run(...)` in a script goes by the environment as it is.
4. What is misspelt in `pyproject.toml` is refused, and so is a secret: that file is shared.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Iterable, Iterator, Mapping, MutableMapping
from pathlib import Path
from typing import Any, cast

from dotenv import dotenv_values

from chatstate.adapter.installing import ADAPTERS
from chatstate.cli.accounts import options_of
from chatstate.cli.installed import names
from chatstate.errors import LoadError

OWN = (
    "bot",
    "on",
    "store",
    "allow",
    "on_ambiguous",
    "log_level",
    "log_format",
    "log_texts",
    "health",
    "metrics",
    "trace",
    "loop",
)
"""What is no adapter's: `CHATSTATE_BOT` and so on."""
_PROJECT = "pyproject.toml"
_filled: set[str] = set()


def fill_in(folder: Path | None = None, environment: MutableMapping[str, str] = os.environ) -> None:
    """Let the files of a folder, by default of the current one, say what the environment does not.

    Raises `LoadError` for a file that cannot be read, and for what `[tool.chatstate]` cannot say.
    """
    folder = folder or Path.cwd()
    for name, value in (*_of_dotenv(folder), *_of_project(folder)):
        if not environment.get(name):
            environment[name] = value
            if environment is os.environ:
                _filled.add(name)


def environment_before() -> dict[str, str]:
    """Return this process's environment without what the files have said."""
    return {name: value for name, value in os.environ.items() if name not in _filled}


def variable(name: str) -> str:
    """Return the variable of a setting that is no adapter's."""
    return f"CHATSTATE_{name}".upper()


def several(name: str) -> list[str]:
    """Return what a variable of several values has, with commas or blanks between them."""
    return os.environ.get(variable(name), "").replace(",", " ").split()


def adapters_set() -> list[str]:
    """Return the adapters that `CHATSTATE_ON` names."""
    return several("on")


def check_tables(adapters: Iterable[str], folder: Path | None = None) -> None:
    """Raise `LoadError` for what `[tool.chatstate.NAME]` cannot say of adapters that are wanted."""
    settings = _settings(folder or Path.cwd())
    for adapter in adapters:
        options = {option.name: option for option in options_of(adapter)}
        for name in _flat(settings.get(adapter, {})):
            option = options.get(name[0])
            if option is None:
                there = ", ".join(options) or "none"
                raise LoadError(f"{_place(adapter)}: there is no {name[0]!r}; there are {there}")
            if option.is_secret:
                raise LoadError(
                    f"{_place(adapter)}: {name[0]} is a secret, and {_PROJECT} is no place for it; "
                    f"write {option.variable} into .env"
                )


def _of_dotenv(folder: Path) -> Iterator[tuple[str, str]]:
    path = folder / ".env"
    if not path.is_file():
        return
    try:
        found = dotenv_values(path)
    except (OSError, UnicodeError) as error:
        raise LoadError(f"{path.name} cannot be read: {error}") from error
    yield from ((name, value) for name, value in found.items() if value)


def _of_project(folder: Path) -> Iterator[tuple[str, str]]:
    known = [*OWN, *names(ADAPTERS)]
    for section, told in _settings(folder).items():
        if section not in known:
            raise LoadError(f"{_place()}: there is no {section!r}; there are {', '.join(known)}")
        if section in OWN:
            yield variable(section), _text(section, told)
            continue
        for name, value in _flat(told).items():
            yield variable("_".join([section, *name])).replace("-", "_"), _text(name[0], value)


def _settings(folder: Path) -> Mapping[str, Any]:
    """Return `[tool.chatstate]`, empty if there is none."""
    try:
        told = tomllib.loads((folder / _PROJECT).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeError, tomllib.TOMLDecodeError) as error:
        raise LoadError(f"{_PROJECT} cannot be read: {error}") from error
    return cast("Mapping[str, Any]", told.get("tool", {}).get("chatstate", {}))


def _flat(told: Any) -> dict[tuple[str, ...], Any]:
    """Return options by name, those in a table of a label as (name, label)."""
    if not isinstance(told, dict):
        raise LoadError(f"{_place()}: {told!r} is no table; write [tool.chatstate.NAME]")
    flat: dict[tuple[str, ...], Any] = {}
    for name, value in cast("dict[str, Any]", told).items():
        if isinstance(value, dict):
            flat |= {(option, name): part for option, part in cast("Any", value).items()}
        else:
            flat[(name,)] = value
    return {(name[0].replace("-", "_"), *name[1:]): value for name, value in flat.items()}


def _text(name: str, value: Any) -> str:
    """Return a value as it stands in the environment."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ",".join(_text(name, part) for part in cast("list[Any]", value))
    if isinstance(value, str | int | float):
        return str(value)
    raise LoadError(f"{_place()}: {name} takes a text, a number, a truth, or a list of these")


def _place(adapter: str = "") -> str:
    return f"{_PROJECT}, [tool.chatstate{f'.{adapter}' if adapter else ''}]"
