"""Into the lanes: events of the framework's own, once a store has made them of something else."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from chatstate.engine.inbox.lanes import Lanes
from chatstate.engine.inbox.receipts import EventReceipt, Receipts
from chatstate.stores.base import Ingested


class OwnIntake:
    """Adds events to the lanes of a run."""

    def __init__(self, lanes: Lanes, receipts: Receipts) -> None:
        self._lanes = lanes
        self._receipts = receipts

    @property
    def is_over(self) -> bool:
        """Whether nothing more is to be taken in: the process ends."""
        return self._lanes.stopping

    async def add(
        self, storing: Awaitable[Ingested | None], told: Callable[[], None] | None = None
    ) -> EventReceipt | None:
        """Add what is being stored; None if that is nothing, or refused.

        `told` is called once its turn is committed, if this run stored it.
        """
        with self._lanes.expecting():
            ingested = await storing
            if ingested is None or ingested.status == "refused":
                return None
            return self._receipt(ingested, told)

    def _receipt(self, ingested: Ingested, told: Callable[[], None] | None) -> EventReceipt:
        arrival = ingested.arrival
        if ingested.status == "stored" and arrival:
            receipt = self._receipts.stored(arrival.seq, told=told)
            self._lanes.add(arrival)
            return receipt
        return self._receipts.known(ingested)
