"""The verbs by which a person is forgotten.

1. While something is erased, SQLite overwrites what it frees (`secure_delete`). What was freed
   before, and copies that the balancing of pages has left, go when the file is written anew.
2. The log is cut to nothing afterwards: it holds the pages as they were.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from chatstate.errors import StorageError
from chatstate.stores.erasing import BURY, DONE, EVERY, FORGOT, OPEN
from chatstate.stores.forgetting import Erased, Forgotten, erase_files
from chatstate.stores.sqlite.connection import MEMORY
from chatstate.stores.sqlite.erasing import Erasing, bury, numbered
from chatstate.stores.sqlite.group_commit import GroupCommit
from chatstate.stores.sqlite.inbox import Inbox
from chatstate.stores.sqlite.looking import Looking


class ForgettingVerbs(Looking):
    """The verbs of `chatstate.stores.forgetting.Forgetting`."""

    _commits: GroupCommit
    _inbox: Inbox
    _run: int = 0

    async def _read(self, statement: str, values: Sequence[object]) -> list[Any]:
        raise NotImplementedError

    def _reload(self) -> None:
        raise NotImplementedError

    async def forgotten(self, *, is_open: bool = False) -> Sequence[Forgotten]:
        if not self._run:
            return await self._look(lambda shelves: shelves.forgotten(is_open=is_open))
        return [Forgotten(*row) for row in await self._read(OPEN if is_open else EVERY, ())]

    async def bury(self, mark: str, at: float) -> None:
        await self._commits.submit(self._bury, (mark, at))

    async def forget(self, number: int) -> Erased:
        erased: Erased = await self._commits.submit(self._forget, number)
        await asyncio.to_thread(erase_files, self.folder, erased.turns)
        return erased

    async def passed(self, number: int) -> bool:  # noqa: ARG002 - the process is alone
        return True

    async def forgot(self, number: int) -> None:
        await self._commits.submit(self._note_of_it, (FORGOT, number))

    async def scrub(self, number: int) -> None:
        await self._commits.alone(self._write_anew)
        await self._commits.submit(self._note_of_it, (DONE, number))

    def _forget(self, numbers: Sequence[int]) -> list[Erased]:
        self._writer.execute("PRAGMA secure_delete = ON")
        every = [Forgotten(*row) for row in self._writer.execute(EVERY)]
        wanted = {row.number: row for row in every if row.user}
        erased = [self._erase(wanted[n]) if n in wanted else Erased() for n in numbers]
        self._reload()
        bury(self._writer, self._bot, self._inbox.tombstones)
        return erased

    def _erase(self, forgotten: Forgotten) -> Erased:
        numbers = {
            "number": forgotten.number,
            "person": forgotten.person,
            "account": forgotten.account,
            "now": self._clock(),
        }
        return Erasing(self._writer, forgotten.user, numbers).all()

    def _bury(self, marks: Sequence[tuple[str, float]]) -> list[None]:
        for mark in marks:
            self._writer.execute(numbered(BURY), (self._bot, *mark))
        bury(self._writer, self._bot, self._inbox.tombstones)
        return [None] * len(marks)

    def _note_of_it(self, notes: Sequence[tuple[str, int]]) -> list[None]:
        for statement, number in notes:
            of = {"number": int(number), "now": self._clock()}
            self._writer.execute(statement.format_map(of))
        return [None] * len(notes)

    def _write_anew(self) -> None:
        """Leave nothing of what was freed.

        Raises `StorageError` if somebody reads an older state.
        """
        if self.path == MEMORY:
            return
        self._writer.execute("VACUUM")
        busy, *_ = self._writer.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        if busy:
            raise StorageError(f"{self.path} is being read, so its log cannot be cut now")
