"""`Turn`: one event on its way to its commit, as a handler sees it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from pathlib import Path
from typing import Any, Protocol, TypeVar

from chatstate.files import Attachment, File
from chatstate.messages import Chat, Message, User
from chatstate.progress import Progress

T = TypeVar("T")


class Effects(Protocol):
    """What a turn can do besides returning something; see `Turn`."""

    def state(self, wanted: Any, of: User | None) -> Coroutine[Any, Any, Any]: ...

    def replace(self, wanted: Any, value: Any) -> None: ...

    def text_of(self, wanted: Any) -> str: ...

    def apply(
        self, wanted: Any, fn: Callable[[Any], Any], reply: Callable[[Any], Any] | None
    ) -> None: ...

    def step(self, name: str, fn: Callable[[], Any]) -> Coroutine[Any, Any, Any]: ...

    def send(self, reply: Any) -> Coroutine[Any, Any, None]: ...

    def progress(self, line: str) -> None: ...

    def folder(self) -> Path: ...

    def download(self, attachment: Attachment) -> Coroutine[Any, Any, File]: ...

    def resource(self, wanted: Any) -> Any: ...

    def may(self, command: str) -> Coroutine[Any, Any, bool]: ...


class Turn:
    """What a handler may know of the event it handles, and do with it.

    `text` is what the person said: for a command the rest of its line. `messages` are the
    events that are handled together (several only if the handler's `overlap` is "merge"), and
    `message` is the last of them. `platform` is the adapter's name. `files` are those that came
    with the messages, if the handler has a parameter for them (`list[File]`). `answers` are the
    texts and files that a form has gathered. `progress` shows how far it is.
    """

    __slots__ = ("_effects", "answers", "files", "messages", "platform", "progress", "text")

    def __init__(
        self,
        messages: tuple[Message, ...],
        text: str,
        platform: str,
        effects: Effects,
        files: Sequence[File] = (),
    ) -> None:
        self.messages = messages
        self.text = text
        self.platform = platform
        self.files = files
        self.answers: Sequence[str | File] = ()
        self.progress = Progress(effects.progress)
        self._effects = effects

    @property
    def message(self) -> Message:
        """What is handled."""
        return self.messages[-1]

    @property
    def user(self) -> User:
        """Who speaks."""
        return self.message.sender

    @property
    def chat(self) -> Chat:
        """Where."""
        return self.message.chat

    @property
    def folder(self) -> Path:
        """A folder for files of this turn alone; it is removed when the turn ends."""
        return self._effects.folder()

    def download(self, attachment: Attachment) -> Awaitable[File]:
        """Fetch one of `message.attachments`; it lies in `folder` until the turn ends.

        Raises `UserError` if it is larger than the platform's limit for files, and `Rejected`
        if the platform has it no more.
        """
        return self._for_async("download", self._effects.download(attachment))

    def resource(self, wanted: Any) -> Any:
        """Return what the bot's lifespan has opened, by its type.

        Raises `BindingError` if that is nothing, or several.
        """
        return self._effects.resource(wanted)

    def may(self, command: str) -> Awaitable[bool]:
        """Tell whether the person may use a command of the bot (`"vote"`), for a help of your own.

        Not if there is none of that name, or its guard fails.
        """
        return self._for_async("may", self._effects.may(command))

    def state(self, wanted: Any, *, of: User | None = None) -> Awaitable[Any]:
        """Return the value of a state, of another person's if `of` is given.

        `wanted` is a `State`, or the type of one that a handler of the bot is annotated with.
        The value is committed with this turn if it was changed in place; one of an immutable
        type comes in a `Ref`. Raises `StateError` if the bot has no such state, or several.
        """
        return self._for_async("state", self._effects.state(wanted, of))

    def replace(self, wanted: Any, value: Any) -> None:
        """Replace the value of a state that this turn holds, as a whole.

        It holds those that its handler has as parameters, and what `state` has returned.
        """
        self._effects.replace(wanted, value)

    def text_of(self, wanted: Any) -> str:
        """Return the value of a state that this turn holds, as the text that is stored."""
        return self._effects.text_of(wanted)

    def apply(
        self,
        wanted: Any,
        fn: Callable[[Any], Any],
        *,
        reply: Callable[[Any], Any] | None = None,
    ) -> None:
        """Replace a state's value by `fn(value)` at the moment of the commit.

        Nobody can change the value in between, so the handler never runs again for it. `fn` is
        a pure function that returns the new value; `reply(new value)` is sent. `wanted` as in
        `state`; a state that this turn also has as an object is changed there.
        """
        self._effects.apply(wanted, fn, reply)

    def step(self, name: str, fn: Callable[[], Awaitable[Any] | Any]) -> Awaitable[Any]:
        """Return `fn()`, or what it returned when this turn ran before.

        For calls whose effect is outside and must not be repeated: a payment, a question to a
        model. The result (JSON types) is durable when this returns; only a crash between the
        call and that moment repeats it. Steps of one name are told apart by their order.
        """
        return self._for_async("step", self._effects.step(name, fn))

    def send(self, reply: Any) -> Awaitable[None]:
        """Owe a reply (whatever a handler may return), before those that are returned.

        Like them it is sent after the commit, and not at all if the handler raises.
        """
        return self._for_async("send", self._effects.send(reply))

    @staticmethod
    def _for_async(name: str, result: Coroutine[Any, Any, T]) -> Awaitable[T]:
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            result.close()
            raise RuntimeError(
                f"turn.{name}() is awaited, so the handler must be `async def`; "
                "a sync one returns a list for several replies"
            ) from None
        return result
