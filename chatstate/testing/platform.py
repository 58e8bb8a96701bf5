"""A platform made for tests, at the adapter's boundary."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence

import msgspec

from chatstate.adapter import Action, Capabilities, Host, Part, Sent
from chatstate.errors import Ambiguous
from chatstate.messages import Reply


class Delivered(msgspec.Struct, frozen=True):
    """A reply as it arrived. `event` is the id of the event it answers; `key` its own."""

    text: str
    chat: str
    thread: str | None
    event: str | None
    key: str


class FakePlatform:
    """An adapter whose platform is this object: `delivered` is all that was ever sent to it.

    With `idempotent_for` seconds above 0 it knows keys: a repeated call has no second effect.
    """

    def __init__(
        self, name: str = "test", account: str = "bot", *, idempotent_for: float = 0.0
    ) -> None:
        self.name = name
        self.account = account
        self.capabilities = Capabilities(idempotent_for=idempotent_for)
        self.delivered: list[Delivered] = []
        self.tries = 0
        self._host: asyncio.Future[Host] | None = None
        self._faults: deque[tuple[Exception, bool]] = deque()
        self._works = asyncio.Event()
        self._works.set()

    def fail_next(self, error: Exception, times: int = 1) -> None:
        """Let the next calls have no effect and raise `error`."""
        self._faults.extend([(error, False)] * times)

    def lose_next(self, times: int = 1) -> None:
        """Let the next calls take effect, but lose the answers."""
        self._faults.extend([(Ambiguous("the answer was lost"), True)] * times)

    def stall(self) -> None:
        """Let calls wait until `recover`."""
        self._works.clear()

    def recover(self) -> None:
        """End a `stall`."""
        self._works.set()

    async def connected(self) -> Host:
        """Return the engine, once it runs this adapter."""
        if self._host is None:
            self._host = asyncio.get_running_loop().create_future()
        return await asyncio.shield(self._host)

    async def run(self, host: Host) -> None:
        """Offer the engine to the test, until cancelled."""
        loop = asyncio.get_running_loop()
        if self._host is None or self._host.done():
            self._host = loop.create_future()
        self._host.set_result(host)
        try:
            await loop.create_future()
        finally:
            self._host = None

    def render(self, reply: Reply) -> Sequence[Part]:
        """Return the reply as one part."""
        return ({"text": reply.text},)

    async def perform(self, action: Action) -> Sent:
        """Note a reply, or do what the test asked for."""
        self.tries += 1
        await self._works.wait()
        error, lost = self._faults.popleft() if self._faults else (None, True)
        known = self.capabilities.idempotent_for and any(
            one.key == action.key for one in self.delivered
        )
        if lost and not known:
            self.delivered.append(
                Delivered(
                    str(action.part["text"]), action.chat, action.thread, action.origin, action.key
                )
            )
        if error:
            raise error
        return Sent(str(len(self.delivered)))
