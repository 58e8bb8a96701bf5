"""The engine, as one adapter sees it."""

from __future__ import annotations

import asyncio
import functools
import logging
from collections.abc import Awaitable, Callable, Sequence

from chatstate.bot.interface import Interface
from chatstate.engine.inbox.lanes import Lanes
from chatstate.engine.inbox.receipts import EventReceipt
from chatstate.engine.outbox.rendering import Renderer
from chatstate.engine.outbox.sender import Sender
from chatstate.engine.turns.turns import Turns
from chatstate.language.sentences import say
from chatstate.messages import Command, Event, Message, Reply
from chatstate.stores.base import Account, Arrival, Ingested, Store

log = logging.getLogger("chatstate.engine")

_AT_ONCE = 64  # more events in one transaction would stop the event loop for too long


class AccountHost:
    """Takes in the events of one account."""

    def __init__(
        self,
        bot: Interface,
        account: Account,
        store: Store,
        lanes: Lanes,
        turns: Turns,
        sender: Sender,
        receipts: dict[int, EventReceipt],
        renderer: Renderer,
        moved: Callable[[int, str, str], Awaitable[None]],
    ) -> None:
        self._bot = bot
        self._renderer = renderer
        self._moved = moved
        self._account = account.id
        self._cursor = account.cursor
        self._store = store
        self._lanes = lanes
        self._turns = turns
        self._sender = sender
        self._receipts = receipts
        self._refusing: set[int] = set()
        self._interrupts = bot.routes.interrupts

    @property
    def commands(self) -> Sequence[Command]:
        """See `Host.commands`."""
        return self._bot.commands

    @property
    def cursor(self) -> str | None:
        """See `Host.cursor`."""
        return self._cursor

    def refusal(self, message: Message) -> str | None:
        """See `Host.refusal`."""
        return self._turns.refusal(message)

    async def deliver(
        self, events: Sequence[Event], cursor: str | None = None
    ) -> Sequence[EventReceipt]:
        """See `Host.deliver`."""
        if self._lanes.stopping:  # what is not stored is not acknowledged, and comes again
            await asyncio.get_running_loop().create_future()
        receipts: list[EventReceipt] = []
        for first in range(0, max(len(events), 1), _AT_ONCE):
            some = events[first : first + _AT_ONCE]
            last = first + _AT_ONCE >= len(events)
            receipts += await self._take_in(some, cursor if last else None)
        if cursor is not None:
            self._cursor = cursor
        return receipts

    async def moved(self, old: str, new: str) -> None:
        """See `Host.moved`."""
        await self._moved(self._account, old, new)

    async def _take_in(self, events: Sequence[Event], cursor: str | None) -> list[EventReceipt]:
        receipts: list[EventReceipt] = []
        stored = asyncio.ensure_future(self._store.ingest(self._account, events, cursor))
        stored.add_done_callback(functools.partial(self._accept_all, receipts))
        await asyncio.shield(stored)
        return receipts

    def _accept_all(
        self, receipts: list[EventReceipt], stored: asyncio.Future[Sequence[Ingested]]
    ) -> None:
        """Let what was stored into its lane, though whoever delivered it may be cancelled.

        At once: a turn that was committed with it, and that a duplicate of its event waits for,
        ends with the next step of the loop.
        """
        if not stored.cancelled() and not stored.exception():
            receipts += [self._accept(one) for one in stored.result()]

    def _accept(self, ingested: Ingested) -> EventReceipt:
        arrival = ingested.arrival
        if ingested.status == "stored" and arrival:
            receipt = EventReceipt("stored")
            self._receipts[arrival.seq] = receipt
            if self._refusing:
                self._refusing.discard(arrival.place.conversation)
            if ingested.dropped is not None:
                self._drop(arrival.place.conversation, ingested.dropped)
            if self._interrupts:
                self._turns.arrived(arrival)
            self._lanes.add(arrival)
            return receipt
        if ingested.status == "refused" and arrival:
            self._refuse(arrival)
        if ingested.pending is not None:
            return _Again(self._receipts.setdefault(ingested.pending, EventReceipt("stored")))
        return EventReceipt(ingested.status, done=True)

    def _drop(self, conversation: int, seq: int) -> None:
        self._lanes.drop(conversation, seq)
        dropped = self._receipts.pop(seq, None)
        if dropped:
            dropped.owes(0)

    def _refuse(self, arrival: Arrival) -> None:
        """Tell the conversation, once until an event of it is taken again."""
        conversation = arrival.place.conversation
        if conversation in self._refusing:
            return
        self._refusing.add(conversation)
        chat = arrival.event.message.chat.id
        log.warning("too many events wait in chat %s; refusing more", chat)
        sentences = self._bot.sentences.of(arrival.event.message.sender.language)
        reply = Reply(say(sentences, "too_busy"))
        for outbound in self._renderer.render(arrival, [reply]).outbound:
            self._sender.add(outbound)


class _Again(EventReceipt):
    """The receipt of a duplicate whose event is still waiting."""

    __slots__ = ("_first",)

    def __init__(self, first: EventReceipt) -> None:
        super().__init__("duplicate")
        self._first = first

    async def settled(self) -> None:
        await self._first.settled()
