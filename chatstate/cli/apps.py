"""Apps of other libraries that are run as bots, found by the entry points `chatstate.apps`.

1. The core imports none of these libraries, nor what makes bots of their objects, before a file
   that is loaded imports the library: the entry point has the library's name.
2. Then that is made ready first: whatever the file does with the library meets it.
3. Such a file is run as a program is, its `if __name__ == "__main__":` too: there it tells how it
   would be served. `chatstate run` alone serves.
4. What was made ready ends with the loading.
"""

from __future__ import annotations

import ast
import contextlib
import functools
import importlib.abc
import importlib.machinery
import sys
from collections.abc import Callable, Generator, Mapping, Sequence
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from types import ModuleType
from typing import Protocol

from chatstate.bot.interface import Interface
from chatstate.cli.installed import load, pip_for
from chatstate.errors import LoadError

APPS = "chatstate.apps"


class Apps(Protocol):
    """The apps of one library in a file that is loaded. It is made when the file imports it."""

    def bot(self, module: ModuleType, name: str, allow: Sequence[str] | None) -> Interface | None:
        """Return the bot that the file's app is, or the one of this name; None if there is none.

        `allow` are those who may use it, as "telegram:123", or "everybody"; None if it is not to be
        served. Raises `LoadError`.
        """
        ...

    def close(self) -> None:
        """Take back what was made ready in the library."""
        ...


class Opened(importlib.abc.MetaPathFinder):
    """What of installed libraries a file has imported, each made ready before the file has it.

    It is the first that is asked for a module, while a file is loaded.
    """

    def __init__(self, points: Mapping[str, EntryPoint]) -> None:
        self._points = dict(points)
        self.apps: list[Apps] = []

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, _target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        """Find a library as everybody does, and make it ready as soon as it is imported."""
        point = self._points.pop(fullname, None)
        if point is None:
            return None
        spec = importlib.machinery.PathFinder.find_spec(fullname, path)
        if spec is None or spec.loader is None:
            raise ModuleNotFoundError(
                f"No module named {fullname!r}: {pip_for(point)}", name=fullname
            )
        spec.loader = _Followed(spec.loader, functools.partial(self.open, point))
        return spec

    def open(self, point: EntryPoint) -> None:
        """Make a library ready. Raises `LoadError`."""
        self.apps.append(load(point)())


class _Followed(importlib.abc.Loader):
    def __init__(self, loader: importlib.abc.Loader, then: Callable[[], None]) -> None:
        self._loader = loader
        self._then = then

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> ModuleType | None:
        return self._loader.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        module.__loader__ = self._loader
        if module.__spec__:
            module.__spec__.loader = self._loader
        self._loader.exec_module(module)
        self._then()


@contextlib.contextmanager
def opened() -> Generator[list[Apps]]:
    """While a file is loaded, make the libraries ready that it imports, and yield these."""
    points = {point.name: point for point in entry_points(group=APPS)}
    finder = Opened(points)
    for name in points.keys() & sys.modules.keys():
        finder.open(points[name])
    sys.meta_path.insert(0, finder)
    try:
        yield finder.apps
    finally:
        sys.meta_path.remove(finder)
        for apps in finder.apps:
            apps.close()


def run_as_program(module: ModuleType) -> None:
    """Run what a file does if it is the program. Raises whatever it raises."""
    path = Path(str(module.__file__))
    body = [part for node in ast.parse(path.read_bytes()).body for part in _of_program(node)]
    code = compile(ast.Module(body, []), str(path), "exec")
    arguments, sys.argv = sys.argv, [str(path)]
    try:
        exec(code, vars(module))  # noqa: S102 - it is the file that was just run
    except SystemExit as end:
        if end.code not in (None, 0):
            raise LoadError(f"{path} ends itself: {end.code}") from end
    finally:
        sys.argv = arguments


def _of_program(node: ast.stmt) -> Sequence[ast.stmt]:
    if isinstance(node, ast.If) and ast.unparse(node.test) in _IS_PROGRAM:
        return node.body
    return ()


_IS_PROGRAM = ("__name__ == '__main__'", "'__main__' == __name__")
