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

from chatstate import AdapterError, Chat, Event, Message, Rejected, Reply, User
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
        self._prompted = False
        self._failure: AdapterError | None = None

    async def run(self, host: Host) -> None:
        """Read until the end of input or `:quit`. Raises `AdapterError` if nobody reads replies."""
        try:
            await self._converse(host)
        finally:
            if self._prompted:  # so that the shell's own prompt begins a line
                self._write("\n")

    async def _converse(self, host: Host) -> None:
        session = uuid.uuid4().hex
        number = 0
        self._prompt()
        async for line in _lines(self._stdin):
            self._prompted = False
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
            if self._failure:
                raise self._failure
            self._prompt()

    def render(self, reply: Reply) -> Sequence[Part]:
        """Return the reply as one printed text."""
        return ({"text": reply.text},)

    async def perform(self, action: Action) -> Sent:
        """Print a reply."""
        try:
            self._print(str(action.part["text"]))
        except AdapterError as error:
            self._failure = error
            raise Rejected(str(error)) from error
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
        self._write(f"{shown}\n")

    def _prompt(self) -> None:
        if os.isatty(self._stdin) and self._stdout.isatty():
            self._prompted = True
            self._write(f"{self._user}@{self._chat}> ")

    def _write(self, text: str) -> None:
        try:
            self._stdout.write(text)
            self._stdout.flush()
        except OSError as error:
            # What could not be written is flushed again at exit, and must not fail there.
            os.dup2(os.open(os.devnull, os.O_WRONLY), self._stdout.fileno())
            raise AdapterError(f"nobody reads what is printed ({error})") from error


async def _lines(descriptor: int) -> AsyncIterator[str]:
    """Yield the lines of a file descriptor, without their ends; bytes that are no UTF-8 as U+FFFD.

    A daemon thread reads, so that a read that never returns keeps nothing from ending.
    """
    loop = asyncio.get_running_loop()
    chunks: asyncio.Queue[bytes] = asyncio.Queue()

    def pump() -> None:
        chunk = b"-"
        while chunk:
            try:
                chunk = os.read(descriptor, _CHUNK)
            except OSError:  # a terminal that was closed
                chunk = b""
            try:
                loop.call_soon_threadsafe(chunks.put_nowait, chunk)
            except RuntimeError:  # the loop was closed: nobody waits any more
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
        yield rest.removesuffix("\r")
