"""What `@bot.every` and `@bot.on_timer` refuse, where they are registered. No I/O."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from chatstate.bot.handlers import Handler
from chatstate.bot.schedules import Misfire, Schedule, schedule
from chatstate.errors import BindingError
from chatstate.signature import label


def timer_name(fn: Callable[..., Any]) -> str:
    """Return what timers know a handler by. Raises `BindingError` if it has no name."""
    name: str = getattr(fn, "__name__", "")
    if not name.isidentifier():
        raise BindingError(f"{fn!r} has no name by which a timer could find it: use `def`")
    return name


def scheduled(every: Any, zone: Any, misfire: Misfire) -> Schedule:
    """Return a bot's own schedule. Raises `BindingError` for what is none."""
    try:
        return schedule(every, zone, misfire)
    except (TypeError, ValueError) as error:
        raise BindingError(f"bot.every: {error}") from error


def check_scheduled(handler: Handler) -> None:
    """Raise `BindingError` for a function that would want a person, a chat or data."""
    for slot in handler.slots:
        if slot.state.scope != "global":
            raise BindingError(
                f"{label(handler.fn)} has {slot.state.scope} state {slot.state.name!r}, and a "
                "schedule is nobody's, in no chat: use Global[...]"
            )
    if handler.data:
        raise BindingError(
            f"parameter {handler.data[0].name!r} of {label(handler.fn)}: nobody sets a bot's own "
            "schedule, so there is nothing to give it"
        )
