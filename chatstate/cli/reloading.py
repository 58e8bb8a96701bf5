"""`chatstate run --reload`: the bot runs again whenever its code has changed.

1. It runs in a process of its own, which is told to stop as an operator would: what was begun is
   finished, and what was said meanwhile is handled by the new code. Nothing of the old is left.
2. An adapter that has an option `resume` is given a file by it, so that whoever sits at it goes on
   where they were.
3. A bot that cannot be run, or fails, is not the end: it runs again with the next change. All is
   over when the bot ends by itself, or is told to. Ctrl-C is heard by the bot itself.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import FrameType

import typer

from chatstate.adapter import pip_line
from chatstate.cli.accounts import options_of, wanted_account
from chatstate.cli.settings import environment_before
from chatstate.errors import LoadError
from chatstate.text import one_line

FLAG = "--reload"
_SUFFIXES = (".py", ".toml", ".env")
_RESUME = "resume"
_AS_TOLD = (0, 130, -signal.SIGINT, -signal.SIGTERM)
"""How a bot ends that was told to, or has nothing more to do."""


def run_again_and_again(arguments: Sequence[str], accounts: Sequence[str]) -> int:
    """Run `chatstate` with `arguments`, without `--reload`; return the status it has ended with.

    Raises `LoadError` if the library that sees changes is not installed.
    """
    command = [sys.executable, "-m", "chatstate", *(word for word in arguments if word != FLAG)]
    over = threading.Event()
    changes = _changes(_folders(arguments), over)
    with tempfile.TemporaryDirectory(prefix="chatstate-") as folder:
        environment = {**environment_before(), **_resumes(accounts, Path(folder))}
        while True:
            bot = _Run(command, environment, over)
            changed = next(changes, None)
            if changed is None:
                return bot.wait()
            bot.stop()
            typer.echo(f"[changed: {one_line(', '.join(changed))}]", err=True)


class _Run:
    """A process that runs the bot, and sets `over` when it has ended for good."""

    def __init__(
        self, command: Sequence[str], environment: Mapping[str, str], over: threading.Event
    ) -> None:
        self._over = over
        self._is_replaced = False
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._hear)
        self._process = subprocess.Popen(command, env=environment)  # noqa: S603 - the same again
        threading.Thread(target=self._watch, daemon=True).start()

    def wait(self) -> int:
        """Return the status it has ended with."""
        return self._process.wait()

    def stop(self) -> None:
        """Tell it to stop, and return when it has."""
        self._is_replaced = True
        self._process.terminate()
        self._process.wait()

    def _watch(self) -> None:
        status = self._process.wait()
        if self._is_replaced:
            return
        if status in _AS_TOLD:
            self._over.set()
        else:
            typer.echo("[it runs again when its code has changed; Ctrl-C ends this]", err=True)

    def _hear(self, number: int, _frame: FrameType | None) -> None:
        if self._process.poll() is not None:
            self._over.set()
        elif number == signal.SIGTERM:
            self._process.terminate()


def _changes(folders: Sequence[Path], over: threading.Event) -> Iterator[list[str]]:
    """Return an iterator of the names of files that have changed, until it is `over`."""
    try:
        from watchfiles import DefaultFilter, watch
    except ModuleNotFoundError as error:
        needed = pip_line("chatstate", "reload")
        raise LoadError(f"{FLAG} needs {error.name}: {needed}") from error
    usual = DefaultFilter()  # no .git, no .venv, no __pycache__
    found = watch(
        *folders,
        watch_filter=lambda change, path: path.endswith(_SUFFIXES) and usual(change, path),
        stop_event=over,
    )
    return (sorted({Path(path).name for _, path in changed}) for changed in found)


def _folders(arguments: Sequence[str]) -> list[Path]:
    """Return where code lies: in the folder one is in, and beside the files that are named."""
    files = [Path(word.partition(":")[0]) for word in arguments]
    named = {file.resolve().parent for file in files if file.suffix == ".py" and file.is_file()}
    here = Path.cwd()
    return [here, *sorted(folder for folder in named if here not in (folder, *folder.parents))]


def _resumes(accounts: Sequence[str], folder: Path) -> dict[str, str]:
    """Return variables by which adapters find what they go on with."""
    files: dict[str, str] = {}
    for wanted in map(wanted_account, accounts):
        for option in options_of(wanted.adapter):
            name = option.variable_of(wanted.label)
            if option.name == _RESUME and not os.environ.get(name):
                files[name] = str(folder / str(wanted).replace(":", "-"))
    return files
