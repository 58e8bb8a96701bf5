"""The parent's side of `nursery`: processes for tests, as those of `asyncio.subprocess`."""

import asyncio
import atexit
import contextlib
import functools
import importlib.util
import json
import os
import signal
import socket
import subprocess
import sys
from asyncio.subprocess import DEVNULL, PIPE
from collections.abc import AsyncGenerator, Mapping
from pathlib import Path
from typing import IO, Any

NURSERY = Path(__file__).with_name("nursery.py")
NEEDED = (
    *("chatstate.cli.main", "chatstate.stores.sqlite", "chatstate.testing"),
    *("chatstate_console", "chatstate_telegram.adapter", "chatstate_discord.adapter"),
    *("h11", "httpcore", "anyio._backends._asyncio", "certifi", "pydantic.type_adapter"),
)
"""What a bot's process imports, or a library in it when something is first needed of that."""


class Nursery:
    """The process that others are forks of: see `nursery`."""

    def __init__(self) -> None:
        self._orders, theirs = socket.socketpair()
        uvloop = ["uvloop"] if importlib.util.find_spec("uvloop") else []
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, NURSERY, str(theirs.fileno()), *NEEDED, *uvloop],
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


class Life:
    """A process, until its end. `stdin` and `stdout` are there if they were to be pipes."""

    def __init__(self, pid: int, alive: int) -> None:
        self.pid = pid
        self.returncode: int | None = None
        self.stdin: asyncio.StreamWriter | None = None
        self.stdout: asyncio.StreamReader | None = None
        self._loop = asyncio.get_running_loop()
        self._ended: asyncio.Future[int] = self._loop.create_future()
        self._loop.add_reader(alive, self._end, alive)

    def _end(self, alive: int) -> None:
        self._loop.remove_reader(alive)
        os.close(alive)
        self.returncode = _nursery().ask({"pid": self.pid})
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
    stdin: int | IO[bytes] = DEVNULL,
    stdout: int | IO[bytes] = DEVNULL,
    stderr: int | IO[bytes] = DEVNULL,
) -> AsyncGenerator[Life]:
    """Run Python with these arguments until the end of the block, where it is killed.

    `env`: its whole environment, else ours.
    """
    environment = dict(os.environ if env is None else env)
    where = str(folder or Path.cwd())
    order = {"arguments": arguments, "environment": environment, "folder": where}
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
        made = Life(_nursery().ask(order, (*files, keep)), alive)
    pipes = contextlib.AsyncExitStack()
    try:
        if 0 in ours:
            made.stdin = await pipes.enter_async_context(_writer(ours[0]))
        if 1 in ours:
            made.stdout = await pipes.enter_async_context(_reader(ours[1]))
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
