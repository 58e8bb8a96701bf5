"""A bot as a new process has it: its modules are run again, and what was in their globals is gone.

1. Run again are the modules that have handlers of the bot's; what else they import is as it was.
2. Meanwhile they stand in the place of the first ones, so that whatever looks for a class by its
   module's name finds that of the bot that runs. In the end the first ones are put back.
3. A bot that such a module does not have, since a function has made it, stays as it is.
"""

from __future__ import annotations

import contextlib
import importlib.util
import sys
from collections.abc import Callable, Generator, Mapping
from importlib.abc import Loader
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any, cast

from chatstate.bot.interface import Interface
from chatstate.cli.loading import loading

Make = Callable[[], Interface]


@contextlib.contextmanager
def reloaded(bot: Interface, load: Make | None = None) -> Generator[Make]:
    """Give a function that returns `bot` as a new process has it, each time.

    `load` loads it once its modules are gone; else it is looked for in them.
    """
    homes = _homes_of(bot)
    load = load or _loader_of(bot, homes)
    first = {name: sys.modules[name] for name in homes if name in sys.modules}

    def make() -> Interface:
        for name in homes:
            sys.modules.pop(name, None)
        made = load() if load else bot
        made.id = bot.id
        return made

    try:
        yield make if load else lambda: bot
    finally:
        for name, module in first.items():
            _put_back(name, module)


def _homes_of(bot: Interface) -> dict[str, Mapping[str, Any]]:
    """Return the globals of the bot's handlers, by the names of their modules."""
    fns = [route.handler.author_fn for route in bot.routes if not route.is_own]
    found: list[Mapping[str, Any]] = [getattr(fn, "__globals__", {}) for fn in fns]
    return {home["__name__"]: home for home in found if home.get("__spec__")}


def _loader_of(bot: Interface, homes: Mapping[str, Mapping[str, Any]]) -> Make | None:
    for home in homes.values():
        for name, value in home.items():
            if value is bot:
                return lambda: _loaded(home["__spec__"], name)
    return None


def _loaded(spec: ModuleSpec, name: str) -> Interface:
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    with loading():
        cast("Loader", spec.loader).exec_module(module)
    made: Interface = getattr(module, name)
    return made


def _put_back(name: str, module: ModuleType) -> None:
    sys.modules[name] = module
    package, _, last = name.rpartition(".")
    if package in sys.modules:
        setattr(sys.modules[package], last, module)
