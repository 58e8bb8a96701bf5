"""What Gradio lays down for a page, and no bot needs for long, is removed while the bot runs.

1. Only the folder that is this process's own is swept: one that the author has chosen is theirs.
2. What was there when the app was loaded stays: values and examples lie there.
3. What is younger than an hour stays: a state may hold its path.
"""

from __future__ import annotations

import contextlib
import time
from pathlib import Path

AGE = 3600.0
_PAUSE = 600.0


class Sweeper:
    """Sweeps a folder, now and then: `sweep` is cheap to call."""

    def __init__(self, folder: Path, age: float = AGE, pause: float = _PAUSE) -> None:
        self._folder = folder
        self._age = age
        self._pause = pause
        self._stays = set(_files(folder))
        self._next = time.monotonic() + pause

    def sweep(self) -> None:
        """Remove what is old, if the last time is long ago."""
        if time.monotonic() < self._next:
            return
        self._next = time.monotonic() + self._pause
        oldest = time.time() - self._age
        for path in _files(self._folder):
            if path not in self._stays:
                with contextlib.suppress(OSError):  # somebody else was first
                    if path.stat().st_mtime < oldest:
                        path.unlink()


def _files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]
