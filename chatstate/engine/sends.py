"""What a bot is given to send outside of turns: from `bot.send` into the lane of a conversation.

1. It is stored before anything else, as a request. A run that has its account takes it up: it is an
   event of the conversation then, whose turn owes the replies. Until then it survives everything.
2. It is sent once under one key, for 30 days: the key is its reference.
3. A private chat that is not known is asked of the platform first. While that cannot tell, what is
   for other chats goes on.
4. What no run can take up for 7 days is a dead letter, and can be retried.
"""

from __future__ import annotations

import asyncio
import functools
import logging
from typing import Any, Literal

import msgspec

from chatstate.bot.returns import replies, told_of
from chatstate.bot.sending import in_loop
from chatstate.clock import Clock
from chatstate.engine.accounts import Accounts
from chatstate.engine.egress.egress import Egress
from chatstate.engine.inbox.own_intake import OwnIntake
from chatstate.engine.inbox.receipts import EventReceipt, Receipts
from chatstate.engine.outbox.letters import Letter, event_of, ref_of, request_for, written
from chatstate.engine.outbox.spool import Spool
from chatstate.engine.private_chats import PrivateChats
from chatstate.errors import ReplyError, StateError
from chatstate.files import File
from chatstate.messages import Chat, Event, MessageRef, Target, User
from chatstate.stores.accounts import chosen, named
from chatstate.stores.base import Asked, DeadLetter, KnownAccount, Store

log = logging.getLogger("chatstate.engine")

_DEAD_AFTER = 7 * 24 * 3600.0
_AT_ONCE = 64
_decode = msgspec.json.Decoder(Letter).decode


class Receipt:
    """The `SendReceipt` of something; `taken` is done once it is an event, or dead."""

    def __init__(
        self,
        status: Literal["stored", "duplicate"],
        message: MessageRef,
        taken: asyncio.Future[EventReceipt],
        *,
        is_connected: bool,
    ) -> None:
        self.status: Literal["stored", "duplicate"] = status
        self.message = message
        self.is_connected = is_connected
        self._taken = taken

    async def settled(self) -> None:
        """See `SendReceipt.settled`."""
        await in_loop(self._taken.get_loop(), self._settled())

    async def _settled(self) -> None:
        receipt = await asyncio.shield(self._taken)
        await receipt.settled()


class Sends:
    """Stores what one bot is given to send, and takes up what was stored by whomever.

    `_waiting` are those to be taken up, by reference, of whom somebody has a receipt.
    """

    def __init__(
        self,
        *,
        bot: str,
        accounts: Accounts,
        store: Store,
        intake: OwnIntake,
        receipts: Receipts,
        chats: PrivateChats,
        spool: Spool,
        clock: Clock,
        egress: Egress | None = None,
    ) -> None:
        self._bot = bot
        self._accounts = accounts
        self._store = store
        self._intake = intake
        self._receipts = receipts
        self._chats = chats
        self._spool = spool
        self._clock = clock
        self._egress = egress
        self._waiting: dict[str, asyncio.Future[EventReceipt]] = {}
        self._woken = asyncio.Event()

    def look(self) -> None:
        """Look soon for what is to be taken up."""
        self._woken.set()

    async def run(self) -> None:
        """Take up what is asked for, whenever there may be something."""
        while True:
            await self._woken.wait()
            self._woken.clear()
            if not self._intake.is_over:
                await self._take_up_all()

    async def send(self, to: Target, reply: Any, account: str | None, key: str | None) -> Receipt:
        """See `Interface.send`."""
        said, files = await self.written(reply)
        sender = await self.account(account)
        ref = ref_of(sender, key)
        letter = await self.addressed(Letter(ref, said), to)
        if files:
            keys = await self._spool.keep_all(ref, files)
            letter = msgspec.structs.replace(letter, files=keys)
        is_new = await self._store.ask(request_for(letter, sender, self._clock.time()))
        if not is_new and letter.files:
            self._store.discard(letter.files)
        return Receipt(
            "stored" if is_new else "duplicate",
            MessageRef("", chat=letter.chat, thread=letter.thread, sent=ref),
            await self._taken(ref, is_new=is_new),
            is_connected=sender.id in self._accounts.connected,
        )

    async def written(self, reply: Any) -> tuple[list[Any], list[File]]:
        """Return what is to be sent as JSON types, and its files, once the guards let it pass.

        They are asked again when it is said. Raises `ReplyError`, `EgressError`.
        """
        try:
            said = replies(reply)
            if self._egress:
                said = [await self._egress.reply(part) for part in said]
            return written(said)
        except ReplyError as error:
            raise told_of(error, how="sent")  # noqa: B904 - it suppresses what it replaces

    # To whom, and from whom

    async def account(self, account: str | None) -> KnownAccount:
        """Return the account that is meant: of those the bot runs on, if that is not said."""
        known = [
            msgspec.structs.replace(known, label=self._accounts.label(known.id))
            for known in await self._store.accounts()
            if known.bot == self._bot
        ]
        here = [known for known in known if known.id in self._accounts.connected]
        if account is None or len(named(account, here)) == 1:
            return chosen(account, here, self._bot)
        return chosen(account, known, self._bot)

    async def addressed(self, letter: Letter, to: Target) -> Letter:
        """Return a letter with where it goes. Raises `TypeError`, `StateError`."""
        if isinstance(to, Chat):
            return msgspec.structs.replace(letter, chat=to)
        if isinstance(to, User):
            return msgspec.structs.replace(letter, user=to)
        if not isinstance(to, MessageRef):
            kind = type(to).__name__
            raise TypeError(f"bot.send goes to a Chat, a User or a MessageRef, not {kind}")
        found = await self._store.reference(to.sent) if to.sent else None
        if found and found.conversation:
            there = await self._store.address(found.conversation)
            return msgspec.structs.replace(letter, chat=Chat(there.chat), thread=there.thread)
        if to.chat is None:
            raise StateError(
                "bot.send: this MessageRef does not say in which chat it is: use message.ref, or "
                "what turn.send or bot.send gave"
            )
        return msgspec.structs.replace(letter, chat=to.chat, thread=to.thread)

    # Taking up

    async def _take_up_all(self) -> None:
        before = self._clock.time() - _DEAD_AFTER
        after = 0
        while page := await self._store.asked(self._accounts.connected, before, after, _AT_ONCE):
            after = page[-1].number
            events = [(asked, await self._event(asked, before)) for asked in page]
            await asyncio.gather(*(self._take_up(asked, event) for asked, event in events if event))
        if not self._store.is_sole:  # else nobody else takes anything up
            for ref in list(self._waiting):
                await self._ask_for(ref)

    async def _event(self, asked: Asked, before: float) -> Event | None:
        """Return the event that a request becomes; None if it waits, or is dead."""
        letter = _decode(asked.request.text)
        if asked.asked_at < before:
            why = "nothing could send it for 7 days: its account was not connected"
            await self._give_up(asked, letter, DeadLetter("event", why))
            return None
        if letter.chat is None and letter.user:
            return await self._private(asked, letter, letter.user)
        return event_of(letter)

    async def _private(self, asked: Asked, letter: Letter, user: User) -> Event | None:
        try:
            chat = await self._chats.find(asked.request.account, user)
        except Exception as error:  # an adapter's error: it is this send's, and stops no other
            log.exception("nothing can be sent to %s", user.id)
            dead = DeadLetter("event", f"{type(error).__name__}: {error}", repr(error))
            await self._give_up(asked, letter, dead)
            return None
        return (
            event_of(msgspec.structs.replace(letter, chat=chat, user=None), user) if chat else None
        )

    async def _take_up(self, asked: Asked, event: Event) -> None:
        files = msgspec.convert(event.message.raw, Letter).files
        discard = functools.partial(self._store.discard, files) if files else None
        receipt = await self._intake.add(self._store.take_up(asked.number, event), discard)
        if receipt:
            self._is_taken(asked.request.ref, receipt)

    async def _give_up(self, asked: Asked, letter: Letter, dead: DeadLetter) -> None:
        await self._store.give_up(asked.number, event_of(letter), dead)
        self._is_taken(letter.ref, EventReceipt("stored", is_settled=True))

    # Receipts

    async def _taken(self, ref: str, *, is_new: bool) -> asyncio.Future[EventReceipt]:
        """Return what is done once a request is taken up, by whomever."""
        waiting = self._waiting.get(ref)
        if waiting is None:
            waiting = self._waiting[ref] = asyncio.get_running_loop().create_future()
        if is_new:
            self.look()
        else:
            await self._ask_for(ref)
        return waiting

    async def _ask_for(self, ref: str) -> None:
        """Find out whether another run has taken a request up, or this one did so before."""
        found = await self._store.reference(ref)
        if found is None or (found.conversation and not found.turn):  # it is dead
            self._is_taken(ref, EventReceipt("stored", is_settled=True))
        elif found.conversation:
            self._is_taken(ref, self._receipts.done(found.turn))

    def _is_taken(self, ref: str, receipt: EventReceipt) -> None:
        waiting = self._waiting.pop(ref, None)
        if waiting and not waiting.done():
            waiting.set_result(receipt)
