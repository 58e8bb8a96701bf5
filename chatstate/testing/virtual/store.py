"""A store in memory whose process can be killed, between any two of its steps.

1. Once the process is killed no verb does anything or returns: what was not committed is gone.
2. The next process finds what was committed, and that the one before has crashed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, get_args

from chatstate.messages import Event
from chatstate.stores.base import Early, Ingested, Outcome, TurnCommit
from chatstate.testing.memory.store import MemoryStore
from chatstate.testing.memory.tables import MemoryData

Moment = Literal["arrival", "step", "commit", "reply", "sent"]
"""When a process is killed: once an event is stored; once the function of a step has returned; once
a handler has; once its turn is committed; once a reply has arrived at the platform."""
MOMENTS: tuple[Moment, ...] = get_args(Moment)
_FOR_EVER = 1e12


class Kill:
    """The moment at which the process is to be killed, if any, and whether it has been."""

    def __init__(self) -> None:
        self.moment: Moment | None = None
        self.killed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting: list[asyncio.Future[None]] = []

    async def at(self, moment: Moment) -> None:
        """Never return, if the process is to be killed now."""
        if self.moment == moment:
            self.moment = None
            if not self.killed.done():
                self.killed.set_result(None)
        await self.alive()

    def bury(self) -> None:
        """End what waits for ever."""
        for waiting in self._waiting:
            waiting.cancel()

    async def alive(self) -> None:
        """Return if the process is alive; else never."""
        if self.killed.done():
            for_ever: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._waiting.append(for_ever)  # else whoever waits for it might be collected
            await for_ever


class VirtualStore(MemoryStore):
    """A `MemoryStore` that one process at a time has, until `kill` says that it is over.

    `committing` is told of each turn that is about to be committed, `committed` of the events of
    each that was, by their ids.
    """

    def __init__(self, data: MemoryData, kill: Kill, **options: Any) -> None:
        super().__init__(data, lease=_FOR_EVER, **options)
        self._kill = kill
        self.committing: Callable[[TurnCommit], None] = lambda _turn: None
        self.committed: Callable[[Sequence[str]], None] = lambda _events: None

    async def way(self) -> None:
        """Return when a verb has come to the data, or its answer back; never once killed."""
        await super().way()
        await self._kill.alive()

    async def ingest(
        self,
        account: int,
        events: Sequence[Event],
        cursors: Mapping[str, str] = {},
        *,
        share: bool = False,
        early: Early | None = None,  # noqa: ARG002 - the process may be killed before
    ) -> Sequence[Ingested]:
        """See `Inbox.ingest`."""
        ingested = await super().ingest(account, events, cursors, share=share)
        await self._kill.at("arrival")
        return ingested

    async def note(self, turn: int, name: str, value: str) -> bool:
        """See `Turns.note`."""
        if name[:1].isdigit():  # it is a step's
            await self._kill.at("step")
        return await super().note(turn, name, value)

    async def commit(self, turns: Sequence[TurnCommit]) -> Sequence[Outcome]:
        """See `Turns.commit`."""
        await self._kill.at("commit")
        for turn in turns:
            self.committing(turn)
        outcomes = await super().commit(turns)
        await self._kill.at("reply")
        return outcomes

    def _commit(self, turn: TurnCommit, done: list[TurnCommit]) -> Outcome:
        before = len(done)
        outcome = super()._commit(turn, done)
        for written in done[before:]:
            rows = (self._data.events[seq] for seq in (*written.also, written.seq))
            self.committed([row.event_id for row in rows])
        return outcome
