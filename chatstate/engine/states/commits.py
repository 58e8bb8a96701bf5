"""Hands finished turns to the store, in order, as many at a time as are waiting.

1. Commits are handed over when those who run turns have done what was ready, so that many share
   one transaction.
2. A turn that read a value of one that is not applied is not applied either.
"""

from __future__ import annotations

import asyncio
import itertools
from collections import deque
from collections.abc import Callable
from typing import Any

from chatstate.engine.states.cache import Keeper
from chatstate.stores.base import Outcome, TimerChange, TurnCommit

_BATCH = 128


_Submitted = tuple[TurnCommit, Callable[[Any, TurnCommit, Outcome], None], Any]
"""A commit, and what is to be called when it is over, and with what."""


class Commits:
    """Commits turns one batch after the other; `failed` is called if the store gives up."""

    def __init__(self, keeper: Keeper, failed: Callable[[Exception], None]) -> None:
        self._keeper = keeper
        self._failed = failed
        self._waiting: deque[_Submitted] = deque()
        self._batch: list[_Submitted] = []
        self._failed_turns: set[int] = set()
        self.task: asyncio.Task[None] | None = None

    def submit(
        self, commit: TurnCommit, done: Callable[[Any, TurnCommit, Outcome], None], told: Any
    ) -> None:
        """Queue a commit; `done(told, commit, outcome)` is called once that is durable."""
        self._waiting.append((commit, done, told))
        if self.task is None:
            self.task = asyncio.get_running_loop().create_task(self._run())

    def is_committing(self, conversation: int) -> bool:
        """Tell whether the commit of a turn is on its way that may owe something there."""
        turns = itertools.chain(self._batch, self._waiting)
        return any(
            commit.place.conversation == conversation
            or any(owed.conversation == conversation for owed in commit.owed)
            for commit, _, _ in turns
        )

    def of(self, conversation: int) -> set[int]:
        """Return the numbers of a conversation's events whose commit is on its way."""
        numbers: set[int] = set()
        for commit, _, _ in itertools.chain(self._batch, self._waiting):
            if commit.place.conversation == conversation:
                numbers.update((commit.seq, *commit.also))
        return numbers

    def timers(self, conversation: int) -> list[TimerChange]:
        """Return what commits that are on their way do to the timers of a conversation."""
        commits = (commit for commit, _, _ in itertools.chain(self._batch, self._waiting))
        here = [commit for commit in commits if commit.place.conversation == conversation]
        return [change for commit in here for change in commit.timers]

    def has(self, turn: int) -> bool:
        """Tell whether the commit of a turn is on its way."""
        turns = itertools.chain(self._batch, self._waiting)
        return any(commit.seq == turn for commit, _, _ in turns)

    async def over(self) -> None:
        """Return once nothing waits for its commit."""
        while self.task:
            await asyncio.wait([self.task])

    def _next_batch(self) -> list[_Submitted]:
        """Take what waits, but for turns that read values of a turn which was not applied."""
        batch: list[_Submitted] = []
        while self._waiting and len(batch) < _BATCH:
            submitted = self._waiting.popleft()
            commit, done, told = submitted
            if self._failed_turns and not self._failed_turns.isdisjoint(commit.after):
                self._failed_turns.add(commit.seq)
                done(told, commit, "conflict")
            else:
                batch.append(submitted)
        return batch

    async def _run(self) -> None:
        try:
            while self._waiting:
                self._batch = batch = self._next_batch()
                if not batch:
                    continue
                outcomes = await self._keeper.commit([commit for commit, _, _ in batch])
                for (commit, done, told), outcome in zip(batch, outcomes, strict=True):
                    if outcome == "conflict":
                        self._failed_turns.add(commit.seq)
                    elif self._failed_turns:
                        self._failed_turns.discard(commit.seq)
                    done(told, commit, outcome)
            self._batch = []
            self._failed_turns.clear()
        except Exception as error:  # noqa: BLE001 - the engine's fault: it stops and says so
            self._failed(error)
        finally:
            self.task = None
