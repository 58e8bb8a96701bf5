"""`Outbox`, on dicts: what is owed, where it goes, and its files."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

from msgspec.structs import replace

from chatstate.stores.base import Address, Owed, Reference, Settled, owed_folder
from chatstate.testing.memory import directory, lines, references
from chatstate.testing.memory.tables import ReplyRow
from chatstate.testing.memory.verbs import Verbs, verb


class MemoryOutbox(Verbs):
    """The verbs of `chatstate.stores.base.Outbox`."""

    @verb
    def address(self, conversation: int) -> Address:
        return directory.address_of(self._data, conversation)

    @verb
    def take(self, conversation: int, after: int, limit: int) -> Sequence[Owed]:
        line = self._data.lines.get(conversation, {})
        rows = [row for number, row in line.items() if number > after][:limit]
        taken = [row.owed for row in rows]
        for row in rows:
            self._begin(row, row.owed.crashes)
        return taken

    @verb
    def begin(self, conversation: int, turn: int, part: int, crashes: int = 0) -> None:
        for row in lines.rows_of(self._data, conversation, turn, part):
            self._begin(row, crashes)

    @verb
    def unsent(self, conversation: int, turn: int, part: int) -> None:
        for row in lines.rows_of(self._data, conversation, turn, part):
            row.owed = replace(row.owed, begun_at=None, crashes=0)

    def settle(self, settled: Settled) -> None:
        self._settled.append(settled)
        asyncio.get_running_loop().call_soon(self._settle_soon)

    @verb
    def flush(self) -> None:
        """Do nothing else: what was settled is written before each verb."""

    @verb
    def owing(self, turns: Sequence[int]) -> Sequence[int]:
        dead = {letter.turn for letter in self._data.letters.values() if letter.part is not None}
        return [turn for turn in turns if turn in dead or self._data.owes(turn)]

    @verb
    def reference(self, ref: str) -> Reference | None:
        return references.find(self._data, ref, self._clock())

    @verb
    def amend(self, ref: str, content: str | None) -> None:
        references.amend(self._data, ref, content)

    @property
    def folder(self) -> Path:
        return self._data.folder

    @verb
    def keep(self, key: str, path: Path) -> None:
        self._data.files[key] = path.read_bytes()

    @verb
    def fetch(self, key: str) -> Path | None:
        path = owed_folder(self.folder) / key
        if key not in self._data.files:
            return None
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(self._data.files[key])
        return path

    def discard(self, keys: Sequence[str]) -> None:
        for key in keys:
            self._data.files.pop(key, None)
            (owed_folder(self.folder) / key).unlink(missing_ok=True)

    def _begin(self, row: ReplyRow, crashes: int) -> None:
        begun_at = self._clock() if row.owed.begun_at is None else row.owed.begun_at
        row.owed = replace(row.owed, begun_at=begun_at, crashes=crashes)

    def _settle_soon(self) -> None:
        if self._works.is_set() and self._opened and not self._opened.is_over:
            self.enter()
