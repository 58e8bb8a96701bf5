"""What a person types, to the values a handler takes. Pure functions; a table of types.

1. A type that no text can give is refused at registration; a text that does not fit is told to
   the person, with an example of one that would (`Sentence`).
2. Words are split at white space; a last argument that is a `str` takes the rest of the line.
3. Numbers are finite. Choices, yes and no, and people are known in upper and lower case.
4. What is not given is left out, so that the function's own default holds.
"""

from __future__ import annotations

import enum
import math
import re
import types
import typing
from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any, Literal, NamedTuple

import msgspec

from chatstate.errors import BindingError
from chatstate.files import File
from chatstate.language.sentences import Sentence
from chatstate.messages import CommandOption, Message, OptionKind, User

_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?")
_TRUTH = {
    **dict.fromkeys(("yes", "y", "true", "on", "1"), True),
    **dict.fromkeys(("no", "n", "false", "off", "0"), False),
}
_SHOWN = 40
POSSIBLE = "str, int, float, bool, Literal[...], an Enum, Annotated[User, Arg]"


class Arg:
    """Marks a parameter which a person gives by mention: `who: Annotated[User, Arg]`."""


class Argument(NamedTuple):
    """One parameter that a person fills: its name, how its text is read, whether it must be."""

    name: str
    parse: Callable[[str, Message], Any]
    type: Any
    optional: bool

    @property
    def rest(self) -> bool:
        """Whether it takes the rest of a line."""
        return self.type is str

    @property
    def option(self) -> CommandOption:
        """What to tell a platform of it."""
        kind = "person" if _is_mention(self.type) else _KINDS.get(self.type, "text")
        return CommandOption(self.name, kind, not self.optional, tuple(choices(self.type)))


def argument(name: str, type_: Any, *, optional: bool) -> Argument:
    """Return how a parameter of this type is read.

    Raises `BindingError` for a type that no text can give.
    """
    meant = essence(type_)
    return Argument(name, _parser(name, meant), meant, optional)


def essence(type_: Any) -> Any:
    """Return a type without `| None` and without metadata, save the mark of a mention."""
    origin, parts = typing.get_origin(type_), typing.get_args(type_)
    if origin is Annotated and not _is_mention(type_):
        return essence(parts[0])
    if origin in (typing.Union, types.UnionType):
        inner = [part for part in parts if part is not type(None)]
        if len(inner) == 1:
            return essence(inner[0])
    return type_


def first_file(files: Sequence[File]) -> File:
    """Return the first file of a message. Raises `Sentence` if there is none."""
    if not files:
        raise Sentence("no_file")
    return files[0]


def parse_arguments(
    arguments: Sequence[Argument], text: str, message: Message, usage: str
) -> list[Any]:
    """Return the values of `arguments` from the rest of a command line, split at white space.

    The last argument, if it is a string, takes all that is left. An optional one that is not
    given is left out. Raises `Sentence` if something is missing, too much, or not understood.
    """
    values: list[Any] = []
    rest = text.strip()
    for index, spec in enumerate(arguments):
        last = index == len(arguments) - 1
        if not rest:
            if spec.optional:
                break
            raise Sentence("missing", argument=spec.name, usage=usage)
        word, rest = (rest, "") if last and spec.rest else _first_word(rest)
        try:
            values.append(spec.parse(word, message))
        except Sentence as error:
            raise Sentence("bad_argument", problem=error, usage=usage) from error
    if rest:
        raise Sentence("too_much", text=shorten(rest), usage=usage)
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


LEFT_OUT: Any = object()
"""Stands for an optional argument that was not given, where later ones were."""


def choices(type_: Any) -> list[str]:
    """Return all texts that give a value of this type, if they are few."""
    if typing.get_origin(type_) is Literal:
        return [str(choice) for choice in typing.get_args(type_)]
    if isinstance(type_, type) and issubclass(type_, enum.Enum):
        return [member.name.lower() for member in type_]
    return []


def number(text: str) -> int | float:
    """Return the finite number that `text` is; whole ones stay `int`. Raises `Sentence`."""
    stripped = text.strip()
    if _NUMBER.fullmatch(stripped) and math.isfinite(float(stripped)):
        try:
            return int(stripped)
        except ValueError:
            return float(stripped)
    raise Sentence("not_a_number", text=shorten(stripped))


def json_value(text: str) -> Any:
    """Return the JSON value that `text` is. Raises `Sentence`."""
    try:
        return msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise Sentence("not_json", problem=str(error)) from error


def shorten(text: str) -> str | Sentence:
    """Return `text` in quotes, cut to what a sentence can begin with."""
    if not text:
        return Sentence("empty_message")
    return f"“{text}”" if len(text) <= _SHOWN else f"“{text[: _SHOWN - 1]}…”"


def _first_word(text: str) -> tuple[str, str]:
    word, *rest = text.split(maxsplit=1)
    return word, rest[0] if rest else ""


def _whole(text: str) -> int:
    value = number(text)
    if not isinstance(value, int):
        raise Sentence("not_whole", text=shorten(text.strip()))
    return value


def truth(text: str) -> bool:
    """Return what a yes or a no means. Raises `Sentence`."""
    try:
        return _TRUTH[text.strip().lower()]
    except KeyError:
        raise Sentence("not_yes_or_no", text=shorten(text)) from None


_KINDS: dict[Any, OptionKind] = {int: "whole", float: "number", bool: "truth"}
_PLAIN: dict[Any, Callable[[str], Any]] = {
    str: str,
    int: _whole,
    float: lambda text: float(number(text)),
    bool: truth,
}


def _parser(name: str, type_: Any) -> Callable[[str, Message], Any]:
    if _is_mention(type_):
        return _mentioned
    if typing.get_origin(type_) is Literal:
        return _choice({str(part): part for part in typing.get_args(type_)})
    if isinstance(type_, type) and type_ in _PLAIN:
        plain = _PLAIN[type_]
        return lambda text, _message: plain(text)
    if isinstance(type_, type) and issubclass(type_, enum.Enum):
        return _choice({member.name.lower(): member for member in type_})
    raise BindingError(f"parameter {name!r}: no text can give {type_!r}; possible: {POSSIBLE}")


def _is_mention(type_: Any) -> bool:
    if typing.get_origin(type_) is not Annotated:
        return False
    base, *marks = typing.get_args(type_)
    return base is User and any(mark is Arg or isinstance(mark, Arg) for mark in marks)


def _choice(choices: dict[str, Any]) -> Callable[[str, Message], Any]:
    folded = {text.casefold(): value for text, value in choices.items()}

    def parse(text: str, _message: Message) -> Any:
        try:
            return folded[text.strip().casefold()]
        except KeyError:
            raise Sentence(
                "not_a_choice",
                text=shorten(text.strip()),
                choices=", ".join(choices),
                example=next(iter(choices)),
            ) from None

    return parse


def _mentioned(text: str, message: Message) -> User:
    wanted = text.removeprefix("@").casefold()
    for user in message.mentions:
        if wanted in (user.name.casefold(), user.id.casefold()):
            return user
    raise Sentence("nobody", text=shorten(text))
