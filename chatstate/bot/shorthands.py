"""The shorthands of Gradio: how each input is read, and how each output is shown.

1. An input is read from one message of a person; what cannot be read is a `Sentence` to them.
2. An output shows one value of a handler; what it cannot show is a `ReplyError` to the author.
3. Both are named in one table each; `state` and `State(...)` are no shorthands but states.
"""

from __future__ import annotations

import inspect
import math
import numbers
import os
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple, cast

import msgspec

from chatstate.bot.annotations import essence, members
from chatstate.bot.reading import Reader, bounded, json_reader, number, reader, truth
from chatstate.bot.returns import Answers, Returns, file_of, fitted, is_reply, kind_of, replies
from chatstate.errors import BindingError, ReplyError
from chatstate.files import File
from chatstate.language.sentences import Sentence
from chatstate.replies import Reply, plain

Output = Callable[[Any, Returns], Answers]
"""Shows a value that a handler returned."""


class Input(NamedTuple):
    """One input: whether it is a file, and how its text or its file is read.

    `read` raises `Sentence` if that cannot be. `choices` are all texts that can, if they are few.
    """

    is_file: bool
    read: Callable[[Any], Any]
    choices: Sequence[str] = ()


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
    if type_ in (Any, object) or str in members(type_):
        return lambda file: os.fspath(file.path or "")
    raise BindingError(
        f"a file is no {type_!r}; possible: str (its path), Path, bytes, File, PIL.Image.Image"
    )


_TEXTS: Mapping[str, Reader] = {
    "text": Reader(str, str),
    "textbox": Reader(str, str),
    "number": Reader(float, number),
    "checkbox": Reader(bool, truth),
}
_FAMILIES: Mapping[str, str] = {"file": "", "image": "image/", "audio": "audio/"}
INPUTS = (*_TEXTS, "json", *_FAMILIES)


def input_of(name: Any, type_: Any) -> Input:
    """Return the input of that name, for a parameter annotated with `type_`.

    Raises `BindingError` if there is none, or if it gives no such type.
    """
    if not isinstance(name, str):
        raise BindingError(f"{name!r} is no input; inputs are named, or a State(...)")
    if name in _TEXTS or name == "json":
        found = json_reader(type_) if name == "json" else _text_reader(name, type_)
        return Input(is_file=False, read=found.read, choices=found.offered)
    if name in _FAMILIES:
        return Input(is_file=True, read=_of_type(_FAMILIES[name], _as(essence(type_))))
    raise BindingError(f"{name!r} is no input; possible: {', '.join(INPUTS)}, state, State(...)")


def _text_reader(name: str, type_: Any) -> Reader:
    """Return how a text is read: as its input says where the annotation admits that, else as it."""
    plain = _TEXTS[name]
    meant = essence(type_)
    if meant in (Any, object) or plain.type in members(meant):
        return bounded(plain, type_)
    found = reader(type_)
    if plain.type is str or (plain.type is float and _is_number(found)):
        return found
    raise BindingError(f'input "{name}" gives no {type_!r}')


def _is_number(found: Reader) -> bool:
    numbers = [isinstance(value, int) for value in found.choices.values()]
    return found.type in (int, Decimal) or (bool(numbers) and all(numbers))


def _text(value: Any, returns: Returns) -> Answers:
    """Show what is a reply as that, and anything else as Python would."""
    if type(value) is str and not returns.markdown:
        return [plain(value)]
    if is_reply(value) or inspect.isawaitable(value):
        return replies(value, returns)
    return [Reply(returns.text(str(value)))]


def _markdown(value: Any, returns: Returns) -> Answers:
    return _text(value, msgspec.structs.replace(returns, markdown=True))


def _number(value: Any, _returns: Returns) -> Answers:
    if value is None:
        return []
    is_real = isinstance(value, numbers.Real | Decimal)
    if isinstance(value, numbers.Rational) or (is_real and math.isfinite(value)):
        return [Reply(str(value))]
    raise ReplyError(f'output "number" takes a finite number, not {value!r}')


def _truth(value: Any, _returns: Returns) -> Answers:
    if not isinstance(value, bool):
        raise ReplyError(f'output "checkbox" takes a bool, not {kind_of(value)}')
    return [Reply("yes" if value else "no")]


def _json(value: Any, _returns: Returns) -> Answers:
    try:
        return [Reply(msgspec.json.format(msgspec.json.encode(value), indent=2).decode())]
    except (TypeError, ValueError, RecursionError) as error:
        raise ReplyError(f'output "json" cannot show {kind_of(value)}: {error}') from error


def _files(value: Any, returns: Returns) -> Answers:
    if value is None:
        return []
    files = cast("list[Any]", value) if isinstance(value, list) else [value]
    return [fitted("", [file_of(file, returns) for file in files], ())]


OUTPUTS: Mapping[str, Output] = {
    "text": _text,
    "textbox": _text,
    "markdown": _markdown,
    "number": _number,
    "checkbox": _truth,
    "json": _json,
    "file": _files,
    "image": _files,
    "audio": _files,
}


def output(name: Any) -> Output:
    """Return how the output of that name shows a value. Raises `BindingError` if there is none."""
    try:
        return OUTPUTS[name]
    except (KeyError, TypeError):
        raise BindingError(
            f"{name!r} is no output; possible: {', '.join(OUTPUTS)}, state, State(...)"
        ) from None
