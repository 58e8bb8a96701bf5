"""What kinds are called in `inputs=` and `outputs=`: the shorthands of Gradio, in two tables.

1. An input is read as its name says where the annotation of the parameter admits that, else as it.
2. `state` and `State(...)` are no kinds but states.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from msgspec.structs import replace

from chatstate.bot.annotations import essence, members
from chatstate.bot.kinds.choosing import choice_kind, choices_kind, slider_type
from chatstate.bot.kinds.kind import Kind, by_text, text_of
from chatstate.bot.kinds.media import (
    FAMILIES,
    as_files,
    as_gallery,
    as_plot,
    file_kind,
    gallery_kind,
)
from chatstate.bot.kinds.tables import as_table, table_kind
from chatstate.bot.kinds.texts import (
    as_choice,
    as_code,
    as_highlighted,
    as_html,
    as_json,
    as_label,
    as_markdown,
    as_number,
    as_said,
    as_truth,
    code_in,
)
from chatstate.bot.reading import Reader, bounded, json_reader, number, reader, truth
from chatstate.bot.returns import Answers, Returns, is_reply, replies
from chatstate.errors import BindingError
from chatstate.replies import Reply, plain

Output = Callable[[Any, Returns], Answers]
"""Makes replies of a value that a handler returned."""

_PLAIN: Mapping[str, Reader] = {
    "text": Reader(str, str),
    "textbox": Reader(str, str),
    "number": Reader(float, number),
    "checkbox": Reader(bool, truth),
}


def _plain(name: str, type_: Any) -> Kind:
    return _kind_of(_text_reader(name, type_))


def _json(_name: str, type_: Any) -> Kind:
    return _kind_of(json_reader(type_))


def _slider(_name: str, type_: Any) -> Kind:
    return _kind_of(_text_reader("number", slider_type(type_)))


def _code(_name: str, type_: Any) -> Kind:
    read = _text_reader("text", type_).read
    return Kind(read=lambda said: read(code_in(said.text)))


INPUTS: Mapping[str, Callable[[str, Any], Kind]] = {
    **dict.fromkeys(_PLAIN, _plain),
    "json": _json,
    "slider": _slider,
    "code": _code,
    **dict.fromkeys(("dropdown", "radio"), choice_kind),
    "checkboxgroup": lambda _name, type_: choices_kind(type_),
    **dict.fromkeys(FAMILIES, file_kind),
    "gallery": lambda _name, type_: gallery_kind(type_),
    "dataframe": lambda _name, type_: table_kind(type_),
}
OUTPUTS: Mapping[str, Callable[[Any], Any]] = {
    "text": as_said,
    "textbox": as_said,
    "markdown": as_markdown,
    "number": as_number,
    "slider": as_number,
    "checkbox": as_truth,
    "json": as_json,
    **dict.fromkeys(("dropdown", "radio", "checkboxgroup"), as_choice),
    "label": as_label,
    "highlightedtext": as_highlighted,
    "html": as_html,
    "code": as_code,
    "dataframe": as_table,
    **dict.fromkeys(FAMILIES, as_files),
    "gallery": as_gallery,
    "plot": as_plot,
}


def input_of(given: Any, type_: Any) -> Kind:
    """Return the kind of an input, by its name, for a parameter annotated with `type_`.

    Raises `BindingError` if there is none, or if it gives no such type.
    """
    if isinstance(given, Kind):
        return given
    if not isinstance(given, str):
        raise BindingError(f"{given!r} is no input; inputs are named, a Kind(...), or a State(...)")
    if given in INPUTS:
        return INPUTS[given](given, type_)
    why = "shows a value and reads none" if given in OUTPUTS else "is no input"
    raise BindingError(f"{given!r} {why}; possible: {', '.join(INPUTS)}, state, State(...)")


def named(name: str, type_: Any) -> Kind:
    """Return the kind of a name, which reads, shows, or does both. Raises `BindingError`."""
    if name not in OUTPUTS:
        return input_of(name, type_)
    kind = input_of(name, type_) if name in INPUTS else Kind()
    return replace(kind, show=OUTPUTS[name])


def output_of(given: Any) -> Output:
    """Return how an output shows a value, by its name. Raises `BindingError` if there is none."""
    show = (given.show or as_said) if isinstance(given, Kind) else _show_of(given)
    if show is as_said:
        return _say
    return lambda value, returns: replies(show(value), returns)


def _show_of(name: Any) -> Callable[[Any], Any]:
    try:
        return OUTPUTS[name]
    except (KeyError, TypeError):
        raise BindingError(
            f"{name!r} is no output; possible: {', '.join(OUTPUTS)}, state, State(...)"
        ) from None


def _say(value: Any, returns: Returns) -> Answers:
    """Say a text, as nearly all turns do, with no call more than it takes."""
    if type(value) is str and not returns.markdown:
        return [plain(value)]
    if is_reply(value) or inspect.isawaitable(value):
        return replies(value, returns)
    return [Reply(returns.text(str(value)))]


def _text_reader(name: str, type_: Any) -> Reader:
    """Return how a text is read: as its input says where the annotation admits that, else as it."""
    plain = _PLAIN[name]
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


def _kind_of(found: Reader) -> Kind:
    read = text_of if found.read is str else by_text(found.read)
    return Kind(read=read, choices=found.offered, least=found.least, most=found.most)
