"""chatstate doing the work, through a platform that only counts."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from benchmarks.work import KEPT, PEOPLE, Result, answer, text, write_all
from chatstate import Chat, Event, Interface, Message, State, User
from chatstate.adapter import Action, Adapter, Capabilities, Host, Part, Post, Sent
from chatstate.engine import Engine
from chatstate.stores import open_store

LoopFactory = Callable[[], asyncio.AbstractEventLoop]


def sync_echo(message: str, history: list[str]) -> tuple[str, list[str]]:
    """Answer with the history; the engine runs this in threads."""
    history = [*history, message][-KEPT:]
    return answer(history), history


async def async_echo(message: str, history: list[str]) -> tuple[str, list[str]]:
    """Answer with the history."""
    return sync_echo(message, history)


async def waiting_echo(message: str, history: list[str]) -> tuple[str, list[str]]:
    """Answer with the history, after 10 ms."""
    await asyncio.sleep(0.01)
    return sync_echo(message, history)


def echo_bot(handler: Callable[..., Any] = async_echo) -> Interface:
    """Return the bot; its history is each person's own."""
    return Interface(handler, inputs=["text", State([])], outputs=["text", "state"], id="echo")


def global_bot() -> Interface:
    """Return the bot; its history is one, of all people."""
    history = State([], scope="global", name="history")
    return Interface(async_echo, inputs=["text", history], outputs=["text", history], id="echo")


class Crowd(Adapter):
    """A platform on which `people` people write, `at_once` messages at any time."""

    name = "crowd"
    account = "bench"
    capabilities = Capabilities()

    def __init__(self, messages: int, at_once: int, people: int = PEOPLE) -> None:
        self.sent = 0
        self._session = uuid.uuid4().hex
        self._messages = messages
        self._at_once = at_once
        self._people = people
        self.result: Result | None = None

    async def run(self, host: Host) -> None:
        """Write all messages and wait for all replies."""
        self.result = await write_all(
            self._messages, self._at_once, lambda number: self._write(host, number)
        )
        if self.sent != self._messages:
            raise RuntimeError(f"{self._messages} messages, {self.sent} replies")

    async def _write(self, host: Host, number: int) -> None:
        person = str(number % self._people)
        message = Message(text(number), User(person, person), Chat(person))
        (receipt,) = await host.deliver([Event(f"{self._session}-{number}", message)])
        await receipt.settled()

    def render(self, post: Post) -> Sequence[Part]:
        """Return the reply as one part."""
        return (Part({"text": post.text.text}),)

    async def perform(self, action: Action) -> Sent:
        """Count."""
        self.sent += bool(action.part.content["text"])
        return Sent()


def serve(
    bot: Interface, crowd: Crowd, folder: Path, *, loop_factory: LoopFactory | None = None
) -> Result:
    """Run the bot for the crowd on a new file in the folder."""
    store = open_store(f"sqlite:///{folder / 'chatstate.db'}")
    with asyncio.Runner(loop_factory=loop_factory) as runner:
        runner.run(Engine(bot, [crowd], store).run())
    if crowd.result is None:
        raise RuntimeError("the run did not end")
    return crowd.result
