"""Options of handlers, as keyword arguments of `Interface` and its decorators."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, TypedDict

from chatstate.bot.access import Allow
from chatstate.bot.handlers import Overlap
from chatstate.errors import BindingError


class HowItRuns(TypedDict, total=False):
    """Options of a function that answers; see `Interface.on_message`."""

    overlap: Overlap
    window: float
    timeout: float
    concurrency_limit: int | Literal["default"] | None


class Options(HowItRuns, total=False):
    """Options of a handler, and of a bot for all of its handlers; see `Interface.on_message`."""

    allow: Allow
    limits: str | Sequence[str]


def refuse_unknown(options: Options) -> None:
    """Raise `TypeError` for an option that is none."""
    unknown = set(options) - Options.__optional_keys__
    if unknown:
        possible = ", ".join(sorted(Options.__optional_keys__))
        raise TypeError(f"there is no option {min(unknown)!r}; there are {possible}")


def how_it_runs(options: Options) -> dict[str, Any]:
    """Return those of a handler's options that are the handler's own business."""
    given: Mapping[str, Any] = {**options}
    return {name: given[name] for name in ("overlap", "window", "timeout") if name in given}


_MANY = 10  # messages that nobody reads to their end


def message_limit(most: Any, before: Any = None) -> int | None:
    """Return what was given as `max_messages`. Raises `BindingError` for what is no such number.

    `before` is `long_as_file`, which it was called once: True for 10, False for no limit.
    """
    if before is not None:
        most = _MANY if before is True else before or None
    if most is None or (type(most) is int and most > 0):
        return most
    raise BindingError(f"max_messages={most!r}: use a whole number above 0, or None for no limit")
