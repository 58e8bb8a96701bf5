"""What is found by an entry point: bots, and what makes bots of other libraries' apps.

Built-in ones come in by the same door as a stranger's.
"""

from __future__ import annotations

from importlib.metadata import EntryPoint, entry_points
from typing import Any

from chatstate.adapter import pip_line
from chatstate.errors import ChatstateError, LoadError


def names(group: str) -> list[str]:
    """Return the names installed in an entry-point group, sorted."""
    return sorted({point.name for point in entry_points(group=group)})


def load(point: EntryPoint) -> Any:
    """Return what an entry point names. Raises `LoadError`, with the pip line if that helps."""
    try:
        return point.load()
    except ModuleNotFoundError as error:
        raise LoadError(f"{point.name!r} needs {error.name}: {pip_for(point)}") from error
    except (ChatstateError, ImportError, AttributeError) as error:
        raise LoadError(f"{point.name!r} cannot be loaded from {point.value}: {error}") from error


def pip_for(point: EntryPoint) -> str:
    """Return the command that installs what an entry point needs."""
    package = point.dist.name if point.dist else point.module.partition(".")[0]
    extras = (point.dist.metadata.get_all("Provides-Extra") if point.dist else None) or []
    return pip_line(package, point.name if point.name in extras else "")
