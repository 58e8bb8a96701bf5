"""A platform made for tests, at the adapter's boundary."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import msgspec

from chatstate.adapter import Action, Capabilities, Host, Part, Sent
from chatstate.messages import Reply


class Delivered(msgspec.Struct, frozen=True):
    """A reply as it arrived. `event` is the id of the event it answers; `key` its own."""

    text: str
    chat: str
    thread: str | None
    event: str | None
    key: str


class FakePlatform:
    """An adapter whose platform is this object: `delivered` is all that was ever sent to it."""

    capabilities = Capabilities()

    def __init__(self, name: str = "test", account: str = "bot") -> None:
        self.name = name
        self.account = account
        self.delivered: list[Delivered] = []
        self.host: asyncio.Future[Host] | None = None

    async def run(self, host: Host) -> None:
        """Offer the engine to the test, until cancelled."""
        loop = asyncio.get_running_loop()
        if self.host is None or self.host.done():
            self.host = loop.create_future()
        self.host.set_result(host)
        try:
            await loop.create_future()
        finally:
            self.host = None

    async def connected(self) -> Host:
        """Return the engine, once it runs this adapter."""
        if self.host is None:
            self.host = asyncio.get_running_loop().create_future()
        return await asyncio.shield(self.host)

    def render(self, reply: Reply) -> Sequence[Part]:
        """Return the reply as one part."""
        return ({"text": reply.text},)

    async def perform(self, action: Action) -> Sent:
        """Note a reply."""
        self.delivered.append(
            Delivered(
                str(action.part["text"]), action.chat, action.thread, action.origin, action.key
            )
        )
        return Sent(str(len(self.delivered)))
