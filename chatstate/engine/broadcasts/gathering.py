"""Whom a broadcast is for: found in the store page by page, and fixed there."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from msgspec.structs import replace

from chatstate.state.bound import States
from chatstate.stores.base import Store
from chatstate.stores.broadcasts import Broadcast, Candidate, Recipient

PAGE = 500
Where = Callable[[Any], bool]
"""Chooses among those who have a value of a state, by the value."""


class Gathering:
    """Gathers the recipients of one bot's jobs, who may have values of these states."""

    def __init__(self, store: Store, states: States) -> None:
        self._store = store
        self._states = states

    async def add_page(
        self, job: Broadcast, listed: Sequence[Recipient], where: Where | None = None
    ) -> Broadcast:
        """Add the next recipients to a job, and return it as it is then.

        Those who are `listed` if it is neither for a crowd nor for those who have a value.
        """
        before = after = job.gathered
        if job.audience.crowd or job.audience.state:
            page: Sequence[Any] = await self._store.audience(job.audience, before, PAGE)
            after = page[-1].number if page else before
            found = [each.recipient for each in page if not where or self._is_in(job, each, where)]
        else:
            page = found = list(listed[before : before + PAGE])
            after = before + len(page)
        is_last = len(page) < PAGE
        await self._store.gather(job.number, before, after, found, is_last=is_last)
        return replace(job, gathered=after, standing="running" if is_last else "gathering")

    def _is_in(self, job: Broadcast, each: Candidate, where: Where) -> bool:
        state = next(s for s in self._states if (s.scope, s.name) == job.audience.state)
        return each.value is not None and bool(where(state.read(each.value)[0]))
