"""Turns: from an event to a queued commit, and from its outcome to the sender.

1. A handler that raises commits nothing but the event's end: it becomes a dead letter, and the
   person gets one sentence.
2. A turn whose shared values were changed by somebody faster runs again, holding their locks.
3. Replies leave only after the commit.
"""

from __future__ import annotations

import logging
import traceback
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from chatstate.adapter import Action, Adapter
from chatstate.engine.attempt import Attempt
from chatstate.engine.committer import Committer
from chatstate.engine.locks import KeyLocks
from chatstate.engine.outbound import Body, Outbound, reply_key
from chatstate.engine.receipts import EventReceipt
from chatstate.engine.sender import Sender
from chatstate.engine.threads import HandlerThreads
from chatstate.engine.values import Values
from chatstate.errors import UserError
from chatstate.interface import Interface
from chatstate.messages import Reply
from chatstate.sentences import Sentence, say
from chatstate.stores.base import Arrival, Change, DeadLetter, Outcome, Owed, TurnCommit
from chatstate.turn import Turn

log = logging.getLogger("chatstate.turns")


class Turns:
    """Runs turns for one bot."""

    def __init__(
        self,
        bot: Interface,
        adapters: Mapping[int, Adapter],
        values: Values,
        committer: Committer,
        sender: Sender,
        versions: Iterator[int],
        receipts: dict[int, EventReceipt],
        put_back: Callable[[Arrival], None],
        now: Callable[[], float],
    ) -> None:
        self._bot = bot
        self._adapters = adapters
        self._values = values
        self._committer = committer
        self._sender = sender
        self._versions = versions
        self._receipts = receipts
        self._put_back = put_back
        self._now = now
        self._threads = HandlerThreads()
        self._locks = KeyLocks()

    async def run(self, arrival: Arrival) -> None:
        """Run the turn of `arrival` until its commit is queued."""
        try:
            await self._run(arrival)
        except UserError as error:
            self._queue(arrival, [Reply(self._text(error))])
        except Exception as error:
            event = arrival.event
            log.exception("the turn of event %s failed", event.id)
            dead = DeadLetter("event", f"{type(error).__name__}: {error}", traceback.format_exc())
            self._queue(arrival, [Reply(say(self._bot.sentences, "failed"))], dead=dead)

    async def _run(self, arrival: Arrival) -> None:
        message = arrival.event.message
        routed = self._bot.route(message)
        if routed is None:
            self._queue(arrival, [])
            return
        handler, text = routed
        turn = Turn(message, text, self._adapters[arrival.place.account].name)

        def attempt() -> Attempt:
            return Attempt(self._bot, handler, turn, arrival.place)

        first = attempt()
        shared = first.shared_keys
        if not self._locks.wanted(shared):
            if await self._try(arrival, first):
                return
            self._locks.fought_for(shared)
        async with self._locks.hold(shared):
            while not await self._try(arrival, attempt()):
                pass

    async def _try(self, arrival: Arrival, attempt: Attempt) -> bool:
        answer = await attempt.run(self._values, self._threads)
        changes = attempt.changes(self._versions)
        for change in changes:
            if self._values.version(change.key) not in (change.expected, None):
                return False
        self._queue(arrival, answer, changes)
        return True

    def _queue(
        self,
        arrival: Arrival,
        answer: list[Reply],
        changes: list[Change] | None = None,
        dead: DeadLetter | None = None,
    ) -> None:
        outbound = self._render(arrival, answer)
        now = self._now()
        owed = [
            Owed(one.turn, one.part, Body(dict(one.action.part), one.action.origin).encode(), now)
            for one in outbound
        ]
        commit = TurnCommit(
            arrival.seq, arrival.place, next(self._versions), changes or (), owed, dead
        )
        self._values.queue(commit.changes)
        self._committer.submit(
            commit, lambda outcome: self._finish(arrival, commit, outbound, outcome)
        )

    def _render(self, arrival: Arrival, answer: list[Reply]) -> list[Outbound]:
        place, event = arrival.place, arrival.event
        adapter = self._adapters[place.account]
        parts = [part for reply in answer for part in adapter.render(reply)]
        return [
            Outbound(
                place.account,
                place.conversation,
                arrival.seq,
                number,
                Action(
                    reply_key(place.conversation, arrival.seq, number),
                    event.message.chat.id,
                    event.message.thread,
                    part,
                    event.origin,
                ),
            )
            for number, part in enumerate(parts)
        ]

    def _finish(
        self, arrival: Arrival, commit: TurnCommit, outbound: list[Outbound], outcome: Outcome
    ) -> None:
        if outcome == "conflict":
            self._values.failed(commit.changes)
            self._put_back(arrival)
            return
        receipt = self._receipts.pop(arrival.seq, None)
        if outcome == "fenced":
            self._values.failed(commit.changes)
            outbound = []
        else:
            self._values.applied(commit.changes)
        if receipt:
            receipt.replies = len(outbound)
            if not outbound:
                receipt.settle()
        for one in outbound:
            one.receipt = receipt
            self._sender.add(one)

    def _text(self, error: UserError) -> str:
        if isinstance(error, Sentence):
            values: dict[str, Any] = error.values
            if isinstance(error.__cause__, Sentence):
                values = {**values, "problem": self._text(error.__cause__)}
            return say(self._bot.sentences, error.name, **values)
        return str(error)
