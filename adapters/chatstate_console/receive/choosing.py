"""What is pressed or chosen, as an adapter tells it. Pure functions."""

from __future__ import annotations

import re
from collections.abc import Sequence

from chatstate.adapter import PostButton, PostOption, PostSelect

_SEVERAL = re.compile(r"(\d+\.)?\d+([\s,]+(\d+\.)?\d+)+")


class Misread(Exception):  # noqa: N818 - a line that was read and cannot be done
    """A line asks for what is not there; the text says what is."""


def several(argument: str) -> Sequence[str]:
    """Return the numbers in `1, 3`; none if that is one number, or a label."""
    return re.split(r"[\s,]+", argument) if _SEVERAL.fullmatch(argument) else ()


def data_of(
    select: PostSelect | None, chosen: Sequence[PostButton | PostOption]
) -> tuple[str, tuple[str, ...] | None]:
    """Return what a press brings: its data, and that of options. Raises `Misread`."""
    options = [choice for choice in chosen if isinstance(choice, PostOption)]
    if select and len(options) == len(chosen):
        return select.data, _data_of_options(select, options)
    if len(chosen) > 1:
        raise Misread("only options of one choice can be pressed together")
    (button,) = (choice for choice in chosen if isinstance(choice, PostButton))
    if button.url:
        raise Misread(f"{button.label} opens {button.url}")
    if button.disabled:
        raise Misread(f"{button.label} cannot be pressed")
    return button.data, None


def _data_of_options(select: PostSelect, options: Sequence[PostOption]) -> tuple[str, ...]:
    data = tuple(dict.fromkeys(option.data for option in options))
    if not select.min_values <= len(data) <= select.max_values:
        least, most = select.min_values, select.max_values
        number = f"{least}" if least == most else f"{least} to {most}"
        raise Misread(f"choose {number} of these, as in :press 1, 2")
    return data
