"""The arguments of a command: which a function has, and what a line gives them.

1. Words are split at white space, but for what is quoted, and for a duration or a day with its
   time; a last argument that may have spaces takes the rest of the line.
2. What is not given is left out, so that the function's own default holds.
3. A text becomes a value in `reading`; a person is found among those whom the message mentions.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from msgspec.structs import replace

from chatstate.bot.annotations import Arg, Complete, essence, is_mention, marks
from chatstate.bot.reading import POSSIBLE, Reader, reader, shorten
from chatstate.errors import BindingError
from chatstate.files import File
from chatstate.language.sentences import NoHandlerSentence, Sentence
from chatstate.messages import CommandOption, Message, OptionKind, User
from chatstate.words import first_word

ARGUMENTS = f"{POSSIBLE}, Annotated[User, Arg]"
"""What a parameter that a person fills may be annotated with."""
LEFT_OUT: Any = object()
"""Stands for an optional argument that was not given, where later ones were."""
_KINDS: Mapping[Any, OptionKind] = {int: "whole", float: "number", bool: "truth"}


class Argument(NamedTuple):
    """One parameter that a person fills: its name, how its text is read, whether it must be.

    - `reader` is None for a person who is mentioned.
    - `takes_rest`: it takes the rest of a line, if it is the last.
    - `shape` is how its text looks where it may have blanks in it.
    - `description` is what it is; `complete` what offers texts for it while it is typed.
    """

    name: str
    parse: Callable[[str, Message], Any]
    reader: Reader | None
    optional: bool
    takes_rest: bool = False
    shape: re.Pattern[str] | None = None
    description: str = ""
    complete: Callable[..., Any] | None = None

    @property
    def option(self) -> CommandOption:
        """What to tell a platform of it."""
        told = CommandOption(self.name, "person", not self.optional, description=self.description)
        reader = self.reader
        if reader is None:
            return told
        return replace(
            told,
            kind=_KINDS.get(reader.type, "text"),
            choices=tuple(reader.choices),
            least=reader.least,
            most=reader.most,
            completes=self.complete is not None,
        )


def argument(name: str, type_: Any, *, optional: bool) -> Argument:
    """Return how a parameter of this type is read.

    Raises `BindingError` as `reader` does.
    """
    said = next(marks(type_, Arg), Arg())
    if is_mention(essence(type_)):
        return Argument(name, _mentioned, None, optional, description=said.description)
    try:
        found = reader(type_, possible=ARGUMENTS)
    except BindingError as error:
        raise type(error)(f"parameter {name!r}: {error}") from error
    takes_rest = found.type is str or found.is_list or any(map(_spaced, found.choices))
    complete = next((mark.fn for mark in marks(type_, Complete)), None)
    if complete and found.choices:
        raise BindingError(f"parameter {name!r} has choices, which are offered: leave Complete out")
    parse = text_alone(found.read)
    return Argument(
        name, parse, found, optional, takes_rest, found.shape, said.description, complete
    )


def text_alone(read: Callable[[str], Any]) -> Callable[[str, Message], Any]:
    """Return what reads a text and needs nothing else of its message."""

    def parse(text: str, _message: Message) -> Any:
        return read(text)

    return parse


def first_file(files: Sequence[File]) -> File:
    """Return the first file of a message. Raises `Sentence` if there is none."""
    if not files:
        raise Sentence("no_file")
    return files[0]


def parse_arguments(
    arguments: Sequence[Argument], text: str, message: Message, usage: str
) -> list[Any]:
    """Return the values of `arguments` from the rest of a command line.

    The last argument takes all that is left, as it is, if it may have spaces. An optional one that
    is not given is left out. Raises `Sentence` if something is missing, too much, or not
    understood.
    """
    values: list[Any] = []
    rest = text.strip()
    for index, spec in enumerate(arguments):
        if not rest:
            if spec.optional:
                break
            raise Sentence("missing", argument=spec.name, usage=usage)
        if spec.takes_rest and index == len(arguments) - 1:
            word, rest = rest, ""
        else:
            word, rest = first_word(rest, spec.shape)
        try:
            values.append(spec.parse(word, message))
        except Sentence as error:
            raise Sentence("bad_argument", problem=error, usage=usage) from error
    if rest:
        # What takes nothing may be a group of commands for newer code.
        kind = Sentence if arguments else NoHandlerSentence
        raise kind("too_much", text=shorten(rest), usage=usage)
    return values


def given_arguments(
    arguments: Sequence[Argument], given: Mapping[str, str], message: Message, usage: str
) -> list[Any]:
    """Return the values of `arguments` that a platform has asked for each by itself.

    An optional one that is not given is `LEFT_OUT`. Raises `Sentence` as above.
    """
    values: list[Any] = []
    for spec in arguments:
        if spec.name not in given:
            if not spec.optional:
                raise Sentence("missing", argument=spec.name, usage=usage)
            values.append(LEFT_OUT)
            continue
        try:
            values.append(spec.parse(given[spec.name], message))
        except Sentence as error:
            raise Sentence("bad_argument", problem=error, usage=usage) from error
    return values


def _spaced(text: str) -> bool:
    return len(text.split()) > 1


def _mentioned(text: str, message: Message) -> User:
    wanted = text.removeprefix("@").casefold()
    for user in message.mentions:
        if wanted in (user.name.casefold(), user.id.casefold()):
            return user
    raise Sentence("nobody", text=shorten(text))
