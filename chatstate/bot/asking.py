"""How a handler asks: `turn.ask`, `turn.confirm`.

1. What is wrong with a question is told where it is asked, before anything waits.
2. Type checkers know what an answer is: of the type, or among the choices, that the question has.
"""

from __future__ import annotations

from collections.abc import Awaitable, Mapping, Sequence
from datetime import timedelta
from typing import Any, TypeVar, overload

from chatstate.bot.effects import Effects, for_async
from chatstate.bot.questions import Check, Of
from chatstate.bot.questions import question as question_of

T = TypeVar("T")


class Asking:
    """What asks, of a `Turn`."""

    __slots__ = ()

    effects: Effects

    @overload
    def ask(
        self,
        question: Any,
        *,
        key: str,
        check: Check | None = None,
        of: Of | None = None,
        timeout: float | timedelta | None = None,
        default: Any = ...,
    ) -> Awaitable[str]: ...
    @overload
    def ask(
        self,
        question: Any,
        *,
        key: str,
        type: type[T],
        check: Check | None = None,
        of: Of | None = None,
        timeout: float | timedelta | None = None,
        default: Any = ...,
    ) -> Awaitable[T]: ...
    @overload
    def ask(
        self,
        question: Any,
        *,
        key: str,
        choices: Mapping[str, T] | Sequence[T],
        check: Check | None = None,
        of: Of | None = None,
        timeout: float | timedelta | None = None,
        default: Any = ...,
    ) -> Awaitable[T]: ...
    @overload
    def ask(
        self,
        question: Any,
        *,
        key: str,
        type: Any,
        choices: Sequence[Any] | Mapping[str, Any] | None = None,
        check: Check | None = None,
        of: Of | None = None,
        timeout: float | timedelta | None = None,
        default: Any = ...,
    ) -> Awaitable[Any]: ...
    def ask(
        self,
        question: Any,
        *,
        key: str,
        type: Any = str,
        choices: Sequence[Any] | Mapping[str, Any] | None = None,
        check: Check | None = None,
        of: Of | None = None,
        timeout: float | timedelta | None = None,
        default: Any = ...,
    ) -> Awaitable[Any]:
        """Ask the person something, and return what is answered, however long that takes.

        The handler is put aside, and runs again from the top with each answer: questions that are
        answered return at once. So change state after the last of them, and give each call another
        `key`, under which its answer is kept. `message`, `text` and `files` are always those that
        the dialogue began with; see `answer`, `now` and `random`.

        - `type`: what a command's argument can be, or `File`, `list[File]`, `Location`, `Contact`.
        - `choices` are offered as buttons: a list, or values by what stands on the buttons.
        - `check` gets the value, and returns True, or what to tell the person, who is asked again.
        - `of`: who is asked in the person's place: a `User`, several of whom the first who answers
          counts, or the "admins" of the group. In a group they see the question there, else each in
          private; nobody else can answer it, and what was answered is shown on it. To `choices`
          they press a button. Who cannot be reached does not answer.
        - `timeout`: after so many seconds (by default a day) the answer is `default`; without one
          the dialogue is over.

        Raises `StateError` for a key used twice, for what was changed before, and where nothing can
        wait: in middleware, in a generator, in a task that the handler has begun.
        """
        asked = question_of(question, key, type, choices, check, timeout, default, of)
        return for_async("ask", self.effects.ask(asked))

    def confirm(
        self,
        question: Any,
        *,
        key: str,
        of: Of | None = None,
        timeout: float | timedelta | None = None,
        default: bool = False,
    ) -> Awaitable[bool]:
        """Ask for a yes or a no, and return which it is; see `ask`."""
        asked = question_of(question, key, bool, None, None, timeout, default, of, confirms=True)
        return for_async("confirm", self.effects.ask(asked))
