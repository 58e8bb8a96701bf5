"""What is behind a `Turn`: the verbs that the engine implements.

1. Authors see `Turn` alone. These come to parts of the framework that stand around a handler.
2. A verb that is awaited says so when a sync handler calls it, instead of doing nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from random import Random
from typing import Any, Protocol, TypeVar

from chatstate.bot.questions import Question
from chatstate.bot.schedules import Schedule
from chatstate.bot.timers import Timer
from chatstate.clock import Clock
from chatstate.files import Attachment, File
from chatstate.messages import Message, MessageRef, Target, User
from chatstate.replies import AnyReply
from chatstate.scope import Key
from chatstate.state.bound import BoundState
from chatstate.stores.links import Identity

T = TypeVar("T")


class HeldValue(Protocol):
    """A value that a turn holds, for what stands around a handler.

    `before` is what it was when the turn began, as text: None if it must be stored in any case.
    `value` is what it is now, and `object` what the handler has of it: a `Ref` if it is in one.
    """

    object: Any

    @property
    def state(self) -> BoundState: ...
    @property
    def before(self) -> str | None: ...
    @property
    def value(self) -> Any: ...

    def replace(self, value: Any) -> None: ...


class Effects(Protocol):
    """What a turn knows, and can do besides returning something; see `Turn`."""

    @property
    def messages(self) -> tuple[Message, ...]: ...
    @property
    def text(self) -> str: ...
    @property
    def platform(self) -> str: ...
    @property
    def client(self) -> Any: ...
    @property
    def clock(self) -> Clock: ...
    @property
    def files(self) -> Sequence[File]: ...
    @property
    def answers(self) -> Sequence[Any]: ...
    @property
    def answer(self) -> Message | None: ...
    @property
    def now(self) -> datetime: ...
    @property
    def random(self) -> Random: ...
    @property
    def sent(self) -> Sequence[AnyReply]: ...
    @property
    def held(self) -> Mapping[Key, HeldValue]: ...

    def say_instead(self, text: str, attachments: Sequence[Attachment]) -> None: ...

    async def hold(self, wanted: Any, of: User | None) -> HeldValue: ...

    def replace(self, wanted: Any, value: Any) -> None: ...

    def apply(
        self, wanted: Any, fn: Callable[[Any], Any], reply: Callable[[Any], Any] | None
    ) -> None: ...

    def charge(self, n: int, of: str | None, *, overdraw: bool) -> None: ...

    async def step(self, name: str, fn: Callable[[], Any]) -> Any: ...

    def later(self, when: Any, what: Any, key: str | None, data: Mapping[str, Any]) -> None: ...

    def every(
        self, schedule: Schedule, handler: Any, key: str, data: Mapping[str, Any]
    ) -> None: ...

    def cancel(self, key: str) -> None: ...

    async def timers(self) -> Sequence[Timer]: ...

    async def ask(self, question: Question) -> Any: ...

    async def send(self, reply: Any, to: Target | None, account: str | None) -> MessageRef: ...

    def progress(self, line: str) -> None: ...

    def folder(self) -> Path: ...

    async def download(self, attachment: Attachment) -> File: ...

    def resource(self, wanted: Any) -> Any: ...

    async def forget(self) -> None:
        """Have the person forgotten, once this turn is settled."""
        ...

    async def export(self) -> bytes:
        """Return all that is kept of the person, as JSON."""
        ...

    async def may(self, command: str) -> bool: ...

    def identity(self) -> Identity:
        """Return who speaks, as a store knows them, in this private chat."""
        ...

    async def is_linked_with(self, other: Identity) -> bool:
        """Tell whether whoever speaks is one person with another, or it themselves."""
        ...

    async def link(self, other: Identity) -> None:
        """Let whoever speaks be one person with another from the turn's commit on."""
        ...

    async def unlink(self) -> Sequence[Identity]:
        """Let whoever speaks be nobody else; return those with whom they were one person."""
        ...

    def ended_wait(self) -> bool:
        """Tell whether this event has ended the wait of a turn that was put off."""
        ...


def for_async(name: str, result: Coroutine[Any, Any, T]) -> Awaitable[T]:
    """Return what is to be awaited. Raises `RuntimeError` in a sync handler."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        result.close()
        raise RuntimeError(
            f"turn.{name}() is awaited, so the handler must be `async def`; "
            "a sync one returns a list for several replies"
        ) from None
    return result
