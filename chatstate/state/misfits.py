"""Where a text does not fit a type, and why."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import msgspec

_AT = re.compile(r" - at (`key` in )?`(\$.*?)`$", re.DOTALL)
_STEP = re.compile(r"\[\.\.\.\]|\[\d+\]|\.[^.\[]+")
_SOME_KEY = "[...]"


def misfit(decode: Callable[[bytes], object], encoded: bytes, error: Exception) -> tuple[str, str]:
    """Return the path to what `decode` refuses with this error, and the reason in one line."""
    said = str(error)
    found = _AT.search(said)
    path = "$"
    if found:
        steps = [*_STEP.findall(found[2]), *([_SOME_KEY] if found[1] else ())]
        path = _path(decode, msgspec.json.decode(encoded), steps)
        said = f"{said[: found.start()]}{' (its key)' if found[1] else ''}"
    problems: Callable[[], list[Any]] | None = getattr(error.__cause__, "errors", None)
    if problems:  # pydantic's: lines of them, each with a path of its own
        problem = problems()[0]
        inner = (f".{part}" if isinstance(part, str) else f"[{part}]" for part in problem["loc"])
        return path + "".join(inner), str(problem["msg"])
    return path, said


def _path(decode: Callable[[bytes], object], tree: Any, steps: list[str]) -> str:
    """Return a path with its keys, which msgspec does not tell, where `tree` is refused.

    A key is the one with which alone it still is.
    """
    path, part = "$", tree
    for step in steps:
        if step == _SOME_KEY:
            key = _refused_key(decode, tree, part)
            path, part = f"{path}[{key!r}]", part[key]
        elif step.startswith("["):
            path, part = path + step, part[int(step[1:-1])]
        else:
            path, part = path + step, part[step[1:]]
    return path


def _refused_key(decode: Callable[[bytes], object], tree: Any, members: dict[str, Any]) -> str:
    """Return the key of a member of `tree` that is refused, leaving only this one there."""
    for key, member in list(members.items()):
        members.clear()
        members[key] = member
        try:
            decode(msgspec.json.encode(tree))
        except Exception:  # noqa: BLE001 - this is what is looked for
            break
    return next(iter(members))
