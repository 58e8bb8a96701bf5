"""Virtual environments for peers: made once, then kept in a cache folder."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

PATIENCE = 300


class Absent(Exception):  # noqa: N818 - nothing went wrong with the contestants that are there
    """A contestant cannot take part; says why in one line."""


def cache() -> Path:
    """Return where the environments are: in `$XDG_CACHE_HOME`, or `~/.cache`."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "chatstate-benchmarks"


def python_with(*requirements: str) -> Path:
    """Return a Python that has `requirements` (`name==version` each), installed if need be.

    Raises `Absent` if that is impossible.
    """
    named = "+".join(requirements)
    folder = cache() / f"{named}-python{sys.version_info.major}.{sys.version_info.minor}"
    python, complete = folder / "bin" / "python", folder / "complete"
    if not complete.exists():
        print(f"installing {named} into {folder}", file=sys.stderr, flush=True)
        output_of(sys.executable, "-m", "venv", "--clear", str(folder))
        pip = ("-m", "pip", "install", "--quiet", "--disable-pip-version-check")
        output_of(str(python), *pip, *requirements)
        complete.touch()  # only now: what was interrupted is made anew
    return python


def output_of(*command: str, folder: Path | None = None) -> str:
    """Return what a command prints, run in `folder`.

    Raises `Absent` with the last line of its complaint if it cannot be run or fails, and if it has
    not ended after `PATIENCE` seconds.
    """
    try:
        done = subprocess.run(  # noqa: S603 - our own commands
            command, cwd=folder, capture_output=True, text=True, check=False, timeout=PATIENCE
        )
    except subprocess.TimeoutExpired as error:
        raise Absent(f"{' '.join(command[1:4])} did not end within {PATIENCE} s") from error
    except OSError as error:
        raise Absent(f"{command[0]} cannot be run: {error}") from error
    if done.returncode:
        raise Absent(f"{' '.join(command[1:4])} failed: {_complaint(done.stderr or done.stdout)}")
    return done.stdout


def _complaint(told: str) -> str:
    """Return the last line with words: errors in groups end with a rule."""
    lines = [line.strip(" |") for line in told.splitlines() if any(map(str.isalpha, line))]
    return lines[-1] if lines else "it said nothing"
