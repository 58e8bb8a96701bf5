"""Accounts while a bot runs: connected, received for, and disconnected.

1. An account has one adapter at a time in a run. Of several runs one lets it receive, or it shares
   that out itself, where it is run `on_each_worker`.
2. What ends an adapter that the engine was started with ends the engine. The end of one that was
   connected later is logged, and what is owed to its account waits until that is back.
3. A disconnected account delivers nothing more; what it had delivered is handled. What is owed to
   it is sent before it goes, or becomes dead letters.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from chatstate.adapter import Adapter
from chatstate.clock import Clock
from chatstate.engine.accounts import Accounts
from chatstate.engine.host import AccountHost
from chatstate.errors import AdapterError, StateError, StorageError
from chatstate.stores.base import Account, Filter, Shelf, Store

log = logging.getLogger("chatstate.engine")

_ON_OWED = ("send", "dead")
LOCAL = "local"
"""The account of a platform that has none, such as a terminal: it may be many bots'."""
_SOON = 0.05
_CANCEL_SECONDS = 1.0
_WORK: tuple[Shelf, ...] = ("inbox", "outbox")


@dataclass(eq=False)
class Connection:
    """An account that is there: what delivers for it, and the task in which it receives."""

    account: Account
    adapter: Adapter
    host: AccountHost
    task: asyncio.Task[None] | None = None


class Connections:
    """The connected accounts of one engine."""

    def __init__(
        self,
        bot: str,
        *,
        store: Store,
        clock: Clock,
        accounts: Accounts,
        guarded: Callable[[Adapter], Adapter],
        make_host: Callable[[Account, Adapter, Callable[[], Awaitable[Account]]], AccountHost],
    ) -> None:
        self._bot = bot
        self._store = store
        self._clock = clock
        self._accounts = accounts
        self._guarded = guarded
        self._make_host = make_host
        self._connections: dict[int, Connection] = {}

    @property
    def tasks(self) -> list[asyncio.Task[None]]:
        """Those in which adapters receive."""
        return [connection.task for connection in self._connections.values() if connection.task]

    @property
    def hosts(self) -> list[AccountHost]:
        """What delivers for each of them."""
        return [connection.host for connection in self._connections.values()]

    @property
    def names(self) -> list[str]:
        """What the accounts that are there are called: "telegram:123", and also "telegram:shop"."""
        return [name for there in self._connections.values() for name in _names(there.adapter)]

    def name_of(self, account: int) -> str:
        """Return what an account is called, by its number; that if it is not there."""
        there = self._connections.get(account)
        return _names(there.adapter)[-1] if there else str(account)

    @property
    def unreached(self) -> list[str]:
        """The accounts that receive here and are not reached, and why."""
        return [
            f"{_names(connection.adapter)[-1]}: {connection.host.trouble}"
            for connection in self._connections.values()
            if connection.task and connection.host.trouble
        ]

    @property
    def clocks(self) -> list[str]:
        """The accounts whose platform tells a time that is far from this machine's."""
        return [
            f"{_names(connection.adapter)[-1]}: {connection.host.clock}"
            for connection in self._connections.values()
            if connection.host.clock
        ]

    async def open(self, adapter: Adapter, tenant: str = "") -> Connection:
        """Let an adapter send for its account from now on; it does not receive yet.

        Raises `AdapterError` if the account has an adapter, or another one its label, and
        `StateError` if it is another bot's, or another tenant's.
        """
        there = self._find(f"{adapter.name}:{adapter.account}")
        if there and not (there.task and there.task.done()):
            raise AdapterError(
                f"account {adapter.account} on {adapter.name} is wanted twice; each account has "
                "one adapter, and a token of its own"
            )
        other = self._find(_names(adapter)[-1])
        if other and other is not there:
            raise AdapterError(
                f"account {adapter.account} on {adapter.name} has the label {adapter.label!r}, "
                f"which is a name of account {other.adapter.account}: give it another"
            )
        adapter = self._guarded(adapter)
        find = functools.partial(self._account, adapter, tenant)
        account = await find()
        connection = Connection(account, adapter, self._make_host(account, adapter, find))
        self._connections[account.id] = connection
        adapter.attach(connection.host)
        return connection

    def receive(self, connection: Connection, *, later: bool = False) -> None:
        """Let an adapter receive; `later`: the engine has begun without it, and goes on so."""
        receiving = self._receive(connection)
        connection.task = asyncio.create_task(receiving, name=connection.adapter.name)
        if later:
            connection.task.add_done_callback(lambda task: _tell(connection.adapter, task))

    async def _receive(self, connection: Connection) -> None:
        if not connection.adapter.on_each_worker:
            await connection.host.lead()
        try:
            await connection.adapter.run(connection.host)
        except Exception:
            with contextlib.suppress(StorageError):  # then the run is over, with all it has
                await connection.host.let_go()
            raise

    async def _account(self, adapter: Adapter, tenant: str) -> Account:
        alone = adapter.account != LOCAL
        return await self._store.account(adapter.name, adapter.account, tenant=tenant, alone=alone)

    async def close(self, name: str, owed: str) -> None:
        """Let go of an account by one of its names, once nothing of it is left to do.

        Cancelled meanwhile, it stays. Raises `StateError` if there is none of this name.
        """
        if owed not in _ON_OWED:
            raise ValueError(f'owed={owed!r}: what is owed is "send" or "dead"')
        connection = self._find(name)
        if connection is None:
            there = ", ".join(self.names) or "none"
            raise StateError(f"no account {name!r} is connected; there are {there}")
        connection.host.pause()
        try:
            if owed == "dead":
                self._accounts.refuse(connection.account.id)
            await self._drained(connection.adapter)
        except BaseException:  # whoever waits for it may have been cancelled
            self._accounts.add(connection.account, connection.adapter)
            connection.host.resume()
            raise
        await self._end(connection)

    async def _drained(self, adapter: Adapter) -> None:
        """Return once no event of an account waits and nothing is owed to it."""
        wanted = Filter(bot=self._bot, platform=adapter.name, account=adapter.account, limit=1)
        for shelf in _WORK:
            while await self._store.list(shelf, wanted):
                await self._clock.sleep(_SOON)

    async def _end(self, connection: Connection) -> None:
        self._accounts.remove(connection.account.id)
        del self._connections[connection.account.id]
        if connection.task:
            connection.task.cancel()
            _, stubborn = await asyncio.wait([connection.task], timeout=_CANCEL_SECONDS)
            for task in stubborn:
                log.warning("%r does not end when it is cancelled; let CancelledError pass", task)
        await self._store.leave(connection.account.id)

    def _find(self, name: str) -> Connection | None:
        for connection in self._connections.values():
            if name in _names(connection.adapter):
                return connection
        return None


def _names(adapter: Adapter) -> list[str]:
    """Return what an account is called: by its id, and by its label if it has one."""
    return [f"{adapter.name}:{name}" for name in (adapter.account, adapter.label) if name]


def _tell(adapter: Adapter, task: asyncio.Task[None]) -> None:
    if not task.cancelled():
        log.error(
            "account %s on %s receives no more; connect it again, or disconnect it",
            *(adapter.account, adapter.name),
            exc_info=task.exception(),
        )
