"""The parent's side of worker processes that share a store: a platform that forgets nothing.

1. An event is delivered to some worker, and again to another one until one of them has stored it.
2. A call counts once by its key, as on a platform that honours keys. What was sent before a worker
   was killed has arrived.
3. `check` compares what the store holds and what was sent with what was said: nothing lost, nothing
   doubled, all of it in order.
"""

import asyncio
import contextlib
import json
import random
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections import defaultdict
from collections.abc import AsyncGenerator, Callable
from pathlib import Path
from typing import Any

import asyncpg

from chatstate.stores import open_store
from chatstate.stores.base import Filter
from chatstate.stores.postgres.address import parsed

WORKER = Path(__file__).with_name("fleet_worker.py")


class Worker:
    """One worker process."""

    def __init__(self, process: Process, fleet: "Fleet") -> None:
        self.process = process
        self._fleet = fleet
        self.is_ready = False
        self.is_stopped = False
        self._reading = asyncio.create_task(self._read())

    @property
    def is_alive(self) -> bool:
        """Whether events may be given to it."""
        return self.process.returncode is None and self.is_ready and not self.is_stopped

    def write(self, line: dict[str, Any]) -> None:
        """Give it something."""
        assert self.process.stdin
        if not self.process.stdin.is_closing():
            self.process.stdin.write(json.dumps(line).encode() + b"\n")

    def signal(self, number: signal.Signals) -> None:
        """Send it a signal."""
        self.is_stopped = number == signal.SIGSTOP
        with contextlib.suppress(ProcessLookupError):
            self.process.send_signal(number)

    async def ended(self) -> int:
        """Wait for its end; return its status."""
        status = await self.process.wait()
        await self._reading
        assert self.process.stdin
        self.process.stdin.close()
        with contextlib.suppress(OSError):
            await self.process.stdin.wait_closed()
        return status

    async def _read(self) -> None:
        assert self.process.stdout
        async for line in self.process.stdout:
            self._fleet.heard(self, json.loads(line))
        self._fleet.heard(self, {})


class Fleet:
    """Workers on the store of a URL, and what was said and sent."""

    def __init__(self, url: str, log: Path, seed: int = 1) -> None:
        self.url = url
        self.random = random.Random(seed)
        self.workers: list[Worker] = []
        self.said: dict[int, str] = {}
        self.stored: set[int] = set()
        self.sent: dict[str, tuple[str, str]] = {}
        self.calls = 0
        self._log = log
        self._heard = asyncio.Event()

    async def start(self, url: str | None = None) -> Worker:
        """Start one more worker, and wait until it is ready."""
        with self._log.open("ab") as log:
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, str(WORKER), url or self.url),
                stdin=PIPE,
                stdout=PIPE,
                stderr=log,
            )
        worker = Worker(process, self)
        self.workers.append(worker)
        await self.until(lambda: worker.is_ready or process.returncode is not None)
        return worker

    def heard(self, worker: Worker, line: dict[str, Any]) -> None:
        """Note what a worker has written."""
        if "ready" in line:
            worker.is_ready = True
        elif "ack" in line:
            self.stored.add(int(line["ack"]))
        elif "send" in line:
            self.calls += 1
            self.sent.setdefault(line["key"], (line["chat"], line["send"]))
            worker.write({"sent": line["key"]})
        self._heard.set()

    def say(self, numbers: range, chats: int) -> None:
        """Let one person say numbers in some chats, all at once."""
        for number in numbers:
            self.said[number] = str(number % chats)
            self.deliver(number)

    def say_to_all(self, numbers: range, chats: int) -> None:
        """Let each worker hear all of it, in order, as if it alone polled."""
        for number in numbers:
            self.said[number] = str(number % chats)
            for worker in self.workers:
                worker.write(self._event(number))

    def deliver(self, number: int) -> None:
        """Deliver an event to some worker."""
        alive = [worker for worker in self.workers if worker.is_alive]
        if alive:
            self.random.choice(alive).write(self._event(number))

    def _event(self, number: int) -> dict[str, Any]:
        chat = {"id": self.said[number], "kind": "group"}
        message = {"text": str(number), "sender": {"id": "alice", "name": "A"}, "chat": chat}
        return {"event": {"id": str(number), "message": message}}

    def redeliver(self) -> None:
        """Deliver again what nobody has stored."""
        for number in self.said.keys() - self.stored:
            self.deliver(number)

    @property
    def is_done(self) -> bool:
        """Whether each event is answered."""
        return len(self.answers) == len(self.said)

    @property
    def answers(self) -> list[int]:
        """What was answered, in order."""
        return [int(text.split()[0]) for _, text in self.sent.values()]

    async def until(self, true: Callable[[], bool]) -> None:
        """Wait until something that depends on what workers write is true."""
        while not true():
            self._heard.clear()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(1):
                    await self._heard.wait()

    async def until_called(self, calls: int) -> None:
        """Wait until the platform was called so often."""
        await self.until(lambda: self.calls >= calls)

    async def until_done(self) -> None:
        """Wait until everything is answered, delivering again what got lost on the way."""
        async with asyncio.timeout(120):
            while not self.is_done:
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(1):
                        await self.until(lambda: self.is_done)
                self.redeliver()

    async def until_buried(self) -> None:
        """Wait until some worker was taken for dead."""
        address = parsed(self.url)
        connection = await asyncpg.connect(address.dsn)
        statement = f"SELECT count(ended_at), pg_sleep(0.05) FROM {address.schema}.runs"  # noqa: S608 - ours
        try:
            while not await connection.fetchval(statement):
                pass
        finally:
            await connection.close()

    async def check(self, *, in_order: bool = False) -> None:
        """Compare what there is with what was said; `in_order`: as that came."""
        store = open_store(self.url)
        entries = await store.list("states", Filter(limit=100_000))
        values: defaultdict[str, dict[str, Any]] = defaultdict(dict)
        for entry in entries:
            values[entry.key.scope if entry.key else ""][entry.chat] = json.loads(entry.body)
        every = len(self.said)
        assert values["global"][""] == every
        assert values["user"][""] == every
        lines: defaultdict[str, list[str]] = defaultdict(list)
        for chat, text in self.sent.values():
            lines[chat].append(text)
        for chat in set(self.said.values()):
            wanted = {number for number, where in self.said.items() if where == chat}
            assert values["chat"][chat] == len(wanted)
            numbers = values["member"][chat]
            assert (numbers if in_order else sorted(numbers)) == sorted(wanted)
            assert lines[chat] == [f"{number} {n}" for n, number in enumerate(numbers, 1)]
        assert not await store.list("inbox")
        assert not await store.list("dead")


@contextlib.asynccontextmanager
async def fleet(url: str, folder: Path, workers: int = 2) -> AsyncGenerator[Fleet]:
    """Start workers; whatever happens, none of them is there afterwards."""
    made = Fleet(url, folder / "workers.log")
    try:
        for worker in await asyncio.gather(*(made.start() for _ in range(workers))):
            assert worker.is_ready, made._log.read_text()
        yield made
    finally:
        for worker in made.workers:
            if worker.process.returncode is None:
                worker.signal(signal.SIGKILL)
            await worker.ended()
