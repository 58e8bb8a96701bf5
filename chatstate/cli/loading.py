"""Bots by name: installed ones, files and modules.

1. Built-in ones come in by the same door as a stranger's: the entry-point group `chatstate.bots`
   (an `Interface`).
2. A bot's file is run once, as a module, with its own folder to import from. What fails by itself
   there keeps its traceback; what is wrong with the name, or with the bot, is one line.
3. A file without a bot may have another library's app, which `apps` makes one of.
"""

from __future__ import annotations

import contextlib
import contextvars
import importlib
import importlib.util
import sys
import traceback
from collections.abc import Generator, Sequence
from importlib.machinery import SourceFileLoader
from importlib.metadata import entry_points
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any

from chatstate.bot.interface import Interface
from chatstate.cli.apps import Apps, opened, run_as_program
from chatstate.cli.installed import load, names
from chatstate.cli.slowness import named_if_slow
from chatstate.errors import ChatstateError, LoadError
from chatstate.signature import short_path

BOTS = "chatstate.bots"
_is_loading = contextvars.ContextVar("_is_loading", default=False)


def load_bot(spec: str, allow: Sequence[str] | None = None) -> Interface:
    """Return the bot that `spec` names.

    A shipped or installed name (`history-echo`), a path (`bot.py`, `bot.py:name`) or a module
    (`package.module`, `package.module:name`). `allow` are those who may use another library's app
    that asks for a password; None if it is not to be served. Raises `LoadError`, saying what
    exists.
    """
    with opened() as apps:
        found = _load(spec, apps, allow)
    if isinstance(found, Interface):
        return found
    raise LoadError(
        f"there is no bot {spec!r}; there are {', '.join(names(BOTS))}, "
        "or give a path (bot.py) or a module (package.module:name)"
    )


def _load(spec: str, apps: Sequence[Apps], allow: Sequence[str] | None) -> Interface | None:
    installed = entry_points(group=BOTS, name=spec)
    if installed:
        return _without_password(_named(load(next(iter(installed))), spec), allow)
    target, _, attribute = spec.partition(":")
    if not ("/" in spec or ":" in spec or "." in spec):
        return None
    module = load_module(target, spec)
    bot = _of_app(module, attribute, apps, allow)
    return bot or _without_password(_from_module(module, attribute, spec), allow)


def _of_app(
    module: ModuleType, name: str, apps: Sequence[Apps], allow: Sequence[str] | None
) -> Interface | None:
    """Return the bot that an app of another library is, in a module that has no bot itself."""
    if not apps or any(isinstance(value, Interface) for value in vars(module).values()):
        return None
    with loading(), _placing(str(module.__file__)), named_if_slow(str(module.__file__)):
        run_as_program(module)
    bots = (library.bot(module, name, allow) for library in apps)
    return next((bot for bot in bots if bot), None)


def _without_password(bot: Interface, allow: Sequence[str] | None) -> Interface:
    if allow:
        raise LoadError(
            f"--allow is for apps that ask for a password, and {bot.id!r} is a bot of chatstate's: "
            'say who may use it there: Interface(..., owners=["telegram:123"], allow="owners")'
        )
    return bot


def load_module(target: str, spec: str) -> ModuleType:
    """Return the module that is named by a path, or as a module, in `spec`. Raises `LoadError`."""
    if target.endswith(".py") or "/" in target:
        return _import_file(Path(target))
    return _import_module(target, spec)


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


def _import_file(path: Path) -> ModuleType:
    if not path.is_file():
        raise LoadError(f"there is no file {path}")
    folder = str(path.resolve().parent)
    if folder not in sys.path:  # so that a bot may import what lies beside it, as a script may
        sys.path.insert(0, folder)
    spec = importlib.util.spec_from_file_location(path.stem, path)
    if spec is None or spec.loader is None:
        raise LoadError(f"{path} is no Python file")
    if type(spec.loader) is SourceFileLoader:
        spec.loader = _Script(path.stem, str(path))
    module = importlib.util.module_from_spec(spec)
    sys.modules.setdefault(path.stem, module)  # not in place of one in use: a bot may be json.py
    with loading(), _placing(str(path)), named_if_slow(str(path)):
        spec.loader.exec_module(module)
    return module


class _Script(SourceFileLoader):
    """Reads a file as it is, and keeps nothing compiled of it, as Python does with a script.

    What is compiled counts for a file of the same size and second: an edit might not be seen.
    """

    def get_code(self, fullname: str) -> CodeType:  # noqa: ARG002 - the loader is this file's
        return self.source_to_code(self.get_data(self.path), self.path)


@contextlib.contextmanager
def _placing(what: str) -> Generator[None]:
    """Raise `LoadError` in place of what is wrong with a file, and not with what it does."""
    try:
        yield
    except (ChatstateError, SyntaxError, ImportError) as error:
        raise LoadError(f"{what} cannot be loaded: {_placed(error)}") from error


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
