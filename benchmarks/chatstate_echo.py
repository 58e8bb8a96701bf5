"""chatstate doing the work, through a platform that only counts."""

from __future__ import annotations

import asyncio
import itertools
import time
import uuid
from collections.abc import Sequence
from pathlib import Path

from benchmarks.work import KEPT, PEOPLE, Result, Stopwatch, answer, text
from chatstate import Chat, Event, Interface, Message, State, User
from chatstate.adapter import Action, Adapter, Capabilities, Host, Part, Post, Sent
from chatstate.engine import Engine
from chatstate.stores import open_store


def _echo(message: str, history: list[str]) -> tuple[str, list[str]]:
    history = [*history, message][-KEPT:]
    return answer(history), history


async def _async_echo(message: str, history: list[str]) -> tuple[str, list[str]]:
    return _echo(message, history)


def echo_bot(*, threads: bool) -> Interface:
    """Return the bot, with an async handler or one in threads."""
    return Interface(
        _echo if threads else _async_echo,
        inputs=["text", State([])],
        outputs=["text", "state"],
        id="echo",
    )


class Crowd(Adapter):
    """A platform on which `at_once` people write, each the next message after the reply."""

    name = "crowd"
    account = "bench"
    capabilities = Capabilities()

    def __init__(self, messages: int, at_once: int) -> None:
        self.sent = 0
        self._session = uuid.uuid4().hex
        self._messages = messages
        self._numbers = iter(range(messages))
        self._at_once = at_once
        self._latencies: list[float] = []
        self.result: Result | None = None

    async def run(self, host: Host) -> None:
        """Write all messages and wait for all replies."""
        watch = Stopwatch()
        async with asyncio.TaskGroup() as group:
            for _ in range(self._at_once):
                group.create_task(self._write(host))
        self.result = watch.stop(self._messages, self._latencies)
        if self.sent != self._messages:
            raise RuntimeError(f"{self._messages} messages, {self.sent} replies")

    async def _write(self, host: Host) -> None:
        for number in self._numbers:
            begun = time.perf_counter()
            person = str(number % PEOPLE)
            message = Message(text(number), User(person, person), Chat(person))
            (receipt,) = await host.deliver([Event(f"{self._session}-{number}", message)])
            await receipt.settled()
            self._latencies.append(time.perf_counter() - begun)

    def render(self, post: Post) -> Sequence[Part]:
        """Return the reply as one part."""
        return (Part({"text": post.text.text}),)

    async def perform(self, action: Action) -> Sent:
        """Count."""
        self.sent += bool(action.part.content["text"])
        return Sent()


_names = itertools.count()


def run(folder: Path, messages: int, at_once: int, *, threads: bool) -> Result:
    """Run the bot, with an async handler or one in threads."""
    bot = echo_bot(threads=threads)
    crowd = Crowd(messages, at_once)
    store = open_store(f"sqlite:///{folder / f'chatstate-{next(_names)}.db'}")
    asyncio.run(Engine(bot, [crowd], store).run())
    if crowd.result is None:
        raise RuntimeError("the run did not end")
    return crowd.result
