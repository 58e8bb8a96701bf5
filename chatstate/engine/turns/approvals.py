"""What others answer than the person of a dialogue: approvals, maybe from elsewhere.

1. A button tells whose dialogue it is for, and is signed: nobody can make one up.
2. Who presses it in their own lane is asked there whether they may. Then it is an event of the
   dialogue's conversation, one for each question and person, stored before the press is over.
3. There the first one counts. Whoever comes later is told so where they have pressed.
"""

from __future__ import annotations

import asyncio

import msgspec

from chatstate.bot.memos import Memo, Open
from chatstate.engine.inbox.lanes import Lanes
from chatstate.engine.inbox.receipts import EventReceipt, Receipts
from chatstate.engine.outbox.addressing import Addressing, addressed, by_reply
from chatstate.engine.states.cache import StateCache, entry_of
from chatstate.engine.turns.admission import Admission
from chatstate.engine.turns.asker import Asker
from chatstate.engine.turns.putting import Brought
from chatstate.engine.turns.turn import RunningTurn
from chatstate.language.sentences import Sentence, Sentences, say
from chatstate.messages import Chat, Event, Message, MessageRef, User
from chatstate.replies import Reply
from chatstate.stores.base import Store


class Approval(msgspec.Struct, frozen=True, omit_defaults=True):
    """Which question somebody has answered and how: `raw` of its event's message holds this.

    `chat` and `thread` are where they have pressed.
    """

    question: str
    number: int
    by: User
    chat: Chat
    thread: str | None = None


class Approvals:
    """Takes what those answer who are asked in dialogues of others."""

    def __init__(
        self,
        *,
        asker: Asker,
        cache: StateCache,
        store: Store,
        lanes: Lanes,
        receipts: Receipts,
        admission: Admission,
        addressing: Addressing,
        sentences: Sentences,
    ) -> None:
        self._asker = asker
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
        memo = await self._memo(turn, brought)
        if memo is None or not memo.asked or not memo.message or memo.asked.id != brought.question:
            raise Sentence("not_open")
        if not await self._is_asked(turn, memo.asked):
            raise Sentence("not_yours")
        pressed = turn.message
        approval = Approval(
            brought.question, brought.number, pressed.sender, pressed.chat, pressed.thread
        )
        owner, raw = memo.message, msgspec.to_builtins(approval)
        message = Message("", owner.sender, owner.chat, "answer", owner.thread, raw=raw)
        event = Event(f"answer-{brought.question}-{turn.place.person}", message)
        address = await self._store.address(brought.conversation)
        await self._store_event(address.account, event)

    async def tell(self, turn: RunningTurn, approval: Approval) -> None:
        """Tell somebody who has answered too late, where they have pressed."""
        words, by = self._sentences.of(approval.by.language), approval.by
        told = Reply(say(words, "answered_before", who=by.name or by.id))
        where = MessageRef("", chat=approval.chat, thread=approval.thread)
        there = await self._addressing.place_of(turn.arrival, where)
        addresses, _ = addressed([told], there, f"{turn.arrival.seq}-told")
        turn.addressed = by_reply(addresses)
        turn.instead = [address.reply for address in addresses]

    async def _memo(self, turn: RunningTurn, brought: Brought) -> Memo | None:
        """Return what is kept of the dialogue; of another's conversation nothing is remembered."""
        place = turn.place._replace(conversation=brought.conversation, person=brought.person)
        key = self._asker.key_at(place)
        entry = self._cache.find(key)
        if entry is None:
            (value,) = await self._store.load([key])
            entry = entry_of(value)
        if entry.value is None or self._cache.is_over(entry):
            return None
        memo: Memo = self._asker.state.read(entry.value)[0]
        return memo

    async def _is_asked(self, turn: RunningTurn, asked: Open) -> bool:
        if asked.of == "admins":
            return await self._admission.is_admin(turn.arrival)
        return turn.message.sender.id in (asked.of or ())

    async def _store_event(self, account: int, event: Event) -> None:
        self._lanes.expect()
        try:
            (ingested,) = await self._store.ingest(account, [event])
            if ingested.status == "stored" and ingested.arrival and not ingested.elsewhere:
                self._under_way = [given for given in self._under_way if not given.is_settled]
                self._under_way.append(self._receipts.stored(ingested.arrival.seq))
                self._lanes.add(ingested.arrival)
        finally:
            self._lanes.came()
