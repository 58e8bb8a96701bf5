"""The ledger beside a store: who was forgotten, by marks, in a file that no backup of it replaces.

One JSON object a line. It tells nobody who it was: a mark is a hash with the bot's secret.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import msgspec


class Line(msgspec.Struct, frozen=True):
    """Whom a bot was asked to forget, by the mark, and when."""

    bot: str
    mark: str
    at: float


_decode = msgspec.json.Decoder(Line).decode


def lines(path: Path) -> list[Line]:
    """Return what a ledger holds; a line that a crash has cut short is none."""
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return []
    found: list[Line] = []
    for line in content.splitlines():
        try:
            found.append(_decode(line))
        except msgspec.DecodeError:
            continue
    return found


def append(path: Path, more: Sequence[Line]) -> None:
    """Add lines, durably. The file is for its owner alone."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    with os.fdopen(descriptor, "ab") as file:
        file.write(b"".join(b"\n" + msgspec.json.encode(line) + b"\n" for line in more))
        file.flush()
        os.fsync(file.fileno())
