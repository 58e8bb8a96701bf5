"""The numbers of states: what stands for a bot, a scope and a name in the key of each value."""

from __future__ import annotations

import sqlite3

_MAKE = "INSERT INTO state_names (bot, scope, name) VALUES (?, ?, ?) ON CONFLICT DO NOTHING"
_FIND = "SELECT id FROM state_names WHERE bot = ? AND scope = ? AND name = ?"


class StateNames(dict[tuple[str, ...], int]):
    """Numbers by (bot, scope, name): as many as the bot has states.

    An unknown name gets a number inside the open transaction; to be cleared if that, or a part of
    it, is rolled back.
    """

    def __init__(self, writer: sqlite3.Connection) -> None:
        super().__init__()
        self._writer = writer

    def __missing__(self, name: tuple[str, ...]) -> int:
        self._writer.execute(_MAKE, name)
        (number,) = self._writer.execute(_FIND, name).fetchone()
        self[name] = int(number)
        return self[name]
