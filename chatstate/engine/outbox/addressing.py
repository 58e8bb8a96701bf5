"""Where replies go that do not simply answer: to other conversations, and to messages sent before.

1. A turn knows by the `id` of a reply where it goes. What is not known there answers, here.
2. A person's private chat is asked of the platform, within the turn, again and again if need be.
3. A reference is kept only if it is in what the turn keeps: a state, a timer, or the result of a
   step. It is the number of the turn, and which of its sends it is: an attempt that runs again has
   the same.
4. What refers to nothing any more is left out, and told: there is nobody to whom that is an error.
"""

from __future__ import annotations

import copy
import logging
from collections.abc import Iterable, Mapping, Sequence

import msgspec
from msgspec.structs import replace

from chatstate.adapter import Adapter
from chatstate.clock import Clock
from chatstate.engine.accounts import Accounts
from chatstate.engine.asking import asked_until_told
from chatstate.engine.outbox.outbound import Outbound
from chatstate.errors import StateError
from chatstate.messages import Chat, Event, Message, MessageRef, Target, User
from chatstate.replies import AnyReply, Delete, Native, React, Reply
from chatstate.stores.accounts import chosen
from chatstate.stores.base import Arrival, KeptReference, Owed, Store

log = logging.getLogger("chatstate.turns")

KEPT_SECONDS = 30 * 24 * 3600.0


class Addressed(msgspec.Struct, frozen=True, gc=False):
    """Where a reply goes: `arrival` stands for the conversation, and is no event if it is another.

    `ref` is the reference to its first message, if it has one, which `is_kept` in any case or only
    if it is wanted; `changes` that of the message which it edits or deletes. `is_whole`: all that
    is answered with it has references, see `refer_to_all`. The reply is held, so that no other has
    its `id` meanwhile.
    """

    reply: AnyReply
    arrival: Arrival
    ref: str = ""
    changes: str = ""
    is_kept: bool = False
    is_whole: bool = False


Addresses = Mapping[int, Addressed]
"""Where replies go, by the `id` of the object."""


class Addressing:
    """Finds out where replies go."""

    def __init__(self, bot: str, *, store: Store, accounts: Accounts, clock: Clock) -> None:
        self._bot = bot
        self._store = store
        self._accounts = accounts
        self._adapters: Mapping[int, Adapter] = accounts.adapters
        self._clock = clock

    async def place_of(self, arrival: Arrival, to: Target, account: str | None = None) -> Arrival:
        """Return what stands for a target, for the turn of an event: that itself if it is here.

        It is reached from the event's account, if no other one is named. Raises `TypeError` for
        what is no target, `StateError` for what cannot be reached from here, and what the adapter
        raises of a person's chat.
        """
        if isinstance(to, MessageRef):
            return await self._place_of_message(arrival, to, account)
        if isinstance(to, User):
            return await self._private(arrival, to, account)
        if isinstance(to, Chat):
            return await self._place(arrival, await self._account(arrival, account), to, None)
        kind = type(to).__name__
        raise TypeError(f"to= takes a Chat, a User or a MessageRef, not {kind}")

    async def place_at(
        self, arrival: Arrival, account: int, chat: Chat, thread: str | None = None
    ) -> Arrival:
        """Return what stands for a conversation of an account, for the turn of an event.

        Raises `StateError` if the bot does not run on that account.
        """
        return await self._place(arrival, account, chat, thread)

    async def resolved(
        self, arrival: Arrival, answer: Sequence[AnyReply], known: Addresses
    ) -> tuple[list[AnyReply], dict[int, Addressed]]:
        """Return an answer with what it refers to found, and where all of that goes.

        `known` is where some of it goes. What goes elsewhere comes last, in one order for all.
        """
        found = dict(known)
        here: list[AnyReply] = []
        elsewhere: list[Addressed] = []
        for reply in answer:
            address = await self._resolved(arrival, reply, found)
            if address is None:
                continue
            found[id(address.reply)] = address
            if is_elsewhere(address, arrival):
                elsewhere.append(address)
            else:
                here.append(address.reply)
        elsewhere.sort(key=lambda address: address.arrival.place.conversation)
        return [*here, *(address.reply for address in elsewhere)], found

    def kept(self, replies: Sequence[Outbound]) -> list[KeptReference]:
        """Return the references to what is owed, with the time for which they are kept."""
        ends = self._clock.time() + KEPT_SECONDS
        return [
            KeptReference(reply.action.ref, reply.conversation, reply.part, ends)
            for reply in replies
            if reply.action.ref
        ]

    async def _resolved(
        self, arrival: Arrival, reply: AnyReply, known: Addresses
    ) -> Addressed | None:
        """Return where a reply goes; None if what it changes is not there any more."""
        address = known.get(id(reply)) or Addressed(reply, arrival)
        changed = _changed_by(reply)
        if isinstance(changed, MessageRef) and (changed.sent or changed.chat):
            there = await self._place_of_changed(arrival, changed, known)
            if there is None:
                log.warning("%r changes nothing: %s", changed, _NOT_KEPT)
                return None
            address = replace(address, arrival=there, changes=changed.sent)
        if isinstance(reply, Reply) and isinstance(reply.reply_to, MessageRef):
            answered = await self._answered(address.arrival, reply.reply_to)
            if answered != reply.reply_to:
                address = replace(address, reply=replace(reply, reply_to=answered))
        return address

    async def _place_of_changed(
        self, arrival: Arrival, changed: MessageRef, known: Addresses
    ) -> Arrival | None:
        if changed.sent:
            for address in known.values():
                if address.ref == changed.sent:
                    return address.arrival
            if await self._store.reference(changed.sent) is None:
                return None
        return await self._place_of_message(arrival, changed)

    async def _answered(self, there: Arrival, answered: MessageRef) -> MessageRef | str | None:
        """Return the message that is answered visibly, if it has an id there by now."""
        if answered.sent:
            found = await self._store.reference(answered.sent)
            is_there = found and found.conversation == there.place.conversation
            return found.message if found and is_there else None
        message = there.event.message
        is_here = answered.chat is None or answered.chat.id == message.chat.id
        return answered if is_here else None

    async def _account(self, arrival: Arrival, name: str | None) -> int:
        """Return the account from which something is sent: by default that of the event.

        If that is nobody's, the only one that there is.
        """
        if name is None and arrival.place.account != self._accounts.own:
            return arrival.place.account
        known = await self._store.accounts()
        here = [account for account in known if account.id in self._accounts.connected]
        return chosen(name, here, self._bot).id

    async def _place_of_message(
        self, arrival: Arrival, to: MessageRef, name: str | None = None
    ) -> Arrival:
        found = await self._store.reference(to.sent) if to.sent else None
        if found and found.conversation:
            address = await self._store.address(found.conversation)
            chat = to.chat or Chat(address.chat)
            where = replace(chat, id=address.chat)
            return await self._place(arrival, address.account, where, address.thread)
        if to.chat is None:
            return arrival
        account = await self._account(arrival, name)
        return await self._place(arrival, account, to.chat, to.thread)

    async def _private(self, arrival: Arrival, to: User, name: str | None) -> Arrival:
        message, account = arrival.event.message, await self._account(arrival, name)
        # The chat of what was given to be sent is none of the platform's.
        is_said = message.kind != "send" and account == arrival.place.account
        if is_said and message.chat.kind == "private" and message.sender.id == to.id:
            return await self._place(arrival, account, message.chat, None)
        adapter = self._adapters[account]
        chat = await asked_until_told(
            self._clock, f"the private chat with {to.id}", lambda: adapter.private_chat(to.id)
        )
        there = await self._place(arrival, account, Chat(chat), None)
        return there if there is arrival else with_sender(there, to)

    async def _place(
        self, arrival: Arrival, account: int, chat: Chat, thread: str | None
    ) -> Arrival:
        message, here = arrival.event.message, arrival.place
        if (account, chat.id, thread) == (here.account, message.chat.id, message.thread):
            return arrival
        if account not in self._adapters:
            raise StateError(
                f"chat {chat.id} is of an account that this bot does not run on, so no turn can "
                "send anything there: use `await bot.send(...)` outside of turns"
            )
        place = await self._store.place(account, chat, thread)
        if place.conversation == here.conversation:  # by another of its ids
            return arrival
        event = Event("", Message("", User(""), chat, "send", thread))
        return Arrival(arrival.seq, place, event)


_NOT_KEPT = (
    "it was never kept, or more than 30 days ago; a reference that is to outlive its turn has to "
    "be in a state, a timer or the result of a step"
)


def with_sender(there: Arrival, user: User) -> Arrival:
    """Return where somebody is spoken to, in the language of whom it is."""
    message = replace(there.event.message, sender=user)
    return replace(there, event=replace(there.event, message=message))


def addressed(
    replies: Sequence[AnyReply], there: Arrival, ref: str, *, is_kept: bool = False
) -> tuple[list[Addressed], MessageRef]:
    """Return replies as they are sent to where `there` is, and what leads to the first message.

    What is sent twice is two replies.
    """
    addresses = [Addressed(copy.copy(reply), there) for reply in replies]
    message = there.event.message
    reference = MessageRef("", chat=message.chat, thread=message.thread, sent=ref)
    if addresses:
        changed = _changed_by(addresses[0].reply)
        if changed is None:
            addresses[0] = replace(addresses[0], ref=ref, is_kept=is_kept)
        elif isinstance(changed, MessageRef) and (changed.sent or changed.chat):
            reference = changed
        else:
            identity = changed.id if isinstance(changed, MessageRef) else changed
            reference = replace(reference, id=identity, sent="")
    return addresses, reference


def by_reply(addresses: Iterable[Addressed]) -> dict[int, Addressed]:
    """Return addresses as a turn knows them."""
    return {id(address.reply): address for address in addresses}


def follow(addressed: dict[int, Addressed], reply: AnyReply, became: Sequence[AnyReply]) -> None:
    """Let what has become of a reply go where that goes, the first of it under its reference."""
    address = addressed.get(id(reply))
    if address and became:
        first, *rest = became
        following = [Addressed(further, address.arrival) for further in rest]
        addressed |= by_reply([replace(address, reply=first), *following])


def owed_there(row: Owed, reply: Outbound, priority: int, *, is_ours: bool) -> Owed:
    """Return the row of a reply that may be owed elsewhere; who sends it begins it, if not we."""
    begun_at = row.begun_at if is_ours else None
    action = reply.action
    changes = action.changes if action.verb != "reaction" else ""  # no edit is in vain for it
    where = reply.conversation
    return replace(row, conversation=where, changes=changes, begun_at=begun_at, priority=priority)


def are_plain(answer: Sequence[AnyReply]) -> bool:
    """Tell whether nothing of an answer refers to a message by more than its id."""
    for reply in answer:
        if isinstance(reply, Reply):
            if isinstance(reply.edit, MessageRef) or isinstance(reply.reply_to, MessageRef):
                return False
        elif isinstance(reply, Native):
            if reply.references:
                return False
        elif isinstance(_changed_by(reply), MessageRef):
            return False
    return True


def _changed_by(reply: AnyReply) -> MessageRef | str | None:
    """Return the message that a reply edits, deletes or reacts to, if it names one."""
    if isinstance(reply, Native):
        return None
    if isinstance(reply, React):
        return reply.to
    return reply.message if isinstance(reply, Delete) else reply.edit


def is_elsewhere(address: Addressed, arrival: Arrival) -> bool:
    """Tell whether a reply goes to another conversation than that of an event."""
    return address.arrival.place.conversation != arrival.place.conversation


def wanted(addresses: Addresses, kept: Iterable[str]) -> dict[int, Addressed]:
    """Return where replies go, with those references that are wanted: in texts that are kept.

    Or by another reply of the same answer, which changes or names what is sent.
    """
    texts = list(kept)
    changed = {address.changes for address in addresses.values()}
    calls = [address.reply for address in addresses.values() if isinstance(address.reply, Native)]
    changed |= {named.sent for call in calls for named in call.references}

    def is_wanted(address: Addressed) -> bool:
        told = f'"sent":"{address.ref}"'
        return address.is_kept or address.ref in changed or any(told in text for text in texts)

    return {
        number: address if is_wanted(address) else replace(address, ref="")
        for number, address in addresses.items()
    }
