"""The engine, as one adapter sees it.

1. What is delivered in one step of the event loop is stored together, in as few transactions as
   do not stop the loop for too long.
2. What cannot be stored fails its own delivery alone. An event that could never be read again is
   left out, and told of: whoever delivers it would do so for ever.
3. What is stored is in its lane, though whoever delivered it may be gone. It may be there before
   it is durable, if the store says so; whoever delivered it is told when it is. Not where a bot is
   told of what expires: that goes first, also where it comes from another conversation.
4. What the bot has no handler for is told once, by its kind or its name, and stored without the
   platform's payload.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import logging
from collections.abc import Awaitable, Callable, Sequence

from msgspec.structs import replace

from chatstate.adapter import Action, Adapter, PostForm, of_clocks
from chatstate.bot.interface import Interface
from chatstate.clock import Clock, growing_pauses
from chatstate.engine.inbox.deliveries import Delivery, Share, transactions
from chatstate.engine.inbox.lanes import Lanes
from chatstate.engine.inbox.receipts import EventReceipt, Receipts
from chatstate.engine.lease import Lease
from chatstate.engine.outbox.rendering import Renderer
from chatstate.engine.outbox.sender import Sender
from chatstate.engine.roles import Roles
from chatstate.engine.states.volatile import VolatileStates
from chatstate.engine.telling import Telling
from chatstate.engine.transcript import AccountTranscript
from chatstate.engine.turns.dispatch import Dispatch
from chatstate.engine.turns.fences import Fences
from chatstate.engine.turns.modals import Modals
from chatstate.engine.turns.quick import QuickTurns
from chatstate.errors import AdapterError
from chatstate.language.sentences import say
from chatstate.messages import Event, Message
from chatstate.replies import Reply
from chatstate.stores.base import Account, Arrival, Ingested, Store

log = logging.getLogger("chatstate.engine")


class AccountHost(Telling):
    """Takes in the events of one account."""

    def __init__(
        self,
        bot: Interface,
        account: Account,
        *,
        adapter: Adapter,
        find: Callable[[], Awaitable[Account]],
        roles: Roles,
        lease: Lease | None,
        store: Store,
        clock: Clock,
        lanes: Lanes,
        receipts: Receipts,
        dispatch: Dispatch,
        fences: Fences,
        quick: QuickTurns,
        modals: Modals,
        sender: Sender,
        renderer: Renderer,
        moved: Callable[[int, str, str], Awaitable[None]],
        volatile: VolatileStates | None,
        connected: Callable[[str], None],
    ) -> None:
        super().__init__(
            bot,
            account,
            adapter=adapter,
            store=store,
            roles=roles,
            lease=lease,
            find=find,
            lanes=lanes,
        )
        self.transcript = AccountTranscript(store, account.id)
        self._clock = clock
        self._receipts = receipts
        self._dispatch = dispatch
        self._fences = fences
        self._quick = quick
        self._modals = modals
        self._most = adapter.capabilities.modals
        self._private_chat = adapter.private_chat
        self._sender = sender
        self._renderer = renderer
        self._moved = moved
        self._volatile = volatile
        self._connected = connected
        self._is_connected = False
        self.trouble = ""
        self.clock = ""
        self._platform = adapter.name
        self._loop = asyncio.get_running_loop()
        self._delivered: list[Delivery] = []
        self._held: list[tuple[list[Share], Sequence[Ingested]]] = []
        self._is_paused = False
        self._refusing: set[int] = set()
        self._interrupts = bot.routes.interrupts
        self._told: set[str] = set()
        if "sent" in self._handled:
            sender.told[account.id] = self._tell_of_sent
        self._is_early = not any(state.lifecycle.on_expire for state in bot.states)

    def connected(self, name: str) -> None:
        """See `Host.connected`."""
        self.trouble = ""
        if not self._is_connected:
            self._is_connected = True
            self._connected(name)

    def lost(self, why: str) -> None:
        """See `Host.lost`."""
        self.trouble = why

    def time_there(self, seconds: float) -> None:
        """See `Host.time_there`."""
        found = of_clocks(seconds, self._platform, self._clock.time())
        is_off = found.level == "failed"
        if is_off and not self.clock:
            log.warning("this machine's clock is %s; %s", found.told, found.remedy)
        self.clock = f"this machine's clock is {found.told}; {found.remedy}" if is_off else ""

    def refusal(self, message: Message) -> str | None:
        """See `Host.refusal`."""
        return self._dispatch.refusal(message)

    async def ask(self, event: Event) -> Sequence[Action] | None:
        """See `Host.ask`."""
        return await self._quick.ask(self._account, event)

    async def complete(self, event: Event) -> Sequence[str] | None:
        """See `Host.complete`."""
        return await self._quick.complete(self._account, event)

    def form(self, event: Event) -> Awaitable[PostForm | None] | None:
        """See `Host.form`."""
        return self._modals.form(self._account, event, self._most)

    def interrupt(self, chat: str, thread: str | None = None) -> bool:
        """See `Host.interrupt`."""
        return self._fences.stop_answer(self._account, chat, thread)

    def guest(self, user: str) -> contextlib.AbstractAsyncContextManager[None]:
        """See `Host.guest`."""
        if self._volatile is None:
            raise AdapterError("its capabilities say that there are no guests: guests=True")
        return self._volatile.guest(self._account, user, self._private_chat)

    async def moved(self, old: str, new: str) -> None:
        """See `Host.moved`."""
        await self._moved(self._account, old, new)

    def deliver(
        self, events: Sequence[Event], cursor: str | None = None, part: str = ""
    ) -> asyncio.Future[Sequence[EventReceipt]]:
        """See `Host.deliver`."""
        done: asyncio.Future[Sequence[EventReceipt]] = self._loop.create_future()
        if self._lanes.stopping:  # what is not stored is not acknowledged, and comes again
            return done
        if not (self._delivered or self._is_paused):
            self._loop.call_soon(self._store_all)
        self._delivered.append(Delivery(events, cursor, part, done))
        return done

    def pause(self) -> None:
        """Store nothing more that is delivered, until `resume`."""
        self._is_paused = True

    def resume(self) -> None:
        """Go on, with what was delivered meanwhile."""
        self._is_paused = False
        self._store_all()

    def _store_all(self) -> None:
        if self._is_paused:
            return
        delivered, self._delivered = self._delivered, []
        for shares in transactions(delivered):
            self._store_together(shares)

    def _store_together(self, shares: list[Share]) -> None:
        events = [event for share in shares for event in share.events]
        with contextlib.suppress(AttributeError, TypeError):  # the store refuses what is no event
            events = [
                event if event.message.kind in self._handled else self._unhandled(event)
                for event in events
            ]
        ended = [share.delivery for share in shares if share.is_last]
        cursors = {given.part: given.cursor for given in ended if given.cursor is not None}
        self._lanes.expect()
        share = bool(self._roles.peers) and self._lanes.is_crowded and self.peers > 1
        ingested = self._store.ingest(
            self._account,
            events,
            cursors,
            share=share,
            early=functools.partial(self._let_in_early, shares) if self._is_early else None,
        )
        stored = asyncio.ensure_future(ingested)
        stored.add_done_callback(lambda done: self._take_in(shares, done))

    def _unhandled(self, event: Event) -> Event:
        """Return an event as it is kept that no handler gets."""
        message = event.message
        if message.update and not self._handled.isdisjoint({message.update, "other"}):
            return event
        what = message.update or message.kind
        if what not in self._told:
            self._told.add(what)
            log.debug("messages of the kind %r have no handler, and are ignored", what)
        return replace(event, message=replace(message, raw=None))

    def _take_in(self, shares: list[Share], stored: asyncio.Future[Sequence[Ingested]]) -> None:
        """Let what was stored into its lane, if it is not yet, and tell whoever delivered it.

        At once: a turn that was committed with it, and that a duplicate of its event waits for,
        ends with the next step of the loop.
        """
        try:
            self._tell_of(shares, stored)
        finally:
            self._lanes.came()

    def _tell_of(self, shares: list[Share], stored: asyncio.Future[Sequence[Ingested]]) -> None:
        if stored.cancelled():
            return
        error = stored.exception()
        if error and len(shares) > 1:
            for share in shares:
                self._store_together([share])
            return
        if not error:
            self._let_in(shares, stored.result())
        for share in shares:
            delivery = share.delivery
            if error and not delivery.done.done():
                delivery.done.set_exception(error)
            elif share.is_last:
                self._tell(delivery)

    def _let_in_early(self, shares: list[Share], ingested: Sequence[Ingested]) -> None:
        """Let events into their lanes while they are being stored, after all that came before."""
        self._held.append((shares, ingested))
        if not self._lanes.expects_own:
            held, self._held = self._held, []
            for those, stored in held:
                self._let_in(those, stored)

    def _let_in(self, shares: list[Share], ingested: Sequence[Ingested]) -> None:
        found = iter(ingested)
        for share in shares:
            if share.is_let_in:
                return  # all of them are
            share.is_let_in = True
            share.delivery.receipts += [self._accept(next(found)) for _ in share.events]

    def _tell(self, delivery: Delivery) -> None:
        if delivery.cursor is not None:
            self._cursors[delivery.part] = delivery.cursor
        if not delivery.done.done():
            delivery.done.set_result(delivery.receipts)

    def _accept(self, ingested: Ingested) -> EventReceipt:
        arrival = ingested.arrival
        if ingested.status == "stored" and arrival:
            receipt = self._receipts.stored(arrival.seq)
            if self._refusing:
                self._refusing.discard(arrival.place.conversation)
            if ingested.dropped is not None:
                self._drop(arrival.place.conversation, ingested.dropped)
            if self._interrupts or self._fences.are_put_off:
                self._fences.arrived(arrival)
            self._lanes.add(arrival)
            return receipt
        if ingested.status == "refused" and arrival:
            self._refuse(arrival)
        if ingested.error:
            log.error(
                "what an adapter delivered is left out, for it could not be read again: %s",
                ingested.error,
            )
        return self._receipts.known(ingested)

    async def _tell_of_sent(self, event: Event) -> None:
        """Store an event of the framework's own, once there is room, also while the bot stops."""
        pauses = growing_pauses()
        while True:
            with self._lanes.expecting():
                (ingested,) = await self._store.ingest(self._account, [event])
                if ingested.status != "refused" or ingested.error:
                    self._accept(ingested)
                    return
            await self._clock.sleep(next(pauses))

    def _drop(self, conversation: int, seq: int) -> None:
        self._lanes.drop(conversation, seq)
        self._receipts.dropped(seq)

    def _refuse(self, arrival: Arrival) -> None:
        """Tell the conversation, once until an event of it is taken again."""
        conversation = arrival.place.conversation
        is_ignored = arrival.event.message.sender.is_bot and not self._bot.routes.hear_bots
        if is_ignored or conversation in self._refusing:
            return
        self._refusing.add(conversation)
        chat = arrival.event.message.chat.id
        log.warning("too many events wait in chat %s; refusing more", chat)
        sentences = self._bot.sentences.of(arrival.event.message.sender.language)
        reply = Reply(say(sentences, "too_busy"))
        try:
            self._sender.add(self._renderer.render([arrival], [reply]).outbound)
        except Exception:  # what an adapter's `render` raises must stop nobody who delivers
            log.exception("the adapter cannot even show that")
