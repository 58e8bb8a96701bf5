"""What others answer than the person of a dialogue: approvals, maybe from elsewhere.

1. A button tells whose dialogue it is for, and is signed: nobody can make one up.
2. What is said answers a question that was put in the same chat to whoever says it: in private, or
   if it is addressed to the bot or answers the question visibly. What must be chosen is pressed.
3. Who answers in their own lane is asked there whether they may. Then it is an event of the
   dialogue's conversation, stored before their turn is over: one for each question, person and
   button, or for each thing that they say.
4. There the first one counts that fits. Whoever comes later is told so where they have answered.
   One that did not count, as it did not fit or its turn has failed, may be pressed again.
"""

from __future__ import annotations

import asyncio

import msgspec
from msgspec.structs import replace

from chatstate.bot.memos import Inquiry, Memo
from chatstate.bot.questions import Given
from chatstate.engine.inbox.lanes import Lanes
from chatstate.engine.inbox.receipts import EventReceipt, Receipts
from chatstate.engine.outbox.addressing import Addressing, addressed, by_reply
from chatstate.engine.states.cache import StateCache, entry_of
from chatstate.engine.turns.admission import Admission
from chatstate.engine.turns.asker import Asker
from chatstate.engine.turns.inquiries import Inquiries
from chatstate.engine.turns.putting import Brought
from chatstate.engine.turns.turn import RunningTurn
from chatstate.language.sentences import Sentence, Sentences, say
from chatstate.messages import Chat, Event, Message, MessageRef, User
from chatstate.replies import Reply
from chatstate.stores.base import Ingested, Store


class Approval(msgspec.Struct, frozen=True, omit_defaults=True):
    """Which question somebody has answered and how: `raw` of its event's message holds this.

    `number` is that of what they have pressed; else they have `given` something. `account`, `chat`
    and `thread` are where they have answered.
    """

    question: str
    number: int
    by: User
    account: int
    chat: Chat
    thread: str | None = None
    given: Given | None = None

    @property
    def answer(self) -> Message:
        """What they have said, as a handler sees it; of a press without its text."""
        if self.given is None:
            return Message("", self.by, self.chat, "press", self.thread)
        said = self.given
        return Message(
            said.text,
            self.by,
            self.chat,
            "message",
            self.thread,
            attachments=said.files,
            location=said.location,
            contact=said.contact,
        )


class Approvals:
    """Takes what those answer who are asked in dialogues of others."""

    def __init__(
        self,
        *,
        asker: Asker,
        inquiries: Inquiries,
        cache: StateCache,
        store: Store,
        lanes: Lanes,
        receipts: Receipts,
        admission: Admission,
        addressing: Addressing,
        sentences: Sentences,
    ) -> None:
        self._asker = asker
        self._inquiries = inquiries
        self._cache = cache
        self._store = store
        self._lanes = lanes
        self._receipts = receipts
        self._admission = admission
        self._addressing = addressing
        self._sentences = sentences
        self._under_way: list[EventReceipt] = []

    async def settle(self, seconds: float) -> None:
        """Return when what was handed over is answered, or after so many seconds. For tests."""
        waiting = [asyncio.ensure_future(given.over()) for given in self._under_way]
        if waiting:
            await asyncio.wait(waiting, timeout=seconds)
            for left in waiting:
                left.cancel()

    async def hand_over(self, turn: RunningTurn, brought: Brought) -> None:
        """Make a press an event of the dialogue that it answers.

        Raises `Sentence` if that question is not open, or not for who has pressed.
        """
        memo = await self._open(turn, brought)
        if memo is None:
            raise Sentence("not_open")
        if not await self._is_asked(turn, memo):
            raise Sentence("not_yours")
        await self._hand_over(turn, memo, brought, None, f"{brought.number}")

    async def take(self, turn: RunningTurn, *, visibly: bool) -> bool:
        """Make what somebody says an event of the dialogue whose question it answers, if it does.

        It need answer that `visibly` where there is something else that it may answer.
        """
        message = turn.message
        is_meant = message.addressed or message.chat.kind == "private"
        if not self._inquiries.are_possible or not (message.reply_to or (is_meant and not visibly)):
            return False
        for inquiry in await self._inquiries.here(turn):
            if message.reply_to and not await self._is_of(message.reply_to, inquiry):
                continue
            brought = Brought(inquiry.id, 0, *inquiry.owner)
            memo = await self._open(turn, brought)
            if memo and await self._is_asked(turn, memo):
                given = Given.by(message)
                await self._hand_over(turn, memo, brought, given, f"said-{turn.arrival.seq}")
                return True
        return False

    async def _is_of(self, answered: MessageRef, inquiry: Inquiry) -> bool:
        found = await self._store.reference(inquiry.ref.sent)
        return found is not None and found.message == answered.id

    async def _hand_over(
        self, turn: RunningTurn, memo: Memo, brought: Brought, given: Given | None, what: str
    ) -> None:
        by = turn.message
        there = (turn.place.account, by.chat, by.thread)
        approval = Approval(brought.question, brought.number, by.sender, *there, given)
        owner, raw = memo.message or by, msgspec.to_builtins(approval)
        message = Message("", owner.sender, owner.chat, "answer", owner.thread, raw=raw)
        event = Event(f"answer-{brought.question}-{turn.place.person}-{what}", message)
        address = await self._store.address(brought.conversation)
        known = await self._store_event(address.account, event)
        if known.status == "duplicate" and known.pending is None:  # it is over, and did not count
            again = replace(event, id=f"{event.id}-{turn.arrival.seq}")
            await self._store_event(address.account, again)

    async def tell(self, turn: RunningTurn, approval: Approval) -> None:
        """Tell somebody who has answered too late, where they have pressed."""
        words, by = self._sentences.of(approval.by.language), approval.by
        told = Reply(say(words, "answered_before", who=by.name or by.id))
        where = (approval.account, approval.chat, approval.thread)
        there = await self._addressing.place_at(turn.arrival, *where)
        addresses, _ = addressed([told], there, f"{turn.arrival.seq}-told")
        turn.addressed = by_reply(addresses)
        turn.instead = [address.reply for address in addresses]

    async def _open(self, turn: RunningTurn, brought: Brought) -> Memo | None:
        """Return what is kept of the dialogue, if the question is open in it.

        Of another's conversation nothing is remembered.
        """
        place = turn.place._replace(conversation=brought.conversation, person=brought.person)
        key = self._asker.key_at(place)
        entry = self._cache.find(key)
        if entry is None:
            (value,) = await self._store.load([key])
            entry = entry_of(value)
        if entry.value is None or self._cache.is_over(entry):
            return None
        memo: Memo = self._asker.state.read(entry.value)[0]
        is_open = memo.asked and memo.message and memo.asked.id == brought.question
        return memo if is_open else None

    async def _is_asked(self, turn: RunningTurn, memo: Memo) -> bool:
        of = memo.asked.of if memo.asked else None
        if of == "admins":
            return await self._admission.is_admin(turn.arrival)
        return turn.message.sender.id in (of or ())

    async def _store_event(self, account: int, event: Event) -> Ingested:
        with self._lanes.expecting():
            (ingested,) = await self._store.ingest(account, [event])
            if ingested.status == "stored" and ingested.arrival and not ingested.elsewhere:
                self._under_way = [given for given in self._under_way if not given.is_settled]
                self._under_way.append(self._receipts.stored(ingested.arrival.seq))
                self._lanes.add(ingested.arrival)
            return ingested
