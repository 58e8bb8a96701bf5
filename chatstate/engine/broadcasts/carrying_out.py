"""Carrying broadcasts out: from the store into the lanes of all who are to be reached.

1. A recipient becomes an event of its conversation, whose turn owes the reply, only while there is
   room: so many of an account are under way at once. Memory does not grow with a job, and a reply
   to somebody who has just spoken waits for no more than these.
2. A person's private chat is asked of the platform. While that cannot tell they stay unreached;
   who has none counts as blocked.
3. To recall a job is to reach those once more who were reached, with the deletion of what they got.
4. A crowd that was not all gathered, or not by this process, is gathered here.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import NamedTuple

import msgspec
from msgspec.structs import replace

from chatstate.engine.accounts import Accounts
from chatstate.engine.broadcasts.gathering import Gathering
from chatstate.engine.inbox.own_intake import OwnIntake
from chatstate.engine.inbox.receipts import EventReceipt
from chatstate.engine.outbox.letters import Letter, event_of
from chatstate.engine.private_chats import PrivateChats
from chatstate.errors import Blocked
from chatstate.messages import Chat, Event, User
from chatstate.state.bound import States
from chatstate.stores.base import Store
from chatstate.stores.broadcasts import Broadcast, Recipient, Unreached

ROOM = 16
"""How many replies of broadcasts are under way at once, for each account."""
_BEHIND = 1
_decode = msgspec.json.Decoder(Letter).decode


class _UnderWay(NamedTuple):
    job: int
    account: int
    receipt: EventReceipt


class Broadcasts:
    """Carries the jobs of one bot out."""

    def __init__(
        self,
        bot: str,
        *,
        states: States,
        accounts: Accounts,
        store: Store,
        intake: OwnIntake,
        chats: PrivateChats,
    ) -> None:
        self._bot = bot
        self._accounts = accounts
        self._store = store
        self._intake = intake
        self._chats = chats
        self._gathering = Gathering(store, states)
        self._under_way: list[_UnderWay] = []
        self._woken = asyncio.Event()

    def look(self) -> None:
        """Look soon for what is to be done."""
        self._woken.set()

    async def run(self) -> None:
        """Go on with all jobs, whenever there may be something to do."""
        while True:
            await self._woken.wait()
            self._woken.clear()
            self._under_way = [some for some in self._under_way if not some.receipt.is_settled]
            for job in await self._store.broadcasts(self._bot):
                if job.is_under_way and not self._intake.is_over:
                    await self._go_on(job)

    async def _go_on(self, job: Broadcast) -> None:
        if job.standing != "gathering":
            await self._reach_some(job)
        elif not job.audience.is_chosen:
            await self._gathering.add_page(job, job.audience.listed)
            self.look()

    async def _reach_some(self, job: Broadcast) -> None:
        room = self._room()
        found = await self._store.unreached(job.number, list(room), sum(room.values()))
        done = [await self._reach(job, each, room) for each in found]
        if any(done):
            self.look()  # there may be more, and room for it
        elif not found and not any(some.job == job.number for some in self._under_way):
            await self._finish(job)

    def _room(self) -> Counter[int]:
        """Return how many more may be under way now, by account."""
        taken = Counter(some.account for some in self._under_way)
        return +Counter({number: ROOM - taken[number] for number in self._accounts.connected})

    async def _reach(self, job: Broadcast, each: Unreached, room: Counter[int]) -> bool:
        """Let a recipient get what is theirs; False if that cannot be now."""
        account = each.recipient.account
        if not room[account]:
            return False
        try:
            event = await self._event(job, each)
        except Blocked:
            event = None
        else:
            if event is None:
                return False
        receipt = await self._intake.add(self._store.reach(job.number, each.number, event))
        if receipt and not receipt.is_settled:
            room[account] -= 1
            self._under_way.append(_UnderWay(job.number, account, receipt))
            settled = asyncio.ensure_future(receipt.settled())
            settled.add_done_callback(lambda _: self.look())
        return True

    async def _event(self, job: Broadcast, each: Unreached) -> Event | None:
        """Return what a recipient gets; None if that cannot be told now. Raises `Blocked`."""
        ref = f"b{job.number}-{each.number}"
        if each.conversation:
            return await self._recalling(ref, each.conversation)
        recipient = each.recipient
        chat = await self._chat(recipient)
        letter = replace(_decode(job.text), ref=ref, chat=chat, thread=recipient.thread)
        letter = replace(letter, priority=_BEHIND, is_whole=True)
        return event_of(letter, recipient.user) if chat else None

    async def _recalling(self, ref: str, conversation: int) -> Event:
        """Return what takes back all that a recipient got, sent or not."""
        there = await self._store.address(conversation)
        where = (Chat(there.chat), there.thread)
        return event_of(Letter(f"back-{ref}", [], *where, priority=_BEHIND, takes_back=ref))

    async def _chat(self, recipient: Recipient) -> Chat | None:
        """Return where a recipient is; None if that cannot be told now. Raises `Blocked`."""
        if recipient.chat:
            return recipient.chat
        user = recipient.user or User("")
        try:
            return await self._chats.find(recipient.account, user)
        except Exception as error:  # an adapter's: it is this recipient's, and stops no other
            raise Blocked(f"no private chat with {user.id}: {error}") from error

    async def _finish(self, job: Broadcast) -> None:
        """Note that a job is over, and let go of its files."""
        files = _decode(job.text).files
        if await self._store.finish(job.number) and files:
            self._store.discard(files)
