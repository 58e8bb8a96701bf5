"""What somebody at a terminal goes on with when the console begins again: see `--resume`."""

from __future__ import annotations

import contextlib
from pathlib import Path

import msgspec

from chatstate_console.receive.lines import Place


class Interrupted(msgspec.Struct, frozen=True):
    """Who spoke and where, and what was typed and not yet entered."""

    user: str
    place: Place
    typed: str = ""


def take_up(path: str) -> Interrupted | None:
    """Return what was kept in a file; None if nothing was, or it cannot be read."""
    if path:
        with contextlib.suppress(OSError, msgspec.DecodeError):
            return msgspec.json.decode(Path(path).read_bytes(), type=Interrupted)
    return None


def keep(path: str, interrupted: Interrupted) -> None:
    """Keep it in a file; if that cannot be, the console begins anew."""
    if path:
        with contextlib.suppress(OSError):
            Path(path).write_bytes(msgspec.json.encode(interrupted))
