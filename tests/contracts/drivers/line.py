"""The adapter that docs/adapters.md shows, and a server for it on loopback."""

import asyncio
import contextlib
import functools
import itertools
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import Any
from unittest import SkipTest

from chatstate.adapter import Adapter
from chatstate.testing import AdapterDriver, Fault, Shown, Speaker
from chatstate.testing.delivered import SentFile

PAGE = Path(__file__).parents[3] / "docs" / "adapters.md"
LINE_BYTES = 400


@functools.cache
def package() -> Any:
    """Return the package that the page shows."""
    name = "chatstate_line"
    made = sys.modules[name] = ModuleType(name)
    made.__path__ = []
    block = rf'```python title="{name}/(\w+)\.py"\n(.*?)```'
    for stem, code in re.findall(block, PAGE.read_text(), re.DOTALL):
        module = made
        if stem != "__init__":
            module = sys.modules[f"{name}.{stem}"] = ModuleType(f"{name}.{stem}")
        exec(compile(code, f"{PAGE}:{stem}.py", "exec"), vars(module))  # noqa: S102 - our own page
    return made


class LineServer:
    """Keeps messages until they are acknowledged, shows what it gets, and fails when told to."""

    def __init__(self) -> None:
        self.messages: dict[str, bytes] = {}
        self.unacknowledged: list[str] = []
        self.shown: dict[str, list[Shown]] = {}
        self.keys: dict[str, str] = {}
        self.faults: list[tuple[Fault, float]] = []
        self.port = 0
        self.numbers = itertools.count(1)
        self.server: asyncio.Server | None = None
        self.writers: set[asyncio.StreamWriter] = set()
        self.clients: set[asyncio.Task[None]] = set()

    async def open(self) -> None:
        self.server = await asyncio.start_server(self.accept, "127.0.0.1", self.port)
        self.port = self.server.sockets[0].getsockname()[1]

    async def close(self) -> None:
        if self.server:
            self.server.close()
            for writer in self.writers:
                writer.close()
            if self.clients:
                await asyncio.wait(self.clients)
            await self.server.wait_closed()

    def put(self, chat: str, user: str, text: str) -> str:
        number = f"in-{next(self.numbers)}"
        escaped = text.replace("\\", "\\\\").replace("\n", "\\n").replace("\r", "\\r")
        self.messages[number] = f"MSG {number} {chat} {user} :{escaped}\n".encode()
        self.deliver(number)
        return number

    def deliver(self, number: str) -> None:
        self.unacknowledged.append(number)
        for writer in self.writers:
            writer.write(self.messages[number])

    async def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task
        self.clients.add(task)
        task.add_done_callback(self.clients.discard)
        try:
            with contextlib.suppress(ConnectionError):
                async for raw in reader:
                    assert len(raw) <= LINE_BYTES, f"a line of {len(raw)} bytes"
                    self.take(raw, writer)
        finally:
            self.writers.discard(writer)
            writer.close()

    def take(self, raw: bytes, writer: asyncio.StreamWriter) -> None:
        head, _, text = raw.decode().removesuffix("\n").partition(" :")
        verb, *words = head.split(" ")
        if verb == "LOGIN":
            self.writers.add(writer)
            for number in self.unacknowledged:
                writer.write(self.messages[number])
        elif verb == "ACK":
            self.unacknowledged.remove(words[0])
        else:
            self.send(words[0], words[1], text, writer)

    def send(self, key: str, chat: str, text: str, writer: asyncio.StreamWriter) -> None:
        fault, seconds = self.faults.pop(0) if self.faults else (None, 0.0)
        if fault == "wait":
            writer.write(f"WAIT {key} {seconds}\n".encode())
        elif fault == "refuse":
            writer.write(f"NO {key} :not allowed here\n".encode())
        else:
            if key not in self.keys:
                self.keys[key] = f"out-{next(self.numbers)}"
                plain = re.sub(r"\\(.)", lambda m: {"n": "\n", "r": "\r"}.get(m[1], m[1]), text)
                self.shown.setdefault(chat, []).append(Shown(self.keys[key], plain))
            if fault == "lose":
                writer.close()
            else:
                writer.write(f"OK {key} {self.keys[key]}\n".encode())


class LineDriver(AdapterDriver):
    """People on a server of the line protocol."""

    def __init__(self) -> None:
        self.server = LineServer()

    def make_adapter(self) -> Adapter:
        address = f"127.0.0.1:{self.server.port}"
        options = package().LineOptions(account="bot", address=address)
        adapter: Adapter = package().LineAdapter(options)
        return adapter

    async def open(self) -> None:
        await self.server.open()

    async def close(self) -> None:
        await self.server.close()

    async def say(
        self,
        who: Speaker,
        text: str,
        *,
        files: Sequence[SentFile] = (),  # noqa: ARG002 - there are none
        reply_to: str | None = None,  # noqa: ARG002 - nothing is answered visibly
    ) -> str:
        return self.server.put(chat_of(who), who.user, text)

    def shown(self, who: Speaker) -> Sequence[Shown]:
        return self.server.shown.get(chat_of(who), ())

    def account_name(self) -> str:
        return "bot"

    async def redeliver(self, message: str) -> None:
        self.server.deliver(message)

    def is_acknowledged(self, message: str) -> bool:
        return message not in self.server.unacknowledged

    def fail(self, fault: Fault, seconds: float = 0.0) -> None:
        if fault == "block":
            raise SkipTest("nobody can block a bot there")
        self.server.faults.append((fault, seconds))

    async def disconnect(self) -> None:
        await self.server.close()

    async def reconnect(self) -> None:
        await self.server.open()


def chat_of(who: Speaker) -> str:
    if who.thread or who.is_bot:
        raise SkipTest("there are no threads, and no bots but this one")
    return f"#{who.chat.replace(' ', '-')}" if who.chat else who.user
