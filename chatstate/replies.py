"""What a handler returned, to replies."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any, cast

import msgspec

from chatstate.errors import BindingError, ReplyError
from chatstate.messages import Reply

_ACCEPTED = "str, Reply, a list of these, or None for no reply"
Output = Callable[[Any], list[Reply]]


def replies(value: Any) -> list[Reply]:
    """Return what `value` says. Raises `ReplyError` for what is no reply."""
    if isinstance(value, str):
        return [Reply(value)]
    if value is None:
        return []
    if isinstance(value, Reply):
        return [value]
    if isinstance(value, list):
        return [reply for part in cast("list[Any]", value) for reply in replies(part)]
    raise ReplyError(f"a handler returned {type(value).__name__}; possible: {_ACCEPTED}")


def _text(value: Any) -> list[Reply]:
    if isinstance(value, int | float):
        return [Reply(str(value))]
    return replies(value)


def _number(value: Any) -> list[Reply]:
    if value is None:
        return []
    if isinstance(value, int) or (isinstance(value, float) and math.isfinite(value)):
        return [Reply(str(value))]
    raise ReplyError(f'output "number" takes a finite number, not {value!r}')


def _json(value: Any) -> list[Reply]:
    try:
        return [Reply(msgspec.json.format(msgspec.json.encode(value), indent=2).decode())]
    except (TypeError, ValueError, RecursionError) as error:
        raise ReplyError(f'output "json" cannot show {type(value).__name__}: {error}') from error


OUTPUTS: Mapping[str, Output] = {
    "text": _text,
    "textbox": _text,
    "number": _number,
    "json": _json,
}


def output(name: str) -> Output:
    """Return how the output shorthand `name` shows a value. Raises `BindingError`."""
    try:
        return OUTPUTS[name]
    except (KeyError, TypeError):
        raise BindingError(
            f"{name!r} is no output; possible: {', '.join(OUTPUTS)}, state, State(...)"
        ) from None
