"""What `Interface.send` and `broadcast` give back, and how whoever runs the bot is asked."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol, TypeVar

from chatstate.messages import MessageRef, Target
from chatstate.state.declaration import State
from chatstate.stores.broadcasts import Broadcast, Crowd

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


Whom = Crowd | State | Sequence[Target]
"""To whom a broadcast goes: "private", "groups" or "all"; everybody who has a value of a state; or
those who are listed."""


@dataclass(frozen=True, kw_only=True)
class Announcement:
    """What a bot is to say to many; see `Interface.broadcast`."""

    reply: Any
    to: Whom
    key: str
    where: Callable[[Any], bool] | None
    account: str | None


class BroadcastReceipt(Protocol):
    """A broadcast: a job of the store by its `number`, whoever runs the bot.

    `duplicate`: it was noted before, under the same key.
    """

    @property
    def number(self) -> int: ...

    @property
    def status(self) -> Literal["stored", "duplicate"]: ...

    async def progress(self) -> Broadcast:
        """Return how far it is."""
        ...

    async def pause(self) -> Broadcast:
        """Reach nobody else until it is resumed."""
        ...

    async def resume(self) -> Broadcast:
        """Go on."""
        ...

    async def cancel(self) -> Broadcast:
        """Reach nobody else, for good."""
        ...

    async def recall(self) -> Broadcast:
        """Reach nobody else, and delete the first message of each who was reached."""
        ...


async def in_loop(loop: asyncio.AbstractEventLoop, wanted: Coroutine[Any, Any, T]) -> T:
    """Return what is done in another loop, or in this one."""
    if asyncio.get_running_loop() is loop:
        return await wanted
    return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(wanted, loop))
