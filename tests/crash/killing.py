"""The parent's side: a platform that never forgets, and a process that is killed again and again.

1. `Platform` is the truth about what was said, acknowledged and sent. It acknowledges nothing by
   itself and drops nothing, so that `check` can tell what was doubled, lost or out of order.
2. `Worker` is one life of the process. What it wrote before it was killed has arrived.
"""

import asyncio
import contextlib
import json
import os
import signal
import sqlite3
from asyncio.subprocess import PIPE
from collections import Counter
from collections.abc import AsyncGenerator, Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from processes.lives import Life, life

from chatstate.cli.loops import VARIABLE

WORKER = Path(__file__).with_name("worker.py")
FAILED = "Sorry, something went wrong. Nothing was changed."
Lane = tuple[str, str | None]
"""A chat and a thread in it: a conversation."""


@dataclass(frozen=True)
class Said:
    """One message of somebody. `parts`: how many replies it gets."""

    number: int
    user: str
    lane: Lane
    text: str
    parts: int = 1
    kind: str = "message"

    def event(self) -> dict[str, Any]:
        chat, thread = self.lane
        message = {
            "text": self.text,
            "sender": {"id": self.user, "name": self.user},
            "chat": {"id": chat, "kind": "group"},
            "thread": thread,
            "kind": self.kind,
        }
        return {"id": str(self.number), "message": message, "origin": str(self.number)}


@dataclass(frozen=True)
class Sent:
    """One call that arrived, in one life of the worker; `number` is 0 if it answers nothing."""

    life: int
    key: str
    text: str
    lane: Lane
    number: int


@dataclass
class Platform:
    """What was said to the bot and what it sent, over all lives of its process."""

    said: dict[int, Said] = field(default_factory=dict)
    acknowledged: set[int] = field(default_factory=set)
    heard_of: set[int] = field(default_factory=set)
    sent: list[Sent] = field(default_factory=list)
    called: list[int] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    lives: int = 0
    lines: int = 0
    arrived: asyncio.Event = field(default_factory=asyncio.Event)

    def say(self, said: Said) -> Said:
        self.said[said.number] = said
        return said

    @property
    def unacknowledged(self) -> list[Said]:
        return [said for said in self.said.values() if said.number not in self.acknowledged]

    def take(self, line: dict[str, Any]) -> dict[str, Any] | None:
        """Note what a worker wrote, and return the answer to it."""
        self.lines += 1
        self.arrived.set()
        if "ack" in line:
            self.acknowledged.add(int(line["ack"]))
        elif "asked" in line:
            self.asked.append(line["status"])
        elif "called" in line:
            self.called.append(line["called"])
        elif "send" in line:
            lane = (line["chat"], line["thread"])
            sent = Sent(self.lives, line["key"], line["send"], lane, int(line["origin"] or 0))
            self.sent.append(sent)
            if sent.number:
                self.heard_of.add(sent.number)
            return {"sent": line["key"]}
        return None

    async def until(self, true: Callable[[], bool]) -> None:
        """Wait until something that depends on what has arrived is true."""
        while not true():
            self.arrived.clear()
            await self.arrived.wait()

    def effects(self) -> list[Sent]:
        """Return what was sent, as a platform that honours keys shows it."""
        by_key: dict[str, Sent] = {}
        for sent in self.sent:
            by_key.setdefault(sent.key, sent)
        return list(by_key.values())

    def answered(self) -> set[int]:
        """Return the numbers of what was answered in full."""
        count = Counter(sent.number for sent in self.effects())
        failed = {sent.number for sent in self.sent if sent.text == FAILED}
        del count[0]
        return {number for number in count if count[number] >= self.said[number].parts} | failed


class Worker:
    """One life of the process. `pause`: how many seconds each answer of the platform takes."""

    def __init__(
        self, process: Life, platform: Platform, pause: Callable[[], float] = lambda: 0.0
    ) -> None:
        self.process = process
        self._platform = platform
        self._pause = pause
        self._reading = asyncio.create_task(self._read())
        self.ready = asyncio.Event()

    @property
    def _stdin(self) -> asyncio.StreamWriter:
        assert self.process.stdin
        return self.process.stdin

    def deliver(self, *said: Said) -> None:
        for message in said:
            self._write({"event": message.event()})

    def ask(self, text: str, key: str) -> None:
        """Let the bot send something by itself."""
        self._write({"ask": text, "key": key})

    def tell(self, text: str, key: str) -> None:
        """Let the bot say something to all groups."""
        self._write({"tell": text, "key": key})

    async def kill(self) -> None:
        """End it with SIGKILL; what it had written arrives all the same."""
        with contextlib.suppress(ProcessLookupError):
            self.process.send_signal(signal.SIGKILL)
        await self.ended()

    async def stop(self) -> int:
        """End it with SIGTERM; return its status."""
        self.process.send_signal(signal.SIGTERM)
        return await self.ended()

    async def ended(self) -> int:
        """Wait for its end; return its status, negative for a signal."""
        status = await self.process.wait()
        await self._reading
        self._stdin.close()
        with contextlib.suppress(OSError):
            await self._stdin.wait_closed()
        return status

    def _write(self, line: dict[str, Any]) -> None:
        if not self._stdin.is_closing():  # it was just killed
            self._stdin.write(json.dumps(line).encode() + b"\n")

    async def _read(self) -> None:
        assert self.process.stdout
        loop = asyncio.get_running_loop()
        async for line in self.process.stdout:
            found = json.loads(line)
            if "ready" in found:
                self.ready.set()
            answer = self._platform.take(found)
            if answer:
                loop.call_later(self._pause(), self._write, answer)
        self.ready.set()


@contextlib.asynccontextmanager
async def worker(
    platform: Platform,
    path: Path,
    *,
    policy: str = "repeat",
    keys_known_for: float = 0.0,
    kill_point: str = "",
    pause: Callable[[], float] = lambda: 0.0,
) -> AsyncGenerator[Worker]:
    """Start a process on the file at `path`; it is dead at the end, whatever happened.

    Its event loop is of the kind that runs here.
    """
    platform.lives += 1
    arguments = (str(path), policy, str(keys_known_for), kill_point)
    loop = type(asyncio.get_running_loop()).__module__.partition(".")[0]
    told = {**os.environ, VARIABLE: "uvloop" if loop == "uvloop" else "asyncio"}
    with path.with_suffix(".log").open("ab") as log:
        starting = life(str(WORKER), *arguments, stdin=PIPE, stdout=PIPE, stderr=log, env=told)
        async with starting as process:
            made = Worker(process, platform, pause)
            try:
                yield made
            finally:
                if process.returncode is None:
                    await made.kill()


@contextlib.contextmanager
def database(path: Path) -> Iterator[sqlite3.Connection]:
    """Read what is on disk, as another program would."""
    with contextlib.closing(sqlite3.connect(path, timeout=10)) as connection:
        yield connection


def rows(path: Path, statement: str) -> list[Any]:
    with database(path) as connection:
        return connection.execute(statement).fetchall()


def values(path: Path, scope: str) -> dict[tuple[Any, ...], list[int]]:
    """Return the values of a scope by (chat, thread, person), as the platform names them."""
    found = rows(path, f"SELECT chat, thread, person, value FROM sessions WHERE scope = '{scope}'")  # noqa: S608 - ours
    return {(chat, thread, person): json.loads(text) for chat, thread, person, text in found}
