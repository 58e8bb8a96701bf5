"""Adapters and bots by name: entry points, files and modules.

1. Built-in ones come in by the same door as a stranger's: the entry-point groups
   `chatstate.adapters` (a callable that returns an `Adapter`), `chatstate.bots` (an `Interface`).
2. An adapter with an `Options` Struct gets that, read from what was given and the environment. Any
   other callable gets what its signature names, as it was given.
3. A bot's file is run once, as a module, with its own folder to import from. What fails by itself
   there keeps its traceback; what is wrong with the name, or with the bot, is one line.
"""

from __future__ import annotations

import contextlib
import contextvars
import importlib
import importlib.util
import inspect
import sys
import traceback
from collections.abc import Generator, Iterable, Mapping, Sequence
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from types import ModuleType
from typing import Any

from chatstate.adapter import Adapter, OptionField, declared_options, pip_line, read_options
from chatstate.bot.interface import Interface
from chatstate.errors import AdapterError, ChatstateError, LoadError
from chatstate.signature import short_path

ADAPTERS = "chatstate.adapters"
BOTS = "chatstate.bots"
_is_loading = contextvars.ContextVar("_is_loading", default=False)


def names(group: str) -> list[str]:
    """Return the names installed in an entry-point group, sorted."""
    return sorted({point.name for point in entry_points(group=group)})


def load_bot(spec: str) -> Interface:
    """Return the bot that `spec` names.

    A shipped or installed name (`history-echo`), a path (`bot.py`, `bot.py:name`) or a module
    (`package.module`, `package.module:name`). Raises `LoadError`, saying what exists.
    """
    installed = entry_points(group=BOTS, name=spec)
    if installed:
        return _named(_load(next(iter(installed))), spec)
    target, _, attribute = spec.partition(":")
    if target.endswith(".py") or "/" in target:
        return _from_module(_import_file(Path(target)), attribute, spec)
    if ":" in spec or "." in spec:
        return _from_module(_import_module(target, spec), attribute, spec)
    raise LoadError(
        f"there is no bot {spec!r}; there are {', '.join(names(BOTS))}, "
        "or give a path (bot.py) or a module (package.module:name)"
    )


def load_adapters(wanted: Sequence[str], options: Mapping[str, object]) -> list[Adapter]:
    """Return the adapters named, each made with those `options` that it takes.

    Raises `LoadError` for an unknown or repeated name, a missing extra, or an option that none
    takes, and `AdapterError` for an option's value that is none.
    """
    if again := [name for name in wanted if wanted.count(name) > 1]:
        raise LoadError(f"adapter {again[0]!r} is wanted twice; name each once")
    factories = {name: _factory(name) for name in wanted}
    taken = {name: _declared(factory, name) for name, factory in factories.items()}
    _refuse_unknown(options, taken)
    return [
        _made(
            factory,
            name,
            {option.name: options[option.name] for option in taken[name] if option.name in options},
        )
        for name, factory in factories.items()
    ]


def _refuse_unknown(given: Iterable[str], taken: Mapping[str, Sequence[OptionField]]) -> None:
    flags = {option.name: option.flag for options in taken.values() for option in options}
    if unknown := sorted(set(given) - set(flags)):
        there = ", ".join(sorted(flags.values())) or "none"
        raise LoadError(f"--{unknown[0]} is no option of {', '.join(taken)}; there are {there}")


def options_of(name: str) -> list[OptionField]:
    """Return the options of an installed adapter: those of its Struct, or of its signature.

    Raises `LoadError` as `load_adapters` does.
    """
    return _declared(_factory(name), name)


def _factory(name: str) -> Any:
    points = entry_points(group=ADAPTERS, name=name)
    if not points:
        raise LoadError(f"there is no adapter {name!r}; there are {', '.join(names(ADAPTERS))}")
    return _load(next(iter(points)))


def _declared(factory: Any, name: str) -> list[OptionField]:
    kind = getattr(factory, "Options", None)
    if kind is not None:
        return declared_options(kind, name)
    return [
        OptionField(parameter.name, "", "a text", _default(parameter), "", False, False)
        for parameter in inspect.signature(factory).parameters.values()
        if parameter.kind not in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD)
    ]


def _default(parameter: inspect.Parameter) -> str:
    default: object = parameter.default
    return "" if default in (parameter.empty, None) else str(default)


def _made(factory: Any, name: str, given: Mapping[str, object]) -> Adapter:
    kind: Any = getattr(factory, "Options", None)
    try:
        made: Adapter = (
            factory(**given) if kind is None else factory(read_options(kind, given, adapter=name))
        )
    except (TypeError, ValueError) as error:
        raise AdapterError(f"adapter {name!r}: {error}") from error
    return made


@contextlib.contextmanager
def loading() -> Generator[None]:
    """While a bot is loaded, `Interface.run` in its file is an error."""
    token = _is_loading.set(True)
    try:
        yield
    finally:
        _is_loading.reset(token)


def refuse_while_loading() -> None:
    """Raise `LoadError` if a bot is being loaded just now."""
    if _is_loading.get():
        raise LoadError(
            "bot.run() is called while the file is loaded; "
            'put it under `if __name__ == "__main__":`'
        )


def _load(point: EntryPoint) -> Any:
    try:
        return point.load()
    except ModuleNotFoundError as error:
        raise LoadError(f"{point.name!r} needs {error.name}: {_pip_line(point)}") from error
    except (ChatstateError, ImportError, AttributeError) as error:
        raise LoadError(f"{point.name!r} cannot be loaded from {point.value}: {error}") from error


def _pip_line(point: EntryPoint) -> str:
    package = point.dist.name if point.dist else point.module.partition(".")[0]
    extras = (point.dist.metadata.get_all("Provides-Extra") if point.dist else None) or []
    return pip_line(package, point.name if point.name in extras else "")


def _import_file(path: Path) -> ModuleType:
    if not path.is_file():
        raise LoadError(f"there is no file {path}")
    folder = str(path.resolve().parent)
    if folder not in sys.path:  # so that a bot may import what lies beside it, as a script may
        sys.path.insert(0, folder)
    spec = importlib.util.spec_from_file_location(path.stem, path)
    if spec is None or spec.loader is None:
        raise LoadError(f"{path} is no Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules.setdefault(path.stem, module)  # not in place of one in use: a bot may be json.py
    try:
        with loading():
            spec.loader.exec_module(module)
    except (ChatstateError, SyntaxError, ImportError) as error:
        raise LoadError(f"{path} cannot be loaded: {_placed(error)}") from error
    return module


def _import_module(name: str, spec: str) -> ModuleType:
    if str(Path.cwd()) not in sys.path:
        sys.path.insert(0, str(Path.cwd()))
    if not all(part.isidentifier() for part in name.split(".")):
        raise LoadError(f"{spec!r}: {name!r} is no module's name")
    try:
        with loading():
            return importlib.import_module(name)
    except (ChatstateError, SyntaxError, ImportError) as error:
        if isinstance(error, ModuleNotFoundError) and f"{name}.".startswith(f"{error.name}."):
            raise LoadError(f"{spec!r}: there is no module {error.name!r}") from error
        raise LoadError(f"{spec!r} cannot be loaded: {_placed(error)}") from error


def _placed(error: Exception) -> str:
    """Return what an error says, behind the line of somebody's code that it comes from."""
    frames = list(traceback.walk_tb(error.__traceback__))
    lines = [
        f"{short_path(frame.f_code.co_filename)}:{line}"
        for frame, line in frames
        if frame.f_globals.get("__name__", "").partition(".")[0] not in ("chatstate", "importlib")
    ]
    if isinstance(error, SyntaxError) or not lines:  # which says where itself
        return str(error)
    return f"{lines[-1]}: {error}"


def _from_module(module: ModuleType, attribute: str, spec: str) -> Interface:
    found = {name: value for name, value in vars(module).items() if isinstance(value, Interface)}
    bots = {id(bot): name for name, bot in reversed(found.items()) if not bot.is_included}
    if attribute:
        if attribute not in found:
            has = f"it has {', '.join(found)}" if found else "it has none"
            raise LoadError(f"{spec!r}: {attribute!r} is no Interface there; {has}")
        bot = found[attribute]
        if len(bots) > 1 and not bot.has_own_id:
            raise LoadError(
                f"{spec!r}: several bots are in this file; give each an id, "
                f"as in Interface(..., id={attribute!r}), so that their states stay apart"
            )
        return bot
    if not bots:
        raise LoadError(f"{spec!r} has no Interface; make one, as in bot = Interface(...)")
    if len(bots) > 1:
        raise LoadError(f"{spec!r} has several bots; name one: {spec}:{' or :'.join(found)}")
    return found[next(iter(bots.values()))]


def _named(bot: Any, name: str) -> Interface:
    if not isinstance(bot, Interface):
        raise LoadError(f"{name!r} is installed as a bot but is no Interface")
    if not bot.has_own_id:
        bot.id = name
    return bot
