"""Which messages a handler gets that does not get all: filters of `@bot.on_message`. No I/O.

1. A filter is asked of each message that may be the handler's, also of those that wait: what
   decides is a plain function of the message, asked at once.
2. All that it says must hold: the text, the kind, the function.
3. What named groups of the pattern have found is read as a command's arguments are.
"""

from __future__ import annotations

import functools
import re
import typing
from collections.abc import Callable, Iterable, Sequence
from types import SimpleNamespace
from typing import Any, Literal, NamedTuple

from chatstate.bot.arguments import LEFT_OUT, Argument
from chatstate.bot.functions import BoundFunction, condition
from chatstate.errors import BindingError
from chatstate.files import Attachment
from chatstate.messages import Message

Content = Literal[
    "text",
    "photo",
    "video",
    "audio",
    "voice",
    "document",
    "location",
    "contact",
    "poll",
    "sticker",
]
"""What is in a message: words alone, files of a kind, or shared. A document is any other file."""
_SHARED: tuple[Content, ...] = ("location", "contact", "poll", "sticker")
_FAMILIES: dict[str, Content] = {"image": "photo", "video": "video", "audio": "audio"}


class Filter(NamedTuple):
    """What a message must have in it: of these, whatever is given.

    - `pattern` is searched for in the text.
    - `kinds`: it is one of these.
    - `where` says yes.
    """

    pattern: re.Pattern[str] | None = None
    kinds: frozenset[Content] = frozenset()
    where: BoundFunction | None = None

    def fits(self, message: Message) -> bool:
        """Tell whether a message passes. Raises what `where` raises."""
        if self.pattern and not self.pattern.search(message.text):
            return False
        if self.kinds and self.kinds.isdisjoint(contents(message)):
            return False
        if self.where:
            given = self.where.arguments(SimpleNamespace(message=message))
            return bool(self.where.fn(**given))
        return True


def contents(message: Message) -> Iterable[Content]:
    """Return what is in a message."""
    found: set[Content] = {kind for kind in _SHARED if getattr(message, kind) is not None}
    found.update(map(_content, message.attachments))
    return found or {"text"}


def _content(file: Attachment) -> Content:
    if file.is_voice:
        return "voice"
    return _FAMILIES.get(file.media_type.partition("/")[0], "document")


def filter_of(
    text: str | re.Pattern[str] | None,
    kind: Content | Sequence[Content] | None,
    where: Callable[..., Any] | None,
) -> Filter | None:
    """Return the filter that an author writes, None if it lets all pass. Raises `BindingError`."""
    if text is None and kind is None and where is None:
        return None
    bound = None if where is None else condition(where)
    return Filter(_pattern(text), _kinds(kind), bound)


def _pattern(given: str | re.Pattern[str] | None) -> re.Pattern[str] | None:
    if given is None or isinstance(given, re.Pattern):
        return given
    if not isinstance(given, str):
        raise BindingError(f"text={given!r}: use a regular expression, as a str or compiled")
    try:
        return re.compile(given)
    except re.error as error:
        raise BindingError(f"text={given!r} is no regular expression: {error}") from error


def _kinds(given: Any) -> frozenset[Content]:
    kinds: Sequence[Any] = [given] if isinstance(given, str) else (given or ())
    possible = typing.get_args(Content)
    if given is not None and not (kinds and all(kind in possible for kind in kinds)):
        raise BindingError(f"kind={given!r}: use one of {', '.join(possible)}, or a list of some")
    return frozenset(kinds)


def reading_of(wanted: Filter | None) -> dict[str, Any]:
    """Return how a handler gets arguments from what its filter finds, as its keywords."""
    pattern = wanted.pattern if wanted else None
    if pattern is None:
        return {}
    return {
        "groups": tuple(pattern.groupindex),
        "reads": functools.partial(found_arguments, pattern),
    }


def found_arguments(
    pattern: re.Pattern[str], arguments: Sequence[Argument], message: Message, _usage: str
) -> list[Any]:
    """Return the values of those arguments that named groups of a pattern give.

    Of a group that has found nothing it is `LEFT_OUT`. Raises `Sentence` for one that cannot be
    read.
    """
    found = pattern.search(message.text)
    texts = found.groupdict() if found else {}
    return [
        LEFT_OUT if texts.get(spec.name) is None else spec.parse(texts[spec.name], message)
        for spec in arguments
    ]
