"""The parent's side of `nursery`: processes of the command line, one life after the other.

All lives share one input and one output, as a terminal that stays open: a line that nobody has
read yet is the next one's.
"""

import asyncio
import contextlib
import json
import os
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncGenerator, Mapping, Sequence
from pathlib import Path

NURSERY = Path(__file__).with_name("nursery.py")


class Life:
    """One process. `ended` is its status, once it is dead: negative for a signal."""

    def __init__(self, pid: int, ended: "asyncio.Task[dict[str, int]]") -> None:
        self.pid = pid
        self._ended = ended

    async def ended(self) -> int:
        """Return how it has ended, when it has."""
        return (await asyncio.shield(self._ended))["status"]

    @property
    def is_over(self) -> bool:
        return self._ended.done()

    async def kill(self) -> None:
        """Kill it, if it lives."""
        if not self.is_over:
            os.kill(self.pid, signal.SIGKILL)
        await self.ended()


class Nursery:
    """Starts lives. `printed` is what they have written to their output; `news` tells of more."""

    def __init__(self, process: Process, folder: Path, stdin: int) -> None:
        self._process = process
        self._stdin = stdin
        self.log = folder / "log"
        self.printed = b""
        self.news = asyncio.Event()

    def type(self, text: str) -> None:
        """Write to the lives' input."""
        os.write(self._stdin, text.encode())

    @contextlib.asynccontextmanager
    async def life(
        self, arguments: Sequence[str], environment: Mapping[str, str]
    ) -> AsyncGenerator[Life]:
        """Run the command line until the end of the block, where it is killed."""
        assert self._process.stdin
        order = {"arguments": arguments, "environment": environment, "log": str(self.log)}
        self._process.stdin.write(json.dumps(order).encode() + b"\n")
        pid = (await self._told())["pid"]
        life = Life(pid, asyncio.create_task(self._told()))
        try:
            yield life
        finally:
            await life.kill()

    async def _told(self) -> dict[str, int]:
        assert self._process.stdout
        line = await self._process.stdout.readline()
        told: dict[str, int] = json.loads(line)
        return told

    def read(self, stdout: int) -> None:
        """Take what was written."""
        self.printed += os.read(stdout, 65536)
        self.news.set()


@contextlib.asynccontextmanager
async def nursery(folder: Path, *modules: str) -> AsyncGenerator[Nursery]:
    """Start the process that is forked, with modules that it imports."""
    (their_in, our_in), (our_out, their_out) = os.pipe(), os.pipe()
    loop, path = asyncio.get_running_loop(), os.pathsep.join(sys.path)
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, str(NURSERY), str(their_in), str(their_out), *modules),
        stdin=PIPE,
        stdout=PIPE,
        pass_fds=(their_in, their_out),
        env={**os.environ, "PYTHONPATH": path},
    )
    made = Nursery(process, folder, our_in)
    loop.add_reader(our_out, made.read, our_out)
    try:
        yield made
    finally:
        loop.remove_reader(our_out)
        process.kill()
        await process.wait()
        for descriptor in (their_in, our_in, our_out, their_out):
            os.close(descriptor)
