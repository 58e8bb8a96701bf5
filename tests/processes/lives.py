"""Processes for tests, as those of `asyncio.subprocess`: see `forks`."""

import asyncio
import contextlib
import os
import signal
from asyncio.subprocess import DEVNULL
from collections.abc import AsyncGenerator, Mapping
from pathlib import Path

from processes.forks import File, Fork, fork


class Life:
    """A process, until its end. Its three files are there that were to be pipes."""

    def __init__(self, fork: Fork) -> None:
        self.pid = fork.pid
        self.returncode: int | None = None
        self.stdin: asyncio.StreamWriter | None = None
        self.stdout: asyncio.StreamReader | None = None
        self.stderr: asyncio.StreamReader | None = None
        self._loop = asyncio.get_running_loop()
        self._ended: asyncio.Future[int] = self._loop.create_future()
        self._loop.add_reader(fork.alive, self._end, fork)

    def _end(self, fork: Fork) -> None:
        self._loop.remove_reader(fork.alive)
        os.close(fork.alive)
        self.returncode = fork.status()
        self._ended.set_result(self.returncode)

    def send_signal(self, number: int) -> None:
        """Send it a signal. Raises `ProcessLookupError` if it has ended."""
        if self.returncode is not None:
            raise ProcessLookupError(self.pid)
        os.kill(self.pid, number)

    def kill(self) -> None:
        """End it as SIGKILL does. Raises `ProcessLookupError` if it has ended."""
        self.send_signal(signal.SIGKILL)

    async def wait(self) -> int:
        """Return its status, once it has ended: negative for a signal."""
        return await asyncio.shield(self._ended)


@contextlib.asynccontextmanager
async def life(
    *arguments: str,
    env: Mapping[str, str] | None = None,
    folder: Path | None = None,
    stdin: File = DEVNULL,
    stdout: File = DEVNULL,
    stderr: File = DEVNULL,
) -> AsyncGenerator[Life]:
    """Run Python with these arguments until the end of the block, where it is killed.

    `env`: its whole environment, else ours.
    """
    begun = fork(arguments, env=env, folder=folder, stdin=stdin, stdout=stdout, stderr=stderr)
    made = Life(begun)
    pipes = contextlib.AsyncExitStack()
    try:
        if 0 in begun.pipes:
            made.stdin = await pipes.enter_async_context(_writer(begun.pipes[0]))
        if 1 in begun.pipes:
            made.stdout = await pipes.enter_async_context(_reader(begun.pipes[1]))
        if 2 in begun.pipes:
            made.stderr = await pipes.enter_async_context(_reader(begun.pipes[2]))
        yield made
    finally:
        with contextlib.suppress(ProcessLookupError):
            made.kill()
        await made.wait()
        await pipes.aclose()
        await asyncio.sleep(0)  # in which the loop lets go of them


@contextlib.asynccontextmanager
async def _reader(descriptor: int) -> AsyncGenerator[asyncio.StreamReader]:
    loop, reader = asyncio.get_running_loop(), asyncio.StreamReader()
    file = os.fdopen(descriptor, "rb", 0)
    transport, _ = await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), file)
    with contextlib.closing(transport):
        yield reader


@contextlib.asynccontextmanager
async def _writer(descriptor: int) -> AsyncGenerator[asyncio.StreamWriter]:
    loop, reader = asyncio.get_running_loop(), asyncio.StreamReader()
    file = os.fdopen(descriptor, "wb", 0)
    transport, protocol = await loop.connect_write_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), file
    )
    with contextlib.closing(transport):
        yield asyncio.StreamWriter(transport, protocol, reader, loop)
