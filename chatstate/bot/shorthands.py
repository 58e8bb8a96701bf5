"""The input shorthands of Gradio: how each is read from what a person sends."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from chatstate.bot.arguments import essence, json_value, number, truth
from chatstate.errors import BindingError
from chatstate.files import File
from chatstate.language.sentences import Sentence


class Input(NamedTuple):
    """One input: whether it is a file, and how its text or its file is read.

    `read` raises `Sentence` if that cannot be.
    """

    is_file: bool
    read: Callable[[Any], Any]


def _of_type(family: str, read: Callable[[File], Any]) -> Callable[[File], Any]:
    def checked(file: File) -> Any:
        if not file.media_type.startswith(family):
            raise Sentence("wrong_file", file=file.name, wanted=family.rstrip("/"))
        return read(file)

    return checked


def _picture(file: File) -> Any:
    from PIL import Image

    try:
        picture = Image.open(os.fspath(file.path or ""))
        picture.load()
    except (OSError, Image.DecompressionBombError) as error:
        raise Sentence("wrong_file", file=file.name, wanted="image") from error
    return picture


def _as(type_: Any) -> Callable[[File], Any]:
    """Return how a file is given to a parameter of this type: as its path, unless it says."""
    if type_ is File:
        return lambda file: file
    if type_ is Path:
        return lambda file: file.path
    if type_ is bytes:
        return File.read
    if getattr(type_, "__module__", "").startswith("PIL."):
        return _picture
    return lambda file: os.fspath(file.path or "")


_TEXTS: Mapping[str, Callable[[str], Any]] = {
    "text": str,
    "textbox": str,
    "number": number,
    "checkbox": truth,
    "json": json_value,
}
_FAMILIES: Mapping[str, str] = {"file": "", "image": "image/", "audio": "audio/"}
INPUTS = (*_TEXTS, *_FAMILIES)


def input_of(name: Any, type_: Any) -> Input:
    """Return the input of that name, for a parameter annotated with `type_`.

    Raises `BindingError` if there is none.
    """
    if not isinstance(name, str):
        raise BindingError(f"{name!r} is no input; inputs are named, or a State(...)")
    if name in _TEXTS:
        return Input(is_file=False, read=_TEXTS[name])
    if name in _FAMILIES:
        return Input(is_file=True, read=_of_type(_FAMILIES[name], _as(essence(type_))))
    raise BindingError(f"{name!r} is no input; possible: {', '.join(INPUTS)}, state, State(...)")
