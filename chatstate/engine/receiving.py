"""What an adapter's host knows of the other workers that have the same account.

1. Cursors are read again whenever this worker begins to receive: others have received meanwhile.
2. What is passed on is kept in the store until the worker that leads has it in the inbox.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence

from chatstate.engine.lease import Lease
from chatstate.engine.roles import Roles
from chatstate.stores.base import Account, Role, Store

_PASSED = "passed:"
_AT_ONCE = 64


class Receiving:
    """The part of a host that is about who receives. `find` reads the account again."""

    def __init__(
        self,
        account: Account,
        *,
        store: Store,
        roles: Roles,
        lease: Lease | None,
        find: Callable[[], Awaitable[Account]],
    ) -> None:
        self._account = account.id
        self._cursors = dict(account.cursors)
        self._store = store
        self._roles = roles
        self._lease = lease
        self._find = find

    @property
    def cursor(self) -> str | None:
        """See `Host.cursor`."""
        return self._cursors.get("")

    def cursor_of(self, part: str) -> str | None:
        """See `Host.cursor_of`."""
        return self._cursors.get(part)

    async def remember(self, name: str, text: str | None) -> None:
        """See `Host.remember`."""
        await self._store.remember(self._account, name, text)

    async def recall(self, name: str) -> str | None:
        """See `Host.recall`."""
        return await self._store.recall(self._account, name)

    async def assure(self) -> None:
        """See `Host.assure`."""
        if self._lease:
            await self._lease.assure()

    @property
    def peers(self) -> int:
        """See `Host.peers`."""
        return self._roles.peers.get(self._account, 1)

    async def lead(self) -> None:
        """See `Host.lead`."""
        await self._roles.lead(Role("poller", self._account))
        await self._follow()

    async def share(
        self, parts: Sequence[str], *, evenly: bool = True
    ) -> AsyncGenerator[Sequence[str]]:
        """See `Host.share`."""
        shares = self._roles.share(self._account, parts, evenly=evenly)
        async with contextlib.aclosing(shares):
            async for share in shares:
                await self._follow()
                yield share

    async def let_go(self) -> None:
        """Receive no more, so that other workers may."""
        await self._roles.let_go(self._account)

    async def pass_on(self, name: str, text: str) -> None:
        """See `Host.pass_on`."""
        await self._store.remember(self._account, _PASSED + name, text)

    async def passed(self) -> AsyncGenerator[Mapping[str, str]]:
        """See `Host.passed`."""
        with self._roles.woken() as woken:
            while True:
                woken.clear()
                found = await self._store.recall_all(self._account, _PASSED, _AT_ONCE)
                if found:
                    yield {name.removeprefix(_PASSED): text for name, text in found.items()}
                    await asyncio.gather(*(self.remember(name, None) for name in found))
                else:
                    await woken.wait()

    async def _follow(self) -> None:
        """Go on from where others have stopped to receive."""
        if not self._store.is_sole:
            self._cursors = dict((await self._find()).cursors)
