"""`Kind`: one kind of input, of output, or of both. No I/O.

1. `read` gets what somebody said, its files fetched, and raises `UserError` for what does not fit:
   its text is told to the person.
2. `show` returns whatever a handler may return.
3. What can be chosen is offered as buttons where it is asked for, and may be typed as well. A kind
   with choices, or with bounds, reads by itself.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from operator import attrgetter
from typing import Annotated, Any, Literal

import msgspec

from chatstate.bot.reading import Reader, bounded, choice_of, number
from chatstate.errors import BindingError
from chatstate.files import File
from chatstate.language.sentences import Sentence
from chatstate.words import items

Takes = Literal["text", "file", "files", "both"]


class Said(msgspec.Struct, frozen=True):
    """What somebody said or sent for an input: a text, and files that lie at paths by now."""

    text: str = ""
    files: Sequence[File] = ()


text_of: Callable[[Said], str] = attrgetter("text")
"""Reads the text as it is."""


class Kind(msgspec.Struct, frozen=True, kw_only=True):
    """How a value is read from what a person says or sends, and how it is shown.

    It stands in `inputs=` or `outputs=` in place of a name such as `"number"`.

    - `read` makes a value of what was `Said`, and raises `UserError` for what does not fit.
    - `show` makes of a value what a handler may return: a text, `Markdown`, a `Reply`, a `File`, a
      list of these. Without it a value is shown as `"text"` shows it.
    - `choices` are all that can be chosen: texts, or values by the texts that stand for them. A
      form offers them as buttons. With `several` more than one can be typed, with commas between.
    - `least` and `most` are the bounds of a number.
    - `takes` says what is read: a "text", one "file", all "files" of a message, or "both" text and
      files.
    - `label` is what it is called where it is asked for; else the parameter's name is.

    Without `read` it is one of the `choices`, a number within the bounds, or else the text. Raises
    `BindingError` for choices and bounds that make no sense.
    """

    read: Callable[[Said], Any] = text_of
    show: Callable[[Any], Any] | None = None
    choices: Mapping[str, Any] | Sequence[str] = ()
    several: bool = False
    least: float | None = None
    most: float | None = None
    takes: Takes = "text"
    label: str = ""

    @classmethod
    def named(cls, name: str, type_: Any = Any) -> Kind:
        """Return the kind that has a name in `inputs=` or `outputs=`, to make another one of.

        It reads for a parameter that is annotated with `type_`. Raises `BindingError`.
        """
        from chatstate.bot.kinds.names import named

        return named(name, type_)

    def __post_init__(self) -> None:
        if self.takes not in ("text", "file", "files", "both"):
            raise BindingError(f'takes={self.takes!r}: use "text", "file", "files" or "both"')
        if self.read is text_of and (own := self._own_reading()):
            msgspec.structs.force_setattr(self, "read", own)

    def _own_reading(self) -> Callable[[Said], Any] | None:
        if self.choices:
            read = choice_of(self._values())
            return several_of(read) if self.several else by_text(read)
        if self.several:
            raise BindingError("several=True: of which choices? Give choices=")
        if self.least is not None or self.most is not None:
            return _within(self.least, self.most)
        return None

    def _values(self) -> Mapping[str, Any]:
        if isinstance(self.choices, Mapping):
            return self.choices
        if isinstance(self.choices, str):
            raise BindingError(f"choices={self.choices!r}: use a list of texts, or a dict")
        return {text: text for text in self.choices}

    @property
    def wants_files(self) -> bool:
        """Whether files of a message are read."""
        return self.takes != "text"

    def heard(self, text: str, files: Sequence[File]) -> Any:
        """Return the value of a message. Raises `UserError`, also if the file is missing."""
        if self.takes in ("file", "files") and not files:
            raise Sentence("no_file")
        return self.read(Said(text, files[:1] if self.takes == "file" else files))


def by_text(read: Callable[[str], Any]) -> Callable[[Said], Any]:
    """Return what reads the text of what was said."""
    return lambda said: read(said.text)


def several_of(read: Callable[[str], Any]) -> Callable[[Said], list[Any]]:
    """Return what reads several choices, with commas or blanks between them."""

    def read_all(said: Said) -> list[Any]:
        try:
            return [read(said.text)]  # what has a comma in it may be one choice
        except Sentence:
            return [read(item) for item in items(said.text)]

    return read_all


def _within(least: float | None, most: float | None) -> Callable[[Said], Any]:
    edges = (-math.inf if least is None else least, math.inf if most is None else most)
    if not edges[0] <= edges[1]:
        raise BindingError(f"least={least!r}, most={most!r}: nothing is within these bounds")
    type_ = Annotated[float, msgspec.Meta(ge=least, le=most)]
    return by_text(bounded(Reader(float, number), type_).read)


def refuse_other_media(file: File, family: str) -> None:
    """Raise `Sentence` for a file of another kind than `image/`, say."""
    if not file.media_type.startswith(family):
        raise Sentence("wrong_file", file=file.name, wanted=family.rstrip("/"))
