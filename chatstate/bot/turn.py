"""`Turn`: one event on its way to its commit, as a handler sees it.

1. A `Turn` can do nothing by itself: each verb is one of `Effects`, which the engine implements
   and ends with the turn.
2. Authors see `Turn` alone. What is behind it (`effects`) is for parts of the framework that stand
   around a handler.
3. A verb that is awaited says so when a sync handler calls it, instead of doing nothing.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta, tzinfo
from pathlib import Path
from random import Random
from typing import Any

from chatstate.bot.asking import Asking
from chatstate.bot.effects import Effects, for_async
from chatstate.bot.schedules import Misfire, schedule
from chatstate.bot.timers import Timer, When
from chatstate.clock import Clock
from chatstate.errors import StateError
from chatstate.files import Attachment, File
from chatstate.messages import Chat, Message, MessageRef, Target, User
from chatstate.progress import Progress


class Turn(Asking):
    """What a handler may know of the event it handles, and do with it.

    After its end a turn can do nothing more: whoever kept it gets a `RuntimeError`. (`effects` is
    what is behind it, for parts of the framework that stand around handlers.)
    """

    __slots__ = ("_progress", "effects")

    def __init__(self, effects: Effects) -> None:
        self.effects = effects
        self._progress: Progress | None = None

    @property
    def messages(self) -> tuple[Message, ...]:
        """The events that are handled together: several only if `overlap` is "merge"."""
        return self.effects.messages

    @property
    def message(self) -> Message:
        """What is handled: the last of `messages`."""
        return self.effects.messages[-1]

    @property
    def text(self) -> str:
        """What the person said: for a command the rest of its line."""
        return self.effects.text

    @property
    def platform(self) -> str:
        """The adapter's name."""
        return self.effects.platform

    @property
    def client(self) -> Any:
        """The platform's own client: python-telegram-bot's `Bot`, discord.py's `Client`.

        What is done with it is outside of what chatstate promises: it happens at once, even if the
        turn fails then, and again if the turn runs again. Use it within `turn.step`; what is to be
        sent in order, and once, is a `Native`. Raises `StateError` if the platform has none, or
        there is no connection.
        """
        return self.effects.client

    @property
    def clock(self) -> Clock:
        """The time that the bot goes by, which a test can move."""
        return self.effects.clock

    @property
    def user(self) -> User:
        """Who speaks. Raises `StateError` where the platform names nobody."""
        return speaker(self.message)

    @property
    def chat(self) -> Chat:
        """Where."""
        return self.message.chat

    @property
    def files(self) -> Sequence[File]:
        """Those that came with the messages, if the handler has a parameter for them."""
        return self.effects.files

    @property
    def answers(self) -> Sequence[Any]:
        """What a form has gathered, as its function gets it."""
        return self.effects.answers

    @property
    def answer(self) -> Message | None:
        """What brought the newest answer to a question of `ask`; None if nothing was answered."""
        return self.effects.answer

    @property
    def now(self) -> datetime:
        """The time of this turn, in UTC: in all runs of a dialogue that at which it began."""
        return self.effects.now

    @property
    def random(self) -> Random:
        """Chance for this turn: in all runs of a dialogue it falls out the same."""
        return self.effects.random

    @property
    def progress(self) -> Progress:
        """Shows how far it is."""
        if self._progress is None:
            self._progress = Progress(self.effects.progress)
        return self._progress

    @property
    def folder(self) -> Path:
        """A folder for files of this turn alone; it is removed when the turn ends."""
        return self.effects.folder()

    def download(self, attachment: Attachment) -> Awaitable[File]:
        """Fetch one of `message.attachments`, once; it lies in `folder` until the turn ends.

        Raises `UserError` if it is larger than the platform's limit for files, and `Rejected`
        if the platform has it no more.
        """
        return for_async("download", self.effects.download(attachment))

    def resource(self, wanted: Any) -> Any:
        """Return what the bot's lifespan has opened, by its type.

        Raises `BindingError` if that is nothing, or several.
        """
        return self.effects.resource(wanted)

    def may(self, command: str) -> Awaitable[bool]:
        """Tell whether the person may use a command of the bot (`"vote"`), for a help of your own.

        Not if there is none of that name, or its guard fails.
        """
        return for_async("may", self.effects.may(command))

    def state(self, wanted: Any, *, of: User | None = None) -> Awaitable[Any]:
        """Return the value of a state, of another person's if `of` is given.

        `wanted` is a `State`, or the type of one that a handler of the bot is annotated with.
        The value is committed with this turn if it was changed in place; one of an immutable
        type comes in a `Ref`. Raises `StateError` if the bot has no such state, or several.
        """
        return for_async("state", self._state(wanted, of))

    async def _state(self, wanted: Any, of: User | None) -> Any:
        return (await self.effects.hold(wanted, of)).object

    def replace(self, wanted: Any, value: Any) -> None:
        """Replace the value of a state that this turn holds, as a whole.

        It holds those that its handler has as parameters, and what `state` has returned. Raises
        `StateError` for any other.
        """
        self.effects.replace(wanted, value)

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
        self.effects.apply(wanted, fn, reply)

    def charge(self, n: int, /, *, of: str | None = None, overdraw: bool = False) -> None:
        """Let this turn count as `n` for the handler's limits, instead of as one.

        What is charged adds up; 0 makes a turn free that charges nothing else. It is taken in the
        turn's commit, whatever becomes of the turn, and nobody else can take it from now on. `of`
        is one of the limits, as it was written ("10000/day"): for the others the turn counts as
        before. Who has not so much left is told when to come back, and the turn ends; not with
        `overdraw`: what is known only afterwards (the tokens of an answer) is taken in any case.

        Raises `StateError` if the handler has no such limit, and `ValueError` below 0.
        """
        if n < 0:
            raise ValueError(f"turn.charge({n}): what is taken is 0 or more")
        self.effects.charge(n, of, overdraw=overdraw)

    def step(self, name: str, fn: Callable[[], Awaitable[Any] | Any]) -> Awaitable[Any]:
        """Return `fn()`, or what it returned when this turn ran before.

        For calls whose effect is outside and must not be repeated: a payment, a question to a
        model. The result (JSON types) is durable when this returns; only a crash between the
        call and that moment repeats it. Steps of one name are told apart by their order.
        """
        return for_async("step", self.effects.step(name, fn))

    def later(self, when: When, what: Any, /, *, key: str | None = None, **data: Any) -> None:
        """Set a timer: at that time a handler is called with `data`, or a reply is said, here.

        `when` is a timedelta, or a datetime or a time of day with its zone; what is past is now.
        `what` is a function that is registered with `@bot.on_timer`, or a reply without files.

        It is set with this turn's commit, and fires once, up to a second late, whatever becomes of
        the process meanwhile: a turn of whoever has set it, in its order here. A person has one
        timer for each `key` in a conversation: to set it again moves it.

        Raises `TypeError` for data that the handler does not take, or lacks; `ValueError` for a
        time without a zone; `StateError` for what cannot be stored, and for a function that is
        registered with nobody.
        """
        self.effects.later(when, what, key, data)

    def every(
        self,
        every: str | timedelta,
        handler: Callable[..., Any],
        /,
        *,
        key: str,
        tz: str | tzinfo | None = None,
        misfire: Misfire = "once",
        **data: Any,
    ) -> None:
        """Set a timer that fires again and again until `cancel`: see `later` and `Interface.every`.

        `turn.every("0 9 * * *", remind, key="daily", tz="Europe/Berlin")`. Raises `ValueError` for
        an expression or a zone that there is not, which a person may have written.
        """
        self.effects.every(schedule(every, tz, misfire), handler, key, data)

    def cancel(self, key: str) -> None:
        """Cancel the person's timer of a key here, if there is one: it does not fire any more.

        Not even if it has fired, and its turn has not come.
        """
        self.effects.cancel(key)

    def timers(self) -> Awaitable[Sequence[Timer]]:
        """Return the person's timers here, the next one first, as they are after this turn."""
        return for_async("timers", self.effects.timers())

    def send(
        self, reply: Any, *, to: Target | None = None, account: str | None = None
    ) -> Awaitable[MessageRef]:
        """Owe a reply (whatever a handler may return), before those that are returned.

        Like them it is sent after the commit, and not at all if the handler raises. It goes `to` a
        chat, to a person in private, or to where a message is (its thread, too): behind what is
        owed there by then. Nobody there is asked; whom the bot may not write to gets nothing, and
        the reply is a dead letter. `account` names that of the bot's accounts which it goes from
        (`"telegram"`, `"telegram:123456"`), if not this one; a schedule has none of its own.

        The reference leads to its first message, sent or not: to be edited (`Reply(edit=...)`) or
        deleted by a later turn, which need not say where it is. Kept in a state it lives for 30
        days. What another edit overtakes, and what changes a message that is gone, is left out.

        Raises `TypeError` for what is no target, `StateError` for a chat of an account that the bot
        does not run on, and `Rejected` if a private chat cannot be opened.
        """
        return for_async("send", self.effects.send(reply, to, account))


def speaker(message: Message) -> User:
    """Return who has sent it. Raises `StateError` if the platform names nobody.

    What expires is told of by chatstate, and may be nobody's: its sender is a `User` without an id.
    """
    if not message.sender.id and message.kind != "expiry":
        what = message.update or f"what is of the kind {message.kind!r}"
        raise StateError(f"{what} names nobody who did it: look at message.raw")
    return message.sender
