"""Asks for handlers: what an answer is read as, what is put, and what of it is committed.

1. What a question waits for has changed nothing yet: state that was changed before it, or a reply
   to elsewhere, is an error, since the next run would do so again.
2. The memo is committed with the turn that asks, and forgotten by the one that ends the dialogue. A
   turn that fails leaves it as it was: the question is still open, and is put again.
3. What does not fit of what others have answered is told to whoever has answered, where they did.
"""

from __future__ import annotations

import asyncio
import copy
import logging
import secrets
from collections.abc import Mapping
from typing import Any

from msgspec.structs import replace

from chatstate.bot.memos import DIALOGUE, Inquiry, Memo, Open
from chatstate.bot.parameters import Slot
from chatstate.bot.questions import Fetch, Given, Question
from chatstate.bot.returns import Answers
from chatstate.bot.route import Route
from chatstate.clock import Clock
from chatstate.engine.outbox.addressing import (
    Addressed,
    Addressing,
    addressed,
    by_reply,
    with_sender,
)
from chatstate.engine.turns.dialogue import Chance, Dialogue, wait
from chatstate.engine.turns.inquiries import Inquiries
from chatstate.engine.turns.putting import opened, outcome, put_with
from chatstate.engine.turns.shown import Shown
from chatstate.engine.turns.turn import RunningTurn
from chatstate.engine.turns.values import TurnValues
from chatstate.errors import Rejected, StateError, UserError
from chatstate.language.sentences import Sentences, say
from chatstate.messages import Chat, MessageRef, User
from chatstate.scope import Key, Place
from chatstate.state.bound import BoundState
from chatstate.stores.base import Arrival
from chatstate.stores.links import Identity

log = logging.getLogger("chatstate.turns")


class Asker:
    """Asks for the handlers of one bot."""

    def __init__(
        self,
        *,
        values: TurnValues,
        addressing: Addressing,
        sentences: Sentences,
        clock: Clock,
        shown: Shown,
        inquiries: Inquiries,
    ) -> None:
        self.state = BoundState(DIALOGUE, "dialogue", Memo)
        self._values = values
        self._addressing = addressing
        self._sentences = sentences
        self._clock = clock
        self._shown = shown
        self._inquiries = inquiries

    def begin(self, turn: RunningTurn, given: Mapping[str, Given]) -> None:
        """Begin a dialogue with what may be answers; one that does not fit is none."""
        turn.dialogue = self._begun(turn)
        turn.dialogue.memo.answers |= given

    async def ask(self, turn: RunningTurn, question: Question, fetch: Fetch) -> Any:
        """Return the answer to a question, or never: then it waits. See `Turn.ask`."""
        _refuse_others(turn)
        dialogue = turn.dialogue = turn.dialogue or self._begun(turn)
        dialogue.asks(question.key)
        given = dialogue.memo.answers.get(question.key)
        if given:
            try:
                value = await self._value(turn, question, given, fetch)
            except (UserError, Rejected) as error:
                del dialogue.memo.answers[question.key]
                if dialogue.before.asked or turn.message.answers:  # else it only began
                    dialogue.remark = error
            else:
                return await self._passed(turn, dialogue, question, value)
        self._refuse_changes(turn, question.key)
        dialogue.there = await self._there(turn, dialogue, question)
        if not dialogue.there:  # whoever is gone answers nothing
            dialogue.memo.answers[question.key] = Given(is_late=True)
            return await self._passed(turn, dialogue, question, question.default)
        dialogue.memo.asked = opened(
            question, dialogue.memo.asked, turn.returns, self._words(turn), turn.place
        )
        return await _leave(turn, dialogue)

    async def _there(
        self, turn: RunningTurn, dialogue: Dialogue, question: Question
    ) -> list[Arrival]:
        """Return what stands for where a question is put: nowhere, if nobody can be reached."""
        answer = dialogue.answer
        is_wrong = dialogue.remark is not None and dialogue.is_fresh(question.key)
        if question.of is None or answer is None or not is_wrong:
            return await self._reached(turn, question)
        dialogue.is_put_to_one = True
        where = MessageRef("", chat=answer.chat, thread=answer.thread)
        there = await self._addressing.place_of(turn.arrival, where)
        return [with_sender(there, answer.sender)]

    async def _reached(self, turn: RunningTurn, question: Question) -> list[Arrival]:
        """Return the same for a question that is new."""
        is_private = turn.arrival.event.message.chat.kind == "private"
        if question.of == "admins" and is_private:
            raise StateError(
                f'turn.ask {question.key!r}: of="admins" is for groups, and this chat is private'
            )
        if question.of is None or question.of == "admins" or not is_private:
            return [turn.arrival]
        there: list[Arrival] = []
        for user in question.of:
            try:
                there.append(await self._place_of(turn, user))
            except Rejected as error:
                log.info("%s cannot be asked: %s", user.id, error)
        return there

    async def _place_of(self, turn: RunningTurn, user: User | Identity) -> Arrival:
        if isinstance(user, User):
            return await self._addressing.place_of(turn.arrival, user)
        there = await self._addressing.place_at(turn.arrival, user.account, Chat(user.chat))
        return with_sender(there, user.user)

    async def _value(
        self, turn: RunningTurn, question: Question, given: Given, fetch: Fetch
    ) -> Any:
        if given.is_late:
            return question.default
        return await question.read(given, fetch, self._words(turn))

    async def _passed(
        self, turn: RunningTurn, dialogue: Dialogue, question: Question, value: Any
    ) -> Any:
        """Return an answer; what was said before its question is not said again."""
        if value is ...:
            dialogue.is_over = True
            return await _leave(turn, dialogue)
        asked = dialogue.before.asked
        if asked and asked.of is not None and dialogue.is_fresh(question.key):
            dialogue.outcome = outcome(asked, self._told(turn, dialogue, asked))
        dialogue.passes(question.key)
        if turn.showing:
            turn.showing.sent = []
        return value

    def _begun(self, turn: RunningTurn) -> Dialogue:
        if turn.plan is None:
            raise RuntimeError("a turn without a plan asks nothing")
        chance, message = self.chance(turn), turn.message
        if len(turn.messages) > 1:
            attachments = tuple(file for said in turn.messages for file in said.attachments)
            message = replace(message, attachments=attachments)
        memo = Memo(name_of(turn.plan.route), message, turn.text, now=chance.now, seed=chance.seed)
        if turn.showing and turn.showing.refs:
            memo.said[""] = list(turn.showing.refs)
        return Dialogue(memo, has_run=True)

    def put(self, turn: RunningTurn, memo: Memo) -> Answers:
        """Return the question that waits, as it is put in a turn, and note which message it is."""
        remark = turn.dialogue.remark if turn.dialogue else None
        before, last = put_with(remark, memo.asked, self._words_of_answer(turn))
        if memo.asked is None or last is None:
            return []
        addresses: list[Addressed] = []
        refs: list[MessageRef] = []
        if turn.dialogue and turn.dialogue.is_put_to_one and turn.dialogue.before.asked:
            refs += turn.dialogue.before.asked.refs
        for number, there in enumerate(turn.dialogue.there if turn.dialogue else [turn.arrival]):
            found, ref = addressed([last], there, f"{turn.arrival.seq}-asked-{number}")
            addresses += found
            refs.append(ref)
            if memo.asked.is_answered_by_others:
                inquiry = Inquiry(memo.asked.id, memo.asked.owner, ref)
                self._inquiries.put(turn, inquiry, there.place, memo.asked.timeout)
        turn.addressed = {**(turn.addressed or {}), **by_reply(addresses)}
        memo.asked = replace(
            memo.asked, refs=refs, first=memo.asked.first or next(iter(refs), None)
        )
        self._shown.puts(memo.asked, turn.arrival.seq)
        return [*before, *(address.reply for address in addresses)]

    def _told(self, turn: RunningTurn, dialogue: Dialogue, asked: Open) -> str:
        """Return what is shown on a question that somebody else was asked."""
        if dialogue.answer is None:
            return say(self._words(turn), "nobody_answered")
        text, sender = dialogue.answer.text, dialogue.answer.sender
        files = ", ".join(file.name or "" for file in dialogue.answer.attachments)
        label = next((label for label, offered in asked.offered if offered == text), text or files)
        return say(self._words(turn), "outcome", answer=label, who=sender.name or sender.id)

    async def settle(self, turn: RunningTurn, answer: Answers) -> Answers:
        """Return what a turn says in the end, and keep, or forget, what of a dialogue is open."""
        dialogue, left = turn.dialogue, turn.left_open
        if dialogue and dialogue.outcome:
            answer = [*answer, *dialogue.outcome]
        if dialogue and dialogue.waits and not dialogue.is_over:
            answer = [*answer, *self.put(turn, dialogue.memo)]
            await self.keep(turn, dialogue.memo)
        elif dialogue and dialogue.has_run:
            await self.keep(turn, Memo())
        elif left and not dialogue:
            answer = [*answer, *self.put(turn, left)]
            await self.keep(turn, left)
        return answer

    async def keep(self, turn: RunningTurn, memo: Memo) -> None:
        """Let a memo be committed with a turn."""
        held = await self._values.hold(turn, self.state, self.key(turn))
        held.object = memo
        if memo.asked and memo.asked.timeout != self.state.ttl:
            state = copy.copy(self.state)
            state.ttl = memo.asked.timeout
            held.slot = Slot(state, by_ref=False)

    def key(self, turn: RunningTurn) -> Key:
        """Return the key of the dialogue of whoever speaks."""
        return self.key_at(turn.place)

    def key_at(self, place: Place) -> Key:
        """Return the same for somebody in a conversation."""
        return self._values.key(self.state, place)

    def chance(self, turn: RunningTurn) -> Chance:
        """Return the time and the luck of a turn."""
        if turn.chance is None:
            turn.chance = Chance(self._clock.time(), secrets.randbits(64))
        return turn.chance

    def _words_of_answer(self, turn: RunningTurn) -> Mapping[str, str]:
        """Return the sentences for whoever is told of an answer that does not fit."""
        answer = turn.dialogue.answer if turn.dialogue and turn.dialogue.is_put_to_one else None
        return self._sentences.of(answer.sender.language) if answer else self._words(turn)

    def _words(self, turn: RunningTurn) -> Mapping[str, str]:
        return self._sentences.of(turn.message.sender.language)

    def _refuse_changes(self, turn: RunningTurn, key: str) -> None:
        """Raise `StateError` for what the next run would do once more."""
        changed = self._values.changed(turn)
        what = f"{changed.scope} state {changed.name!r} was changed" if changed else ""
        if turn.showing and turn.showing.elsewhere:
            what = "a reply was sent to another conversation"
        if turn.timers:
            what = "a timer was set or cancelled"
        if turn.taking and any(turn.taking.weights.values()):
            what = "turn.charge() was called"
        if what:
            raise StateError(
                f"turn.ask {key!r}: {what} before the question is answered, and the handler runs "
                "again from the top with each answer: do that after the last ask"
            )


async def _leave(turn: RunningTurn, dialogue: Dialogue) -> None:
    """Leave the handler here: it never goes on, but runs again."""
    if turn.steps:
        dialogue.memo.steps |= turn.steps.taken
    dialogue.waits = True
    await wait()


def _refuse_others(turn: RunningTurn) -> None:
    """Raise `StateError` where nothing can wait for an answer."""
    if not turn.place.person:
        raise StateError("turn.ask: nobody speaks here, so there is nobody to ask")
    if turn.asks_in is None or asyncio.current_task() is not turn.asks_in:
        raise StateError(
            "turn.ask waits in the body of an `async def` handler with a parameter of type Turn "
            "alone: not in middleware, a generator, on_expire, or a task that a handler has begun"
        )


def name_of(route: Route) -> str:
    """Return the name by which a dialogue knows its function, also after a deploy."""
    return f"{route.name} of {route.home.id}" if route.filter else route.name
