"""What others ask of an engine that runs: to say something, to connect, and how it stands.

1. To do something is refused with `StateError` by one that does not run yet, or not any more.
2. How it stands is told at any time.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any, Literal

from chatstate.adapter import Adapter
from chatstate.bot.interface import Interface
from chatstate.bot.sending import Announcement, BroadcastReceipt, SendReceipt
from chatstate.engine.blocking import Blocking
from chatstate.engine.connections import Connections
from chatstate.engine.observing import Observer, observed_adapter
from chatstate.engine.parts import Parts
from chatstate.errors import StateError
from chatstate.inspection import Inspection
from chatstate.messages import Target
from chatstate.signature import where
from chatstate.stores.base import Store

Standing = Literal["starting", "running", "stopping"]


class EngineVerbs:
    """What is asked of `Engine`, which has all this from its start."""

    _bot: Interface
    _store: Store
    _observer: Observer | None
    _ended: asyncio.Future[None]
    _connections: Connections | None
    _parts: Parts | None
    _blocking: Blocking | None

    async def send(
        self, to: Target, reply: Any, account: str | None, key: str | None
    ) -> SendReceipt:
        """See `Interface.send`."""
        _, parts = self._running()
        return await parts.outside.sends.send(to, reply, account, key)

    async def broadcast(self, wanted: Announcement) -> BroadcastReceipt:
        """See `Interface.broadcast`."""
        _, parts = self._running()
        return await parts.outside.announcer.announce(wanted)

    async def connect(self, adapter: Adapter, tenant: str = "") -> None:
        """Let one more adapter receive and send; see `Interface.connect`."""
        connections, parts = self._running()
        self._bot.check([adapter])
        connection = await connections.open(self._observed(adapter), tenant)
        await parts.claims.take()
        connections.receive(connection, later=True)
        parts.typing_notices.start()

    def _observed(self, adapter: Adapter) -> Adapter:
        return observed_adapter(adapter, self._observer) if self._observer else adapter

    async def disconnect(self, account: str, *, owed: str = "send") -> None:
        """Let go of an account; see `Interface.disconnect`."""
        connections, _ = self._running()
        await connections.close(account, owed)

    @property
    def standing(self) -> Standing:
        """Whether it receives yet, or not any more."""
        if not self.is_open:
            return "starting"
        return "stopping" if self._ended.done() else "running"

    @property
    def inspection(self) -> Inspection:
        """What can be seen of its store."""
        return self._store

    @property
    def unreached(self) -> Sequence[str]:
        """The accounts that receive here and are not reached, and why."""
        return self._connections.unreached if self._connections else ()

    @property
    def clocks(self) -> Sequence[str]:
        """The accounts whose platform tells a time that is far from this machine's."""
        return self._connections.clocks if self._connections else ()

    @property
    def store_trouble(self) -> str:
        """What keeps the store from writing now, as far as it knows; "" if nothing does."""
        return self._store.trouble

    def slow(self, seconds: float) -> Sequence[str]:
        """Return which handlers run for longer than that, and when they are ended."""
        if not self._parts:
            return ()
        return [
            f"{where(plan.handler.author_fn)} runs for {ran:.0f} s, of at most {plan.timeout:g} s"
            for plan, ran in self._parts.fences.slow(seconds)
        ]

    async def prove(self) -> None:
        """Write something to the store, and return once it is durable.

        Raises `StorageError`, or takes as long as the store does.
        """
        _, parts = self._running()
        await parts.prove()

    @property
    def is_open(self) -> bool:
        """Whether its lifespans are, so that its accounts receive."""
        return self._blocking is not None

    def name_of(self, account: int) -> str:
        """Return what an account is called, by its number in the store: "telegram:shop"."""
        return self._connections.name_of(account) if self._connections else str(account)

    @property
    def accounts(self) -> Sequence[str]:
        """The names of the accounts that are connected."""
        return self._connections.names if self._connections else ()

    def _running(self) -> tuple[Connections, Parts]:
        if not (self._connections and self._parts) or self._ended.done():
            raise StateError(f"bot {self._bot.id!r} does not run yet, or does not any more")
        return self._connections, self._parts
