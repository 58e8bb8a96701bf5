"""What a function tells about itself: its parameters, their annotations, how it runs, where it is.

1. What runs it is looked at through `functools.partial`; what an author wrote, through decorators.
2. A frame is an author's unless the core's own code runs in it.
"""

from __future__ import annotations

import functools
import inspect
import types
import typing
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal, cast

from chatstate.errors import BindingError

Mode = Literal["sync", "async", "generator", "async_generator"]


def mode(fn: Callable[..., Any]) -> Mode:
    """Return how the code runs that a call of `fn` starts."""
    target = _called(fn)
    if inspect.iscoroutinefunction(target):
        return "async"
    if inspect.isasyncgenfunction(target):
        return "async_generator"
    return "generator" if inspect.isgeneratorfunction(target) else "sync"


def parameters(fn: Callable[..., Any], *, rest: int | None = None) -> list[inspect.Parameter]:
    """Return the parameters a caller fills, those of `*args` being `rest` by position.

    Raises `BindingError` if there may be any number, and it is not said how many.
    """
    found: list[inspect.Parameter] = []
    for parameter in _declared(fn, anything=rest is not None):
        if parameter.kind is parameter.VAR_POSITIONAL and rest is not None:
            numbers = range(1, rest + 1)
            names = [f"{parameter.name}_{number}" for number in numbers]
            found += [inspect.Parameter(name, parameter.POSITIONAL_ONLY) for name in names]
        elif parameter.kind not in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
            found.append(parameter)
        elif rest is None:
            raise BindingError(
                f"parameter {parameter} of {label(fn)} cannot be bound; name each parameter"
            )
    given = fn.keywords if isinstance(fn, functools.partial) else {}
    return [parameter for parameter in found if parameter.name not in given]


def _declared(fn: Callable[..., Any], *, anything: bool) -> list[inspect.Parameter]:
    """Return the parameters of a function; where nothing tells them, `*args` if that will do."""
    try:
        return list(inspect.signature(fn).parameters.values())
    except (TypeError, ValueError) as error:  # such as of `max`
        if anything and callable(fn):
            return [inspect.Parameter("args", inspect.Parameter.VAR_POSITIONAL)]
        raise BindingError(f"{fn!r} cannot be a handler: {error}") from error


def hints(fn: Callable[..., Any]) -> dict[str, Any]:
    """Return the annotations by name. Raises `BindingError` if one cannot be resolved."""
    target = inspect.unwrap(_called(fn))
    frame = author_frame()
    # A handler is often defined where it is registered, beside local classes that it names.
    beside = frame is not None and frame.f_globals is getattr(target, "__globals__", None)
    local_names = dict(frame.f_locals) if frame and beside else None
    try:
        return typing.get_type_hints(target, localns=local_names, include_extras=True)
    except (NameError, AttributeError, SyntaxError, TypeError) as error:
        raise BindingError(
            f"{label(fn)}: an annotation cannot be resolved ({error}); import the name, "
            "or define it before the handler"
        ) from error


def label(fn: Callable[..., Any]) -> str:
    """Return what to call `fn` in an error."""
    return f"{getattr(fn, '__name__', type(fn).__name__)}()"


def where(fn: Callable[..., Any]) -> str:
    """Return what to call `fn`, and where its code stands: `number() in bot.py:12`."""
    code = code_of(fn)
    if code is None:
        return label(fn)
    return f"{label(fn)} in {short_path(code.co_filename)}:{code.co_firstlineno}"


def code_of(fn: Callable[..., Any]) -> types.CodeType | None:
    """Return the code that an author wrote, under whatever is put around it."""
    code = getattr(inspect.unwrap(_called(fn)), "__code__", None)
    return code if isinstance(code, types.CodeType) else None


def short_path(path: str) -> str:
    """Return a file's name, with its folder's if many are called so: `shop/__init__.py`."""
    file = Path(path)
    is_common = file.stem in ("__init__", "__main__")
    return f"{file.parent.name}/{file.name}" if is_common else file.name


def first_line(fn: Callable[..., Any]) -> str:
    """Return the first line of the docstring, if there is one."""
    if isinstance(fn, functools.partial):
        return ""
    return (inspect.getdoc(fn) or "").strip().partition("\n")[0]


def author_frame() -> types.FrameType | None:
    """Return the innermost frame that is not chatstate's own: where the author's call stands."""
    frame = inspect.currentframe()
    while frame and frame.f_back and is_framework(frame):
        frame = frame.f_back
    return frame


def author_module() -> str:
    """Return the name of the author's file, or of its folder if it is the folder's own."""
    frame = author_frame()
    file = frame.f_globals.get("__file__") if frame else None
    if not file:
        return "bot"
    path = Path(file)
    return path.parent.name if path.stem in ("__init__", "__main__") else path.stem


def is_framework(frame: types.FrameType) -> bool:
    """Tell whether a frame is of chatstate's own code, adapters and bots not counted."""
    return str(frame.f_globals.get("__name__", "")).partition(".")[0] == "chatstate"


def _called(fn: Callable[..., Any]) -> Any:
    target: Any = fn
    while isinstance(target, functools.partial):
        target = cast("functools.partial[Any]", target).func
    return target if inspect.isroutine(target) else type(target).__call__
