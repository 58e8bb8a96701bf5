"""Processes for tests, as those of `subprocess`: see `forks`."""

import contextlib
import os
import select
import signal
import subprocess
import tempfile
import threading
from collections.abc import Mapping
from pathlib import Path
from subprocess import CompletedProcess
from typing import BinaryIO, Self

from processes.forks import File, Fork, fork

CHATSTATE = ("-m", "chatstate")
"""What runs the command line."""


class Program:
    """A process, with pipes where there were to be some; killed at the end of a `with` block."""

    def __init__(self, begun: Fork) -> None:
        self.pid = begun.pid
        self.returncode: int | None = None
        self._begun = begun
        files = {
            number: os.fdopen(pipe, "rb" if number else "wb", -1 if number else 0)
            for number, pipe in begun.pipes.items()
        }
        self._files = files

    @property
    def stdin(self) -> BinaryIO:
        """Its input, without a buffer."""
        return self._files[0]

    @property
    def stdout(self) -> BinaryIO:
        """What it prints."""
        return self._files[1]

    @property
    def stderr(self) -> BinaryIO:
        """What it says of itself."""
        return self._files[2]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()
        self.wait()
        for file in self._files.values():
            with contextlib.suppress(BrokenPipeError):
                file.close()

    def poll(self) -> int | None:
        """Return its status, if it has ended: negative for a signal."""
        if self.returncode is None and select.select([self._begun.alive], [], [], 0)[0]:
            self.wait()
        return self.returncode

    def wait(self) -> int:
        """Return its status, once it has ended: negative for a signal."""
        if self.returncode is None:
            os.read(self._begun.alive, 1)
            os.close(self._begun.alive)
            self.returncode = self._begun.status()
        return self.returncode

    def send_signal(self, number: int) -> None:
        """Send it a signal, unless it has ended."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        """End it as SIGKILL does, unless it has ended."""
        self.send_signal(signal.SIGKILL)


def start(
    *arguments: str,
    folder: Path | None = None,
    env: Mapping[str, str] | None = None,
    stdin: File = subprocess.PIPE,
    stdout: File = subprocess.PIPE,
    stderr: File = subprocess.PIPE,
    terminal: bool = False,
) -> Program:
    """Start Python with these arguments. `env` is added to our environment."""
    return Program(
        fork(
            arguments,
            env={**os.environ, **(env or {})},
            folder=folder,
            stdin=stdin,
            stdout=stdout,
            stderr=stderr,
            terminal=terminal,
        )
    )


def run(
    *arguments: str,
    folder: Path | None = None,
    env: Mapping[str, str] | None = None,
    given: str | bytes = "",
) -> CompletedProcess[str]:
    """Run Python with these arguments and that input to its end. `env` is added to ours."""
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as errors:
        with start(*arguments, folder=folder, env=env, stdout=out, stderr=errors) as program:
            writer = threading.Thread(target=_give, args=(program.stdin, given))
            writer.start()
            program.wait()
            writer.join()
        told = []
        for file in (out, errors):
            file.seek(0)
            told.append(file.read().decode())
    return CompletedProcess(arguments, program.wait(), *told)


def _give(stdin: BinaryIO, given: str | bytes) -> None:
    with contextlib.suppress(BrokenPipeError), stdin:
        stdin.write(given.encode() if isinstance(given, str) else given)
