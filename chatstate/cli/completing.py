"""Completion in a shell: `chatstate --install-completion` sets it up.

The shell asks this program, with the command line so far in the environment.
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Sequence

from chatstate.adapter.installing import ADAPTERS
from chatstate.cli.installed import names
from chatstate.cli.loading import BOTS

PROGRAM = "chatstate"
_ASKS = f"_{PROGRAM.upper()}_COMPLETE"  # by which click is asked
_LINES = ("COMP_WORDS", "_TYPER_COMPLETE_ARGS")


def typed() -> Sequence[str]:
    """Return what a shell asks about, without the program's name; nothing if none asks."""
    if _ASKS not in os.environ:
        return []
    line = next((os.environ[name] for name in _LINES if name in os.environ), "")
    try:
        return shlex.split(line)[1:]
    except ValueError:  # a quote is open still
        return line.split()[1:]


def bots(incomplete: str) -> list[str]:
    """Return the bots by name that begin so."""
    return [name for name in names(BOTS) if name.startswith(incomplete)]


def adapters(incomplete: str) -> list[str]:
    """Return the adapters that begin so."""
    return [name for name in names(ADAPTERS) if name.startswith(incomplete)]
