"""A text of a person, to the value that an annotation stands for: the same wherever it is read.

1. Every way in reads with the `Reader` of the annotation: a command's argument, a message, an input
   by position, a form, a setting, a platform's option, what a button sends.
2. A type that no text can give is refused at registration; a text that does not fit is told to
   the person, with an example of what would (`Sentence`).
3. Numbers are finite. Choices, and yes and no, are known in upper and lower case.
4. Bounds are those of `msgspec.Meta`, wherever around the type they stand.
5. What a list has in it is read as if it were alone.
"""

from __future__ import annotations

import enum
import math
import operator
import re
import typing
from collections.abc import Callable, Iterator, Mapping, Sized
from datetime import timedelta
from decimal import Decimal
from typing import Annotated, Any, Literal, NamedTuple

import msgspec

from chatstate.bot.annotations import bounds, essence, named
from chatstate.bot.moments import MOMENTS, Written, spelled
from chatstate.errors import BindingError
from chatstate.language.sentences import Sentence
from chatstate.state.codec import from_builtin
from chatstate.words import items, unquoted

POSSIBLE = (
    "str, int, float, Decimal, bool, date, time, datetime, timedelta, Literal[...], an Enum, "
    "a list of these"
)
_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?")
_TRUTH = {
    **dict.fromkeys(("yes", "y", "true", "on", "1"), True),
    **dict.fromkeys(("no", "n", "false", "off", "0"), False),
}
_SHOWN = 40


class Reader(NamedTuple):
    """How a text is read, and as what.

    - `read` raises `Sentence` for a text that does not fit.
    - `choices` are the values by the texts that give them, if these are few.
    - `least` and `most` are the bounds of a number.
    - `shape` is how its text looks where it may have blanks in it.
    """

    type: Any
    read: Callable[[str], Any]
    choices: Mapping[str, Any] = {}
    least: float | None = None
    most: float | None = None
    shape: re.Pattern[str] | None = None

    @property
    def is_list(self) -> bool:
        """Whether it is a list of values."""
        return typing.get_origin(self.type) is list

    @property
    def offered(self) -> tuple[str, ...]:
        """The texts to offer where a person may choose."""
        return ("yes", "no") if self.type is bool else tuple(self.choices)


class UnreadableError(BindingError):
    """No text can give a value of a type. The text says which types can be given."""


def reader(type_: Any, *, possible: str = POSSIBLE) -> Reader:
    """Return how a value of this type is read.

    Raises `UnreadableError`, which names what is `possible`, and `BindingError` for choices or
    bounds that make no sense.
    """
    meant = essence(type_)
    if choices := _choices(meant):
        return bounded(Reader(meant, choice_of(choices), choices), type_)
    if typing.get_origin(meant) is list:
        return bounded(_list(meant, possible), type_)
    if isinstance(meant, type) and meant in MOMENTS:
        return bounded(_of_time(meant, MOMENTS[meant]), type_)
    if isinstance(meant, type) and meant in _PLAIN:
        return bounded(Reader(meant, _PLAIN[meant]), type_)
    raise UnreadableError(f"no text can give {type_!r}; possible: {possible}")


def json_reader(type_: Any) -> Reader:
    """Return how a value of this type is read from JSON. Raises `BindingError` if none can be."""
    try:
        decoder = msgspec.json.Decoder(type_, dec_hook=from_builtin)
    except (TypeError, NameError) as error:
        raise BindingError(f"no JSON can give {type_!r}: {error}") from error

    def read(text: str) -> Any:
        try:
            return decoder.decode(text)
        except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
            raise Sentence("not_json", problem=str(error)) from error

    return Reader(type_, read)


# Bounds


class _Rule(NamedTuple):
    """What to tell a person whose value does not fit a bound, and how that is known."""

    sentence: str
    fits: Callable[[Any, Any], bool]


def _is_multiple(value: Any, step: float) -> bool:
    return bool(value % (Decimal(str(step)) if isinstance(value, Decimal) else step) == 0)


def _is_long_enough(value: Sized, count: int) -> bool:
    return len(value) >= count


def _is_short_enough(value: Sized, count: int) -> bool:
    return len(value) <= count


def _is_like(value: str, pattern: str) -> bool:
    return re.search(pattern, value) is not None


_RULES: Mapping[str, _Rule] = {
    "ge": _Rule("too_small", operator.ge),
    "gt": _Rule("not_above", operator.gt),
    "le": _Rule("too_large", operator.le),
    "lt": _Rule("not_below", operator.lt),
    "multiple_of": _Rule("no_multiple", _is_multiple),
    "min_length": _Rule("too_short", _is_long_enough),
    "max_length": _Rule("too_long", _is_short_enough),
    "pattern": _Rule("unlike", _is_like),
}
_RULES_OF_LISTS: Mapping[str, _Rule] = {
    **_RULES,
    "min_length": _Rule("too_few", _is_long_enough),
    "max_length": _Rule("too_many", _is_short_enough),
}


def bounded(plain: Reader, type_: Any) -> Reader:
    """Return a reader that holds what `plain` reads to the bounds around `type_`.

    Raises `BindingError` for bounds that such values cannot have.
    """
    metas = list(bounds(type_))
    limits = {name: limit for meta in metas for name, limit in _limits(meta)}
    if not metas:
        return plain
    try:
        msgspec.json.Decoder(Annotated[(float, *metas)] if plain.type is Decimal else type_)
    except (TypeError, ValueError) as error:
        raise BindingError(f"{type_!r} makes no sense: {error}") from error
    if any(meta.tz for meta in metas):
        raise BindingError(f"{type_!r} makes no sense: a person writes no time zone")
    known = _RULES_OF_LISTS if plain.is_list else _RULES
    rules = [(known[name], *limit) for name, limit in limits.items()]

    def read(text: str) -> Any:
        value = plain.read(text)
        for rule, limit, shown in rules:
            if not rule.fits(value, limit):
                raise Sentence(rule.sentence, text=shorten(text.strip()), limit=shown)
        return value

    step = 1 if plain.type is int else 0
    least = _edge(limits, "ge", "gt", step)
    return plain._replace(read=read, least=least, most=_edge(limits, "le", "lt", -step))


def _limits(meta: msgspec.Meta) -> Iterator[tuple[str, tuple[Any, Any]]]:
    """Yield each limit that is told, by its name, and how a person is shown it."""
    like = (meta.examples or [meta.description or meta.pattern])[0]
    for name in _RULES:
        limit = getattr(meta, name)
        if limit is not None:
            yield name, (limit, like if name == "pattern" else limit)


def _edge(limits: Mapping[str, tuple[Any, Any]], name: str, beyond: str, step: int) -> Any:
    """Return the last number that is possible, as far as a platform can be told; else None."""
    limit, _ = limits.get(name, (None, None))
    edge, _ = limits.get(beyond, (None, None))
    return limit if edge is None else edge + step


# What a text says


def number(text: str) -> int | float:
    """Return the finite number that `text` is; whole ones stay `int`. Raises `Sentence`."""
    stripped = text.strip()
    if _NUMBER.fullmatch(stripped) and math.isfinite(float(stripped)):
        try:
            return int(stripped)
        except ValueError:
            return float(stripped)
    raise Sentence("not_a_number", text=shorten(stripped))


def _decimal(text: str) -> Decimal:
    number(text)
    return Decimal(text.strip())


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


_PLAIN: Mapping[Any, Callable[[str], Any]] = {
    str: str,
    int: _whole,
    float: lambda text: float(number(text)),
    Decimal: _decimal,
    bool: truth,
}


def _of_time(type_: type[Any], kind: Written) -> Reader:
    def read(text: str) -> Any:
        said = text.strip()
        try:
            return kind.read(said)
        except (ValueError, OverflowError):
            raise Sentence(kind.sentence, text=shorten(said)) from None

    return Reader(type_, read, shape=kind.shape)


def _list(meant: Any, possible: str) -> Reader:
    (type_,) = typing.get_args(meant)
    element = reader(type_, possible=possible)
    if element.is_list:
        raise UnreadableError(f"no text can give {named(meant)}; possible: {possible}")

    def read(text: str) -> list[Any]:
        return [element.read(item) for item in items(text, element.shape)]

    return Reader(meant, read)


def _choices(meant: Any) -> Mapping[str, Any]:
    """Return the values of a `Literal` or an `Enum`, by the texts that give them."""
    if typing.get_origin(meant) is Literal:
        named = [(str(value), value) for value in typing.get_args(meant) if value is not None]
    elif isinstance(meant, type) and issubclass(meant, enum.Enum):
        named = [(member.name.lower(), member) for member in meant]
    else:
        return {}
    choices = dict(named)
    if len(choices) < len(named):
        raise BindingError(f"two choices of {meant!r} are written alike")
    return choices


def choice_of(choices: Mapping[str, Any]) -> Callable[[str], Any]:
    """Return what reads one of the choices, by the texts that give them. It raises `Sentence`."""
    folded = {text.casefold(): value for text, value in choices.items()}

    def read(text: str) -> Any:
        said = unquoted(text.strip())
        for known, written in ((choices, said), (folded, said.casefold())):
            if written in known:
                return known[written]
        raise Sentence(
            "not_a_choice",
            text=shorten(said),
            choices=", ".join(choices),
            example=next(iter(choices)),
        )

    return read


def typed(value: Any) -> str | None:
    """Return a value as a person types it; None for one of a type that no text can give."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, enum.Enum):
        return value.name.lower()
    if isinstance(value, timedelta):
        return spelled(value)
    return str(value) if isinstance(value, (*_PLAIN, *MOMENTS)) else None


def shorten(text: str) -> str | Sentence:
    """Return `text` in quotes, cut to what a sentence can begin with."""
    if not text:
        return Sentence("empty_message")
    return f"“{text}”" if len(text) <= _SHOWN else f"“{text[: _SHOWN - 1]}…”"
