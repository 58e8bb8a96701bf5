"""Questions that a handler asks, and how what is answered is read. No I/O.

1. An answer is kept raw, as the person gave it, and read anew in each run: code that came meanwhile
   reads it in its own way, and asks again if it cannot.
2. What does not fit is told as a `UserError`, whose text the person gets with the question.
3. What can be chosen is offered as buttons, and may be typed as well.
"""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import timedelta
from typing import Any, Final, Literal

import msgspec

from chatstate.bot.reading import choice_of, reader, truth, typed
from chatstate.content import Contact, Location
from chatstate.errors import StateError, UserError
from chatstate.files import Attachment, File
from chatstate.language.sentences import Sentence
from chatstate.messages import Message, User
from chatstate.stores.links import Identity

DAY: Final = 24 * 3600.0
LONGEST: Final = 366 * DAY

Fetch = Callable[[Attachment], Awaitable[File]]
"""Fetches a file from the platform. Raises `UserError`, `Rejected`."""
Check = Callable[[Any], Any]
Of = User | Sequence[User] | Literal["admins"]
"""Who is asked."""


class Given(msgspec.Struct, frozen=True, omit_defaults=True):
    """What was answered, as it came. `is_late`: nothing was, for as long as the question waited."""

    text: str = ""
    files: tuple[Attachment, ...] = ()
    location: Location | None = None
    contact: Contact | None = None
    is_late: bool = False

    @classmethod
    def by(cls, message: Message) -> Given:
        """Return what a message answers."""
        return cls(message.text, message.attachments, message.location, message.contact)


class Question(msgspec.Struct, frozen=True):
    """One `turn.ask`: what is said, under which key, and what answers it.

    - `choices` are values by the texts on their buttons; None if anything may be said. `confirms`:
      it is a yes or a no, in the words of the person's language. `reads` reads an answer in a way
      of its own.
    - `of` are the people who are asked, or "admins"; None is who speaks. An `Identity` is asked
      where they are, maybe on another platform.
    - `default` is the answer of who says nothing for `timeout` seconds; `...` if that ends the
      dialogue.
    """

    key: str
    said: Any
    type: Any = str
    choices: Mapping[str, Any] | None = None
    check: Check | None = None
    timeout: float = DAY
    default: Any = ...
    confirms: bool = False
    of: Sequence[User | Identity] | Literal["admins"] | None = None
    reads: Callable[[Given, Fetch], Awaitable[Any]] | None = None

    async def read(self, given: Given, fetch: Fetch, words: Mapping[str, str]) -> Any:
        """Return the answer. `words` are the sentences of the person's language.

        Raises `UserError` for one that does not fit, and what `fetch` raises.
        """
        value = await self._value(given, fetch, words)
        if self.check:
            verdict = self.check(value)
            if inspect.isawaitable(verdict):
                verdict = await verdict
            if isinstance(verdict, str):
                raise UserError(verdict)
            if not verdict:
                raise Sentence("not_accepted")
        return value

    async def _value(self, given: Given, fetch: Fetch, words: Mapping[str, str]) -> Any:
        if self.reads:
            return await self.reads(given, fetch)
        if self.confirms:
            return _truth(given.text, words)
        if self.choices is not None:
            return choice_of(self.choices)(given.text)
        if self.type in (Location, Contact):
            return _shared(given, self.type)
        if self.type in (File, list[File]):
            return await _fetched(given, self.type, fetch)
        value = _reader(self.type)(given.text)
        if not given.text.strip():
            raise Sentence("no_text")
        return value


def question(
    said: Any,
    key: str,
    type_: Any,
    choices: Sequence[Any] | Mapping[str, Any] | None,
    check: Check | None,
    timeout: float | timedelta | None,
    default: Any,
    of: Of | None,
    *,
    confirms: bool = False,
) -> Question:
    """Return what `turn.ask` was given. Raises `StateError`, `BindingError` for what makes none."""
    told: Any = key
    if not isinstance(told, str) or not told:
        raise StateError(f"turn.ask: key={key!r}; a question's answer is kept under its key: a str")
    if choices is None and not confirms and type_ not in (Location, Contact, File, list[File]):
        _reader(type_)
    asked = _people(of, key)
    seconds = _seconds(timeout, key)
    offered = _choices(choices, key)
    return Question(key, said, type_, offered, check, seconds, default, confirms, asked)


def _people(of: Of | None, key: str) -> Sequence[User] | Literal["admins"] | None:
    if of is None or (isinstance(of, str) and of == "admins"):
        return of
    people: Any = [of] if isinstance(of, User) else of
    if isinstance(people, str) or not people or not all(isinstance(p, User) for p in people):
        raise StateError(f'turn.ask {key!r}: of={of!r}; use a User, some of them, or "admins"')
    return tuple(people)


def _reader(type_: Any) -> Callable[[str], Any]:
    return reader(type_).read


def _seconds(timeout: float | timedelta | None, key: str) -> float:
    if timeout is None:
        return DAY
    seconds = timeout.total_seconds() if isinstance(timeout, timedelta) else float(timeout)
    if not 0 < seconds <= LONGEST:
        raise StateError(
            f"turn.ask {key!r}: timeout={timeout!r}; use seconds above 0, a year at most"
        )
    return seconds


def _choices(given: Sequence[Any] | Mapping[str, Any] | None, key: str) -> Mapping[str, Any] | None:
    if given is None:
        return None
    labelled = given if isinstance(given, Mapping) else None
    offered = {_label(choice): choice for choice in given} if labelled is None else labelled
    if not offered or len(offered) < len(given):
        raise StateError(
            f"turn.ask {key!r}: choices={given!r}; use one or more, none of them twice"
        )
    return offered


def _label(choice: Any) -> str:
    told = typed(choice)
    return str(choice) if told is None else told


def _truth(text: str, words: Mapping[str, str]) -> bool:
    said = text.strip().casefold()
    if said in (words["yes"].casefold(), words["no"].casefold()):
        return said == words["yes"].casefold()
    return truth(text)


def _shared(given: Given, type_: Any) -> Location | Contact:
    shared = given.location if type_ is Location else given.contact
    if shared is None:
        raise Sentence("no_location" if type_ is Location else "no_contact")
    return shared


async def _fetched(given: Given, type_: Any, fetch: Fetch) -> File | list[File]:
    if not given.files:
        raise Sentence("no_file")
    if type_ is File:
        return await fetch(given.files[0])
    return [await fetch(file) for file in given.files]
