"""What `Interface.send` gives back, and how it is asked of whoever runs the bot."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, Literal, Protocol, TypeVar

from chatstate.messages import MessageRef

T = TypeVar("T")


class SendReceipt(Protocol):
    """What became of something that a bot was given to send.

    `duplicate`: it was given before, under the same key.
    """

    @property
    def status(self) -> Literal["stored", "duplicate"]: ...

    @property
    def is_connected(self) -> bool:
        """Whether the bot runs on the account now; if not for 7 days, it is a dead letter."""
        ...

    @property
    def message(self) -> MessageRef:
        """What leads to its first message for 30 days, sent or not: to edit or to delete it."""
        ...

    async def settled(self) -> None:
        """Return when all of it is sent, held or dead."""
        ...


async def in_loop(loop: asyncio.AbstractEventLoop, wanted: Coroutine[Any, Any, T]) -> T:
    """Return what is done in another loop, or in this one."""
    if asyncio.get_running_loop() is loop:
        return await wanted
    return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(wanted, loop))
