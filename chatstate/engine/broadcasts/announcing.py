"""Noting what a bot is to say to many, and steering it.

1. A job is stored before anything else. Whom it is for is gathered here, before the caller goes on,
   if they are listed, or chosen by a function of the author's: nobody else has that. A caller who
   is killed meanwhile calls again.
2. What is said under a key once is not said otherwise under it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Literal, cast, get_args

from msgspec.structs import replace

from chatstate.bot.interface import Interface
from chatstate.bot.sending import Announcement, Whom, in_loop
from chatstate.clock import Clock
from chatstate.engine.broadcasts.gathering import Gathering, Where
from chatstate.engine.broadcasts.jobs import job_ref, new_job
from chatstate.engine.outbox.letters import Letter
from chatstate.engine.outbox.spool import Spool
from chatstate.engine.sends import Sends
from chatstate.errors import StateError
from chatstate.messages import Target
from chatstate.state.bound import BoundState
from chatstate.state.declaration import State
from chatstate.stores.base import Store
from chatstate.stores.broadcasts import Audience, Broadcast, Crowd, Order, Recipient


class Announcer:
    """Notes the jobs of one bot. `look` lets them be carried on with."""

    def __init__(
        self,
        bot: Interface,
        *,
        store: Store,
        sends: Sends,
        spool: Spool,
        clock: Clock,
        look: Callable[[], None],
    ) -> None:
        self._bot = bot
        self._store = store
        self._sends = sends
        self._spool = spool
        self._clock = clock
        self._gathering = Gathering(store, bot.states)
        self._look = look

    async def announce(self, wanted: Announcement) -> Receipt:
        """See `Interface.broadcast`."""
        key = wanted.key
        said, files = await self._sends.written(wanted.reply)
        listed, audience = await self._audience(wanted.to, wanted.where, wanted.account)
        ref = job_ref(self._bot.id, key)
        is_known = any(job.key == key for job in await self._store.broadcasts(self._bot.id))
        kept = [] if is_known or not files else await self._spool.keep_all(ref, files)
        new = new_job(key, Letter(ref, said, files=kept), audience, self._clock.time(), listed)
        job = await self._store.announce(new)
        if job.content != new.content:
            raise StateError(
                f"bot.broadcast: under the key {key!r} something else is said, or to others, as "
                f"broadcast {job.number}; take another key"
            )
        while job.standing == "gathering" and audience.is_chosen:
            job = await self._gathering.add_page(job, listed, wanted.where)
        self._look()
        return Receipt(self, job.number, "duplicate" if is_known else "stored")

    async def found(self, number: int) -> Broadcast:
        """Return a job as it is now."""
        jobs = await self._store.broadcasts(self._bot.id)
        return next(job for job in jobs if job.number == number)

    async def steer(self, number: int, order: Order) -> Broadcast:
        """Give an order to a job, and return it."""
        await self._store.steer(number, order)
        self._look()
        return await self.found(number)

    # To whom

    async def _audience(
        self, to: Whom, where: Where | None, account: str | None
    ) -> tuple[Sequence[Recipient], Audience]:
        """Return who is meant, and each who is listed. Raises `TypeError`, `StateError`."""
        if where is not None and not isinstance(to, State):
            raise TypeError("bot.broadcast: where= chooses among those who have a value of a State")
        audience = Audience(self._bot.id, is_chosen=where is not None)
        if account is not None:
            audience = replace(audience, account=(await self._sends.account(account)).id)
        if isinstance(to, State):
            state = _durable(self._bot.states.find(to))
            return (), replace(audience, state=(state.scope, state.name))
        if to in get_args(Crowd):
            return (), replace(audience, crowd=cast("Crowd", to))
        if isinstance(to, list | tuple):
            listed = await self._listed(cast("Sequence[Target]", to), account)
            return listed, replace(audience, is_chosen=True)
        raise TypeError(
            'bot.broadcast: to= takes "private", "groups", "all", a State, or a list of Chat, User '
            f"and MessageRef, not {to!r}"
        )

    async def _listed(self, to: Sequence[Target], account: str | None) -> list[Recipient]:
        by = await self._sends.account(account)
        letters = [await self._sends.addressed(Letter("", []), target) for target in to]
        return [Recipient(by.id, letter.chat, letter.thread, letter.user) for letter in letters]


class Receipt:
    """The `BroadcastReceipt` of a job."""

    def __init__(
        self, announcer: Announcer, number: int, status: Literal["stored", "duplicate"]
    ) -> None:
        self.number = number
        self.status: Literal["stored", "duplicate"] = status
        self._announcer = announcer
        self._loop = asyncio.get_running_loop()

    async def progress(self) -> Broadcast:
        """See `BroadcastReceipt.progress`."""
        return await in_loop(self._loop, self._announcer.found(self.number))

    async def pause(self) -> Broadcast:
        """See `BroadcastReceipt.pause`."""
        return await self._steer("pause")

    async def resume(self) -> Broadcast:
        """See `BroadcastReceipt.resume`."""
        return await self._steer("resume")

    async def cancel(self) -> Broadcast:
        """See `BroadcastReceipt.cancel`."""
        return await self._steer("cancel")

    async def recall(self) -> Broadcast:
        """See `BroadcastReceipt.recall`."""
        return await self._steer("recall")

    async def _steer(self, order: Order) -> Broadcast:
        return await in_loop(self._loop, self._announcer.steer(self.number, order))


def _durable(state: BoundState) -> BoundState:
    """Return a state whose values are stored, and somebody's. Raises `StateError`."""
    if state.scope == "global" or not state.lifecycle.durable:
        what = "is everybody's" if state.scope == "global" else "is in memory alone"
        raise StateError(
            f"bot.broadcast: {state.scope} state {state.name!r} {what}: it names nobody"
        )
    return state
