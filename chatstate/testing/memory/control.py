"""`Control`, on dicts: runs, and everybody who looks.

1. A run is alive as long as it beats. Whoever claims, beats or leads buries those that do not.
2. `list`, `show` and `ask` need no run.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Sequence

from chatstate.stores.base import Answer, Entry, Filter, Request, Role, Run, Shelf
from chatstate.testing.memory import holds, requests, shelves
from chatstate.testing.memory.tables import MemoryData, Worker
from chatstate.testing.memory.verbs import Verbs, verb

_KEPT_SECONDS = 48 * 3600.0
_ALL = Filter()


class MemoryControl(Verbs):
    """The verbs of `chatstate.stores.base.Control`."""

    @property
    def location(self) -> str:
        return "in memory"

    async def open(self, bot: str) -> Run:
        await self.way()
        data = self._data
        secret = data.secrets.setdefault(bot, secrets.token_bytes(32))
        worker = Worker(data.number("run"), bot, self._clock() + self._lease)
        self._opened = data.workers[worker.id] = worker
        return Run(worker.id, secret, self._lease)

    @verb
    def beat(self) -> None:
        self._worker.until = self._clock() + self._lease
        holds.bury(self._data, self._clock(), but=self._worker)

    async def end(self, *, clean: bool) -> None:
        await self.way()
        if self._opened and not self._opened.is_over:  # else its work is others' already
            self.enter()
            holds.end(self._data, self._opened, crashed=not clean)
            self._opened = None

    async def check(self) -> None:
        await self.way()
        self.enter()

    @verb
    def lead(self, role: Role) -> bool:
        worker = self._worker
        holds.bury(self._data, self._clock(), but=worker)
        return self._data.leaders.setdefault((worker.bot, role), worker) is worker

    async def list(self, shelf: Shelf, chosen: Filter = _ALL) -> Sequence[Entry]:
        await self.way()
        return shelves.entries(self._data, shelf, chosen)

    async def show(self, shelf: Shelf, number: int) -> Entry | None:
        await self.way()
        return shelves.entry_of(self._data, shelf, number)

    async def ask(self, request: Request) -> None:
        await self.way()
        self._data.requests[self._data.number("request")] = request
        for worker in self._data.workers.values():
            worker.woken.set()

    @verb
    def answer(self, versions: Iterator[int]) -> Sequence[Answer]:
        return tuple(requests.answer(self._data, self._worker, versions, self._clock()))

    @verb
    def prune(self) -> None:
        _prune(self._data, self._clock())


def _prune(data: MemoryData, now: float) -> None:
    for seq, row in list(data.events.items()):
        if row.done_at is not None and row.done_at < now - _KEPT_SECONDS:
            del data.events[seq], data.event_ids[row.account, row.event_id]
    kept = {letter.turn for letter in data.letters.values() if letter.part is None}
    kept |= {row.seq for row in data.events.values() if row.done_at is None}
    for turn in list(data.notes):
        if turn not in kept:
            del data.notes[turn]
    for ref, button in list(data.buttons.items()):
        if button.expires_at <= now:
            del data.buttons[ref]
