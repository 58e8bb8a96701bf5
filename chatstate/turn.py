"""`Turn`: one event on its way to its commit, as a handler sees it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, Protocol, TypeVar

from chatstate.messages import Chat, Message, User

T = TypeVar("T")


class Effects(Protocol):
    """What a turn can do besides returning something; see `Turn`."""

    def state(self, wanted: Any, of: User | None) -> Coroutine[Any, Any, Any]: ...

    def apply(
        self, wanted: Any, fn: Callable[[Any], Any], reply: Callable[[Any], Any] | None
    ) -> None: ...

    def step(self, name: str, fn: Callable[[], Any]) -> Coroutine[Any, Any, Any]: ...

    def send(self, reply: Any) -> Coroutine[Any, Any, None]: ...


class Turn:
    """What a handler may know of the event it handles, and do with it.

    `text` is what the person said: for a command the rest of its line. `messages` are the
    events that are handled together (several only if the handler's `overlap` is "merge"), and
    `message` is the last of them. `platform` is the adapter's name.
    """

    __slots__ = ("_effects", "messages", "platform", "text")

    def __init__(
        self, messages: tuple[Message, ...], text: str, platform: str, effects: Effects
    ) -> None:
        self.messages = messages
        self.text = text
        self.platform = platform
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

    def state(self, wanted: Any, *, of: User | None = None) -> Awaitable[Any]:
        """Return the value of a state, of another person's if `of` is given.

        `wanted` is a `State`, or the type of one that a handler of the bot is annotated with.
        The value is committed with this turn if it was changed in place; one of an immutable
        type comes in a `Ref`. Raises `StateError` if the bot has no such state, or several.
        """
        return self._for_async("state", self._effects.state(wanted, of))

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
