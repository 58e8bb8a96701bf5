"""Hands finished turns to the store, in order, as many at a time as are waiting."""

from __future__ import annotations

import asyncio
import itertools
from collections import deque
from collections.abc import Callable

from chatstate.engine.states.cache import Keeper
from chatstate.stores.base import Outcome, TurnCommit

_BATCH = 128


class Committer:
    """Commits turns one batch after the other; `failed` is called if the store gives up."""

    def __init__(self, store: Keeper, failed: Callable[[Exception], None]) -> None:
        self._store = store
        self._failed = failed
        self._waiting: deque[tuple[TurnCommit, Callable[[Outcome], None]]] = deque()
        self._batch: list[tuple[TurnCommit, Callable[[Outcome], None]]] = []
        self._failed_turns: set[int] = set()
        self.task: asyncio.Task[None] | None = None

    def submit(self, commit: TurnCommit, done: Callable[[Outcome], None]) -> None:
        """Queue a commit; `done` is called with its outcome once that is durable."""
        self._waiting.append((commit, done))
        if self.task is None:
            self.task = asyncio.get_running_loop().create_task(self._run())

    def is_committing(self, conversation: int) -> bool:
        """Tell whether the commit of a turn of a conversation is on its way."""
        turns = itertools.chain(self._batch, self._waiting)
        return any(commit.place.conversation == conversation for commit, _ in turns)

    def _next_batch(self) -> list[tuple[TurnCommit, Callable[[Outcome], None]]]:
        """Take what waits, but for turns that read values of a turn which was not applied."""
        batch: list[tuple[TurnCommit, Callable[[Outcome], None]]] = []
        while self._waiting and len(batch) < _BATCH:
            commit, done = self._waiting.popleft()
            if self._failed_turns and not self._failed_turns.isdisjoint(commit.after):
                self._failed_turns.add(commit.seq)
                done("conflict")
            else:
                batch.append((commit, done))
        return batch

    async def _run(self) -> None:
        try:
            while self._waiting:
                self._batch = batch = self._next_batch()
                if not batch:
                    continue
                outcomes = await self._store.commit([commit for commit, _ in batch])
                for (commit, done), outcome in zip(batch, outcomes, strict=True):
                    if outcome == "conflict":
                        self._failed_turns.add(commit.seq)
                    else:
                        self._failed_turns.discard(commit.seq)
                    done(outcome)
            self._batch = []
            self._failed_turns.clear()
        except Exception as error:  # noqa: BLE001 - the engine's fault: it stops and says so
            self._failed(error)
        finally:
            self.task = None
