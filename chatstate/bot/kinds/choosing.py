"""Kinds of what is chosen, named in `inputs=`: the annotation of the parameter has the choices."""

from __future__ import annotations

import typing
from typing import Annotated, Any

from msgspec import Meta

from chatstate.bot.annotations import bounds, essence
from chatstate.bot.kinds.kind import Kind, by_text, several_of
from chatstate.bot.kinds.texts import as_choice
from chatstate.bot.reading import Reader, reader
from chatstate.errors import BindingError

_LEAST, _MOST = 0, 100  # of a slider, as Gradio has it


def choice_kind(name: str, type_: Any) -> Kind:
    """Return the kind of one of a few values. Raises `BindingError` if they are not told."""
    found = _of_choices(name, type_)
    return Kind(read=by_text(found.read), show=as_choice, choices=found.offered)


def choices_kind(type_: Any) -> Kind:
    """Return the kind of any of a few values. Raises `BindingError` if they are not told."""
    meant = essence(type_)
    parts = typing.get_args(meant) if typing.get_origin(meant) is list else ()
    found = _of_choices("checkboxgroup", parts[0] if parts else meant)
    read = several_of(found.read)
    return Kind(read=read, show=as_choice, choices=found.offered, several=True)


def _of_choices(name: str, type_: Any) -> Reader:
    found = None if type_ in (Any, object) else reader(type_)
    if found is None or not found.offered:
        raise BindingError(
            f'input "{name}" has no choices: annotate the parameter, as in Literal["a", "b"], or '
            'give Kind(choices=["a", "b"])'
        )
    return found


def slider_type(type_: Any) -> Any:
    """Return the type of a slider's value: within the bounds of the annotation, or 0 to 100."""
    if any(bounds(type_)):
        return type_
    meant = float if type_ in (Any, object) else type_
    return Annotated[meant, Meta(ge=_LEAST, le=_MOST)]
