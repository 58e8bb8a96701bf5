"""The parent's side of `nursery`: what starts processes for tests, at once."""

import atexit
import contextlib
import functools
import json
import os
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from subprocess import DEVNULL, PIPE
from typing import IO, Any

NURSERY = Path(__file__).with_name("nursery.py")
NEEDED = (
    *("chatstate.cli.main", "chatstate.stores.sqlite", "chatstate.testing"),
    *("chatstate_console", "chatstate_telegram.adapter", "chatstate_discord.adapter"),
    *("h11", "httpcore", "anyio._backends._asyncio", "certifi", "pydantic.type_adapter", "uvloop"),
)
"""What a bot's process imports, or a library in it when something is first needed of that.

What is not installed is left out.
"""

File = int | IO[bytes]
"""A descriptor or a file; or `PIPE`, or `DEVNULL`."""


class Nursery:
    """The process that others are forks of: see `nursery`."""

    def __init__(self) -> None:
        self._orders, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, NURSERY, str(theirs.fileno()), *NEEDED],
                pass_fds=[theirs.fileno()],
                stdin=DEVNULL,
                stdout=DEVNULL,
                env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
            )
        self._told = self._orders.makefile()
        atexit.register(self.close)

    def ask(self, order: Mapping[str, Any], files: tuple[int, ...] = ()) -> int:
        """Give an order, and return the number that it is answered with."""
        line = json.dumps(order).encode()
        if files:
            socket.send_fds(self._orders, [line], files)
        else:
            self._orders.sendall(line)
        ((_, number),) = json.loads(self._told.readline()).items()
        return int(number)

    def close(self) -> None:
        """End it."""
        self._told.close()
        self._orders.close()
        self._process.wait()


@functools.cache
def _nursery() -> Nursery:
    return Nursery()


@dataclass(frozen=True, slots=True)
class Fork:
    """A process. `alive` can be read once it has ended; `pipes` are our ends, by its descriptor."""

    pid: int
    alive: int
    pipes: Mapping[int, int]

    def status(self) -> int:
        """Return the status of what has ended: negative for a signal."""
        return _nursery().ask({"pid": self.pid})


def fork(
    arguments: Sequence[str],
    *,
    env: Mapping[str, str] | None = None,
    folder: Path | None = None,
    stdin: File = DEVNULL,
    stdout: File = DEVNULL,
    stderr: File = DEVNULL,
    terminal: bool = False,
) -> Fork:
    """Start Python with these arguments.

    `env`: its whole environment, else ours. `terminal`: its input is one, which it shall control.
    """
    order = {
        "arguments": arguments,
        "environment": dict(os.environ if env is None else env),
        "folder": str(folder or Path.cwd()),
        "terminal": terminal,
    }
    with contextlib.ExitStack() as stack:
        ours: dict[int, int] = {}
        files = []
        for number, file in enumerate((stdin, stdout, stderr)):
            if file == PIPE:
                read, write = os.pipe()
                ours[number], theirs = (write, read) if number == 0 else (read, write)
            elif file == DEVNULL:
                theirs = os.open(os.devnull, os.O_RDWR)
            else:
                theirs = os.dup(file if isinstance(file, int) else file.fileno())
            stack.callback(os.close, theirs)
            files.append(theirs)
        alive, keep = os.pipe()
        stack.callback(os.close, keep)
        return Fork(_nursery().ask(order, (*files, keep)), alive, ours)
