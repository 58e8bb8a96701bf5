"""Several runs (workers) on the same data, and the time that they share.

1. A run lives until the test is over, unless it ends, or the others outlive it.
2. Where one process alone holds the store there can be none of them: such tests are skipped.
"""

# ruff: noqa: S101 - a test suite

from __future__ import annotations

import contextlib
from collections.abc import AsyncGenerator, Mapping, Sequence
from pathlib import Path
from unittest import SkipTest

from chatstate.stores.base import NO_VERSIONS, Claim
from chatstate.testing.contracts.store.session import Session, StoreSuite, Time, event

PATIENCE = 10.0
"""Seconds after which it is clear that nobody wakes a run."""


class Workers:
    """The runs of a bot. Those that have not ended when the test is over are ended then."""

    def __init__(
        self, suite: StoreSuite, folder: Path, time: Time, opened: contextlib.AsyncExitStack
    ) -> None:
        self._suite = suite
        self._folder = folder
        self._opened = opened
        self._alive: list[Session] = []
        self.time = time

    async def start(
        self, *, bot: str = "bot", versions: Mapping[str, int] = NO_VERSIONS
    ) -> Session:
        """Start one more run."""
        store = self._suite.make_store(
            self._folder, clock=self.time, waiting_limit=1000, overflow="refuse"
        )
        run = await store.open(bot, versions)
        self._opened.push_async_callback(store.end, clean=False)
        session = Session(store, run, await store.account("test", "1"))
        self._alive.append(session)
        return session

    @property
    def lease(self) -> float:
        """How long a run lives without a beat."""
        return max(session.run.lease for session in self._alive)

    async def outlive(self, *dead: Session) -> None:
        """Let the lease of these run out, while the others beat."""
        lease = self.lease
        self._alive = [session for session in self._alive if session not in dead]
        for _ in range(4):
            self.time.now += lease / 3
            for session in self._alive:
                await session.store.beat()


class WorkersSuite(StoreSuite):
    """What suites for several runs need. They skip where one process alone holds the store."""

    @contextlib.asynccontextmanager
    async def workers(self, folder: Path) -> AsyncGenerator[Workers]:
        """Return workers, of which none is started."""
        time = Time()
        store = self.make_store(folder, clock=time, waiting_limit=1000, overflow="refuse")
        if store.is_sole:
            raise SkipTest("one process alone holds this store")
        async with contextlib.AsyncExitStack() as opened:
            yield Workers(self, folder, time, opened)

    @contextlib.asynccontextmanager
    async def pair(self, folder: Path) -> AsyncGenerator[tuple[Workers, Session, Session]]:
        """Start two, and return them with the rest."""
        async with self.workers(folder) as workers:
            yield workers, await workers.start(), await workers.start()


async def stored_elsewhere(session: Session, identity: str, chat: str = "room") -> int:
    """Store an event in a conversation that is another run's; return its number."""
    (stored,) = await session.ingest(event(identity, chat=chat))
    assert (stored.status, stored.elsewhere, stored.arrival) == ("stored", True, None)
    assert stored.pending is not None
    return stored.pending


async def numbers_of(session: Session, conversation: int) -> list[int]:
    """Return the numbers of the events that wait in a conversation."""
    return [arrival.seq for arrival in await session.store.events(conversation, 0, 1000)]


async def work(session: Session) -> list[Claim]:
    """Return what a run finds to do, once it does."""
    while not (found := await session.claimed()):
        await session.store.wait()
    return found


async def settle_down(session: Session) -> None:
    """Give others time to ask for work, and to wait since there is none."""
    for _ in range(10):
        await session.store.beat()


def conversations(claims: Sequence[Claim]) -> list[int]:
    """Return what was claimed."""
    return [claim.conversation for claim in claims]
