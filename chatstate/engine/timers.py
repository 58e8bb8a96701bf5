"""Timers of one bot: its own schedules are set, and what is due fires.

1. A timer fires by becoming an event of its conversation; what its turn does is in `turns.timing`.
2. What is due is looked for in slices, and only so many events are made as are soon handled:
   neither start nor memory grows with the timers that are set, or were missed.
3. A bot's own schedules are timers of an account of the framework's, each in a lane of its own:
   so there is one of each in a store, on whatever platforms the bot runs.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator

import msgspec

from chatstate.bot.interface import Interface
from chatstate.bot.timers import Told
from chatstate.clock import Clock
from chatstate.engine.accounts import Accounts, Nowhere
from chatstate.engine.inbox.lanes import Lanes
from chatstate.engine.inbox.receipts import EventReceipt, Receipts
from chatstate.engine.states.commits import Commits
from chatstate.engine.turns.plan import Plans
from chatstate.engine.turns.timing import TurnTimers
from chatstate.messages import Chat
from chatstate.stores.accounts import OWN
from chatstate.stores.base import Arrival, Store, StoredTimer

log = logging.getLogger("chatstate.engine")

_SLICE = 64  # timers in one transaction; more would stop the event loop for too long
_AT_ONCE = 1000


class Timers:
    """Fires the timers of one bot. `of_turns`: what turns do with them. `have_fired`: any has."""

    def __init__(
        self,
        bot: Interface,
        *,
        accounts: Accounts,
        store: Store,
        lanes: Lanes,
        receipts: Receipts,
        commits: Commits,
        plans: Plans,
        clock: Clock,
        versions: Iterator[int],
    ) -> None:
        self.of_turns = TurnTimers(
            bot,
            accounts=accounts,
            store=store,
            commits=commits,
            plans=plans,
            clock=clock,
            versions=versions,
        )
        self._routes = bot.routes.timers
        self._accounts = accounts
        self._store = store
        self._lanes = lanes
        self._receipts = receipts
        self._clock = clock
        self._versions = versions
        self._looking = asyncio.Lock()
        self._fired: dict[int, EventReceipt] = {}
        self.have_fired = False

    async def start(self) -> None:
        """Set the bot's own schedules, and tell of timers whose handlers are gone."""
        known = set(await self._store.timer_handlers(self._accounts.connected))
        for name in sorted(known.difference(self._routes, ("",))):
            log.warning(
                "timers are set for %s(), and the bot has no such handler of timers any more: each "
                "that fires will be a dead letter; give it back (@bot.on_timer)",
                name,
            )
        scheduled = [name for name, route in self._routes.items() if route.schedule]
        if scheduled:
            account = await self._store.account(OWN, "schedules")
            self._accounts.add_own(account, Nowhere())
            await self._store.schedule([await self._own(account.id, name) for name in scheduled])

    async def _own(self, account: int, name: str) -> StoredTimer:
        schedule = self._routes[name].schedule
        if schedule is None:
            raise RuntimeError("what has no schedule is not set by itself")
        place = await self._store.place(account, Chat(""), name)
        slot = schedule.next(self._clock.time())
        text = msgspec.json.encode(Told(schedule=schedule)).decode()
        generation = next(self._versions)
        return StoredTimer(place.conversation, 0, name, generation, slot.at, name, text, slot.name)

    async def when_next(self) -> float | None:
        """Return when the next timer fires; None if there is none."""
        return (await self._store.fire(self._accounts.connected, 0)).next_at

    async def look(self) -> bool:
        """Let what is due fire; tell whether there is more at once."""
        async with self._looking:
            return await self._look()

    async def _look(self) -> bool:
        room = min(_SLICE, _AT_ONCE - len(self._fired))
        if room <= 0 or self._lanes.stopping or self._lanes.paused:
            return False
        with self._lanes.expecting():
            fired = await self._store.fire(self._accounts.connected, room)
            for arrival in fired.arrivals:
                self._add(arrival)
        return len(fired.arrivals) == room

    def _add(self, arrival: Arrival) -> None:
        self.have_fired = True
        self._fired[arrival.seq] = self._receipts.stored(
            arrival.seq, told=lambda: self._is_over(arrival.seq)
        )
        self._lanes.add(arrival)

    def _is_over(self, seq: int) -> None:
        self._fired.pop(seq, None)

    async def settle(self, seconds: float) -> None:
        """Return when all that is due has fired and its turns are over, or after so many seconds.

        For tests.
        """
        while True:
            more = await self.look()
            waiting = [asyncio.ensure_future(_settled(r)) for r in self._fired.values()]
            if waiting:
                done, _ = await asyncio.wait(waiting, timeout=seconds)
                for left in waiting:
                    left.cancel()
                if not done:
                    return
            elif not more:
                return


async def _settled(receipt: EventReceipt) -> None:
    await receipt.settled()
