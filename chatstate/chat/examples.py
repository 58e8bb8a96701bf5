"""Examples of a chat, in any of the forms that Gradio's have."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Any, cast

log = logging.getLogger("chatstate.chat")


def said_by(examples: Sequence[Any]) -> Sequence[Any]:
    """Return what pressing each example says.

    One may be a text, a dict of text and files, or a list that begins with either. A button sends
    a text alone: what else there is has no effect, and the log says so.
    """
    if isinstance(examples, str):
        return examples  # which is none, as whoever makes the buttons tells
    said = [_text(example) for example in examples]
    if any(_has_more(example) for example in examples):
        log.warning("examples: a button sends a text; files and further inputs are not used")
    return said


def _message(example: Any) -> Any:
    if isinstance(example, list | tuple):
        return cast("Sequence[Any]", example)[0]
    return example


def _text(example: Any) -> Any:
    message = _message(example)
    if isinstance(message, Mapping):
        return cast("Mapping[str, Any]", message).get("text", "")
    return message


def _has_more(example: Any) -> bool:
    message = _message(example)
    has_files = isinstance(message, Mapping) and cast("Mapping[str, Any]", message).get("files")
    others = cast("Sequence[Any]", example)[1:] if isinstance(example, list | tuple) else ()
    return bool(has_files) or any(other is not None for other in others)
