"""`Control`, on dicts: runs, and everybody who looks.

1. A run is alive as long as it beats. Whoever claims, beats or leads buries those that do not.
2. `list`, `show` and `ask` need no run.
"""

from __future__ import annotations

import secrets
from collections.abc import Collection, Iterator, Mapping, Sequence

from chatstate.messages import Event
from chatstate.stores.base import (
    NO_VERSIONS,
    Answer,
    Asked,
    Backup,
    DeadLetter,
    Entry,
    Figures,
    Filter,
    Ingested,
    KnownAccount,
    KnownWorker,
    Request,
    Role,
    Run,
    Shelf,
)
from chatstate.testing.memory import (
    broadcasts,
    holds,
    references,
    requests,
    sends,
    shelves,
    transcripts,
)
from chatstate.testing.memory.inbox import MemoryInbox
from chatstate.testing.memory.tables import MemoryData, Worker
from chatstate.testing.memory.verbs import verb

_KEPT_SECONDS = 48 * 3600.0
_ALL = Filter()


class MemoryControl(MemoryInbox):
    """The verbs of `chatstate.stores.base.Control`."""

    @property
    def location(self) -> str:
        return "in memory"

    @property
    def trouble(self) -> str:
        return ""

    def secure(self) -> None:
        """See `Control.secure`."""

    async def open(self, bot: str, versions: Mapping[str, int] = NO_VERSIONS) -> Run:
        await self.way()
        data, now = self._data, self._clock()
        secret = data.secrets.setdefault(bot, secrets.token_bytes(32))
        worker = Worker(data.number("run"), bot, now, now + self._lease, dict(versions))
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

    async def abandon(self) -> None:
        """End the run as that of a process that was killed, which others see at once."""
        if self._opened and not self._opened.is_over:
            holds.end(self._data, self._opened, crashed=True)

    async def check(self) -> None:
        await self.way()
        self.enter()

    @verb
    def lead(self, roles: Sequence[Role], most: int | None = None) -> Sequence[Role]:
        worker, leaders = self._worker, self._data.leaders
        holds.bury(self._data, self._clock(), but=worker)
        has = sum(leaders.get(role) is worker for role in roles)
        free = [role for role in roles if role not in leaders]
        for role in free if most is None else free[: max(most - has, 0)]:
            leaders[role] = worker
        return [role for role in roles if leaders.get(role) is worker]

    @verb
    def cede(self, roles: Sequence[Role]) -> None:
        holds.cede(self._data, self._worker, roles)

    @verb
    def leave(self, account: int) -> None:
        data, worker = self._data, self._worker
        worker.accounts.discard(account)
        holds.cede(data, worker, [role for role in data.leaders if role.account == account])
        for number in data.conversations:
            if data.account_of(number) == account:
                holds.leave(data, worker, number)

    @verb
    def peers(self) -> Mapping[int, int]:
        every = [number for worker in self._data.workers.values() for number in worker.accounts]
        mine = self._worker.accounts
        return {number: count for number in mine if (count := every.count(number)) > 1}

    async def list(self, shelf: Shelf, chosen: Filter = _ALL) -> Sequence[Entry]:
        await self.way()
        return shelves.entries(self._data, shelf, chosen)

    async def show(self, shelf: Shelf, number: int) -> Entry | None:
        await self.way()
        return shelves.entry_of(self._data, shelf, number)

    async def accounts(self) -> Sequence[KnownAccount]:
        await self.way()
        return [KnownAccount(number, *name) for name, number in self._data.accounts.items()]

    async def workers(self) -> Sequence[KnownWorker]:
        await self.way()
        data, now = self._data, self._clock()
        return [
            shelves.worker(data, worker, worker.until - now) for worker in data.workers.values()
        ]

    async def secrets(self) -> Mapping[str, bytes]:
        await self.way()
        return dict(self._data.secrets)

    async def owed_file(self, key: str) -> bytes | None:
        await self.way()
        return self._data.files.get(key)

    async def backups(self) -> Sequence[Backup]:
        await self.way()
        return list(self._data.backups.values())

    async def backed_up(self, path: str) -> None:
        await self.way()
        self._data.backups[path] = Backup(path, self._clock())

    async def figures(self) -> Figures:
        await self.way()
        return shelves.figures(self._data)

    async def ask(self, request: Request) -> bool:
        await self.way()
        return sends.ask(self._data, request, self._clock())

    @verb
    def asked(
        self, accounts: Collection[int], before: float, after: int, limit: int
    ) -> Sequence[Asked]:
        found = sends.asked(self._data, self._worker, accounts, before)
        return [asked for asked in found if asked.number > after][:limit]

    @verb
    def take_up(self, number: int, event: Event) -> Ingested | None:
        asked = self._data.asked.get(number)
        if asked is None:
            return None
        ingested = self.receive(asked.request.account, event)
        if ingested.status != "refused":
            sends.taken_up(self._data, asked, event, ingested)
        return ingested

    @verb
    def give_up(self, number: int, event: Event, dead: DeadLetter) -> None:
        asked = self._data.asked.get(number)
        if asked:
            sends.give_up(self._data, asked, event, dead, self._clock())

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
    references.prune(data, now)
    broadcasts.prune(data, now)
    transcripts.prune(data, now)
