"""Handlers made of an app's functions: their parameters are known when the file is loaded.

A handler gets the payloads of what people are asked for by position, and by name the turn and the
states that the app has.
"""

from __future__ import annotations

import contextlib
import inspect
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from typing import Annotated, Any, NamedTuple

from chatstate import State, Turn

_REQUIRED = inspect.Parameter.empty


class Asked(NamedTuple):
    """A parameter that a person fills, and its default."""

    name: str
    default: Any = _REQUIRED


def signed(
    run: Callable[..., Any], asked: Sequence[Asked], states: Mapping[str, State], about: Any
) -> Callable[..., Any]:
    """Return `run` with the parameters that it has, named and described as `about`."""
    hints: dict[str, Any] = {
        name: Annotated[dict[str, Any], state] for name, state in states.items()
    }
    hints["turn"] = Turn
    filled = inspect.Parameter.POSITIONAL_ONLY
    given = inspect.Parameter.KEYWORD_ONLY
    run.__dict__["__signature__"] = inspect.Signature(
        [
            *(inspect.Parameter(name, filled, default=default) for name, default in asked),
            *(inspect.Parameter(name, given, annotation=hint) for name, hint in hints.items()),
        ]
    )
    run.__annotations__ = hints
    run.__name__ = str(getattr(about, "__name__", "fn")).replace("<lambda>", "fn")
    run.__doc__ = getattr(about, "__doc__", None)
    return run


def streams(fn: Any) -> bool:
    """Tell whether a function of the author's yields its answers."""
    called = fn
    if not inspect.isroutine(fn):  # then a partial function, or an object with a method for it
        called = getattr(fn, "func", type(fn).__call__)
    return inspect.isgeneratorfunction(called) or inspect.isasyncgenfunction(called)


async def last_of(answers: AsyncGenerator[list[Any]]) -> list[Any]:
    """Return the last of some answers; none if there are none."""
    async with contextlib.aclosing(answers) as stream:
        found = [answer async for answer in stream]
    return found[-1] if found else []
