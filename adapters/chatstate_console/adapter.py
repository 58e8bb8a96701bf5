"""The loop: one line, its replies, the next line."""

from __future__ import annotations

import asyncio
import codecs
import os
import sys
import threading
import uuid
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime
from typing import TextIO

from chatstate import Chat, Event, Message, Reply, User
from chatstate.adapter import Action, Capabilities, Host, Part, Sent
from chatstate_console.lines import HELP, Do, mentions, read

_CHUNK = 65536


class ConsoleAdapter:
    """Reads lines from a file descriptor and prints each one's replies before the next.

    `user` speaks first, in the private chat `chat`; `:as` and `:in` change that.
    """

    name = "console"
    account = "local"
    capabilities = Capabilities()

    def __init__(
        self,
        user: str = "user",
        chat: str = "console",
        *,
        stdin: int = 0,
        stdout: TextIO | None = None,
    ) -> None:
        if not user or not chat:
            raise ValueError("user and chat must not be empty")
        self._user = user
        self._chat = chat
        self._stdin = stdin
        self._stdout = stdout or sys.stdout

    async def run(self, host: Host) -> None:
        """Read until the end of input or `:quit`."""
        session = uuid.uuid4().hex
        number = 0
        self._prompt()
        async for line in _lines(self._stdin):
            meaning = read(line)
            if isinstance(meaning, Do):
                if meaning.word == "quit":
                    return
                self._do(meaning)
            else:
                number += 1
                event = Event(f"{session}-{number}", self._message(meaning.text))
                (receipt,) = await host.deliver([event])
                await receipt.settled()
            self._prompt()

    def render(self, reply: Reply) -> Sequence[Part]:
        """Return the reply as one printed text."""
        return ({"text": reply.text},)

    async def perform(self, action: Action) -> Sent:
        """Print a reply."""
        self._print(str(action.part["text"]))
        return Sent()

    def _message(self, text: str) -> Message:
        return Message(
            text,
            User(self._user, self._user),
            Chat(self._chat, "private", self._chat),
            mentions=tuple(mentions(text)),
            time=datetime.now(UTC),
        )

    def _do(self, what: Do) -> None:
        if what.word == "as":
            self._user = what.argument
        elif what.word == "in":
            self._chat = what.argument
        else:
            self._print(HELP)

    def _print(self, text: str) -> None:
        encoding = self._stdout.encoding or "utf-8"
        shown = text.encode(encoding, "replace").decode(encoding)
        self._stdout.write(f"{shown}\n")
        self._stdout.flush()

    def _prompt(self) -> None:
        if os.isatty(self._stdin) and self._stdout.isatty():
            self._stdout.write(f"{self._user}@{self._chat}> ")
            self._stdout.flush()


async def _lines(descriptor: int) -> AsyncIterator[str]:
    """Yield the lines of a file descriptor, without their ends; bytes that are no UTF-8 as U+FFFD.

    A daemon thread reads, so that a read that never returns keeps nothing from ending.
    """
    loop = asyncio.get_running_loop()
    chunks: asyncio.Queue[bytes] = asyncio.Queue()

    def pump() -> None:
        while True:
            chunk = os.read(descriptor, _CHUNK)
            loop.call_soon_threadsafe(chunks.put_nowait, chunk)
            if not chunk:
                return

    threading.Thread(target=pump, name="chatstate-console", daemon=True).start()
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    rest = ""
    while chunk := await chunks.get():
        *complete, rest = (rest + decoder.decode(chunk)).split("\n")
        for line in complete:
            yield line.removesuffix("\r")
    rest += decoder.decode(b"", final=True)
    if rest:
        yield rest
