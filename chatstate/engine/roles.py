"""Roles: what this run does for an account while no other run does it.

1. All that is waited for is asked for together, every second: so what a run had that is gone is
   taken over within a second.
2. Parts of an account are shared out evenly among the runs that have it. Whoever has more, because
   another one has come, stops with the rest before that is let go.
3. Where one process alone can hold the store, it has all roles at once.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Generator, Mapping, Sequence

from chatstate.clock import Clock
from chatstate.engine.accounts import Accounts
from chatstate.stores.base import Role, Store

_LOOK_EVERY = 1.0


class Roles:
    """The roles of one run. `peers`: how many runs have an account, for those that others have."""

    def __init__(self, *, store: Store, clock: Clock, accounts: Accounts) -> None:
        self._store = store
        self._clock = clock
        self._accounts = accounts
        self._woken: set[asyncio.Event] = set()
        self._receives: dict[int, Sequence[Role]] = {}
        self._waiting: dict[Role, asyncio.Future[None]] = {}
        self.peers: Mapping[int, int] = {}

    async def run(self) -> None:
        """Look every second, for ever."""
        while not self._store.is_sole:
            await self.look()
            await self._clock.sleep(_LOOK_EVERY)

    @contextlib.contextmanager
    def woken(self) -> Generator[asyncio.Event]:
        """Return what is set whenever others may have left something for this run."""
        woken = asyncio.Event()
        self._woken.add(woken)
        try:
            yield woken
        finally:
            self._woken.remove(woken)

    def wake(self) -> None:
        """Note that others may have left something."""
        for woken in self._woken:
            woken.set()

    async def lead_clocks(self) -> None:
        """Look after what is due in accounts where no other run does."""
        if not self._store.is_sole:
            clocks = [Role("clock", account) for account in self._accounts.connected]
            await self._store.lead(clocks)

    async def let_go(self, account: int) -> None:
        """Leave the parts of an account that this run receives to others."""
        await self._store.cede(self._receives.pop(account, []))

    async def lead(self, role: Role) -> None:
        """Return once this run has a role."""
        self._receives[role.account] = [role]
        if await self._store.lead([role]):
            return
        waiting = self._waiting[role] = asyncio.get_running_loop().create_future()
        await waiting

    async def share(
        self, account: int, parts: Sequence[str], *, evenly: bool
    ) -> AsyncGenerator[Sequence[str]]:
        """See `Host.share`."""
        roles = [Role("poller", account, part) for part in parts]
        self._receives[account] = roles
        told: Sequence[Role] | None = None
        while True:
            most = await self._fair(account, len(roles)) if evenly else None
            has = await self._store.lead(roles, most)
            keeps = has[:most]
            if keeps != told:
                yield [role.part for role in keeps]
                told = keeps
            if len(keeps) < len(has):
                await self._store.cede(has[len(keeps) :])
            await self._clock.sleep(_LOOK_EVERY)

    async def _fair(self, account: int, parts: int) -> int:
        """Return how many of so many parts are for each of the runs that have an account."""
        self.peers = await self._store.peers()
        return -(-parts // self.peers.get(account, 1))

    async def look(self) -> None:
        """See who else is there, and take what is free of what is waited for."""
        self.peers = await self._store.peers()
        if self._waiting:
            for role in await self._store.lead(list(self._waiting)):
                waiting = self._waiting.pop(role)
                if waiting.done():  # whoever has waited for it was cancelled
                    await self._store.cede([role])
                else:
                    waiting.set_result(None)
