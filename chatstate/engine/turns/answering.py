"""Which events answer a question that waits, and what becomes of the others meanwhile.

1. A press answers if its button is that of the question. A text answers if it is no command, and in
   a group is meant for the bot; what must be chosen is not answered by what was written before the
   question was shown.
2. A command runs on its own, and the question is put again. /cancel gives the dialogue up, unless
   the bot has a command of this name: then that runs, and the dialogue is over, too.
3. What nobody answers in time goes on with what its question says of that, or is forgotten.
4. What others were asked, they answer; its person cannot. See `approvals`.
5. A dialogue whose function is gone ends with a sentence, once no run of the bot has the function.
6. Before anything was asked nothing is looked up.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping

import msgspec
from msgspec.structs import replace

from chatstate.bot.memos import DIALOGUE, Memo, Open
from chatstate.bot.questions import Given
from chatstate.bot.returns import Answers
from chatstate.bot.route import Route
from chatstate.bot.routes import Routes
from chatstate.engine.outbox.buttons import Buttons
from chatstate.engine.states.cache import StateCache
from chatstate.engine.states.links import as_now
from chatstate.engine.turns.approvals import Approval, Approvals
from chatstate.engine.turns.asker import Asker, name_of
from chatstate.engine.turns.dialogue import Chance, Dialogue
from chatstate.engine.turns.inquiries import Inquiries
from chatstate.engine.turns.own_events import OwnEvent
from chatstate.engine.turns.plan import Plans
from chatstate.engine.turns.putting import Brought
from chatstate.engine.turns.refusals import Refusals
from chatstate.engine.turns.shown import Shown
from chatstate.engine.turns.turn import RunningTurn
from chatstate.language.sentences import NoHandlerSentence, Sentences, say
from chatstate.messages import Message
from chatstate.replies import Reply, is_command
from chatstate.stores.base import Expired, Store, StoredState, Value


class Answering:
    """Finds out, for one bot, which dialogue an event goes on with.

    `may_be_asked`: the bot has something that asks. `are_possible`: there may be a dialogue, as
    this run knows, if it is the only one.
    """

    def __init__(
        self,
        *,
        bot: str,
        routes: Routes,
        plans: Plans,
        asker: Asker,
        shown: Shown,
        approvals: Approvals,
        inquiries: Inquiries,
        refusals: Refusals,
        buttons: Buttons,
        cache: StateCache,
        store: Store,
        sentences: Sentences,
    ) -> None:
        self._bot = bot
        self._routes = routes
        self._plans = plans
        self._asker = asker
        self._shown = shown
        self._approvals = approvals
        self._inquiries = inquiries
        self._refusals = refusals
        self._buttons = buttons
        self._cache = cache
        self._store = store
        self._sentences = sentences
        self._others: Mapping[str, Callable[[RunningTurn, Message], Awaitable[bool]]] = {
            "press": self._pressed,
            "expiry": self._is_late,
            "answer": self._approved,
        }
        self.may_be_asked = any(route.handler.may_ask for route in routes)
        self.are_possible = self.may_be_asked and not store.is_sole

    def left(self, stored: Iterable[StoredState]) -> None:
        """Note what is stored: dialogues of an earlier version of the bot have to end."""
        stored = list(stored)
        self._inquiries.left(stored)
        kept = (self._bot, DIALOGUE.scope, DIALOGUE.name)
        if any((state.bot, state.scope, state.name) == kept for state in stored):
            self.are_possible = True

    async def settle(self, turn: RunningTurn, answer: Answers) -> Answers:
        """Return what a turn with a dialogue says in the end; see `Asker.settle`."""
        self.are_possible = True
        return await self._asker.settle(turn, answer)

    async def take(self, turn: RunningTurn) -> bool:
        """Let a turn go on with a dialogue; tell whether it does, or ends one.

        It has the plan of the dialogue's function then, or none if there is nothing to run.
        Raises `Sentence` for a press on a question that is not open.
        """
        message = turn.arrivals[0].event.message
        other = self._others.get(message.kind)
        if other:
            return await other(turn, message)
        if message.kind != "message" or not message.sender.id:
            return False
        memo = await self._memo(turn)
        asked = memo.asked if memo else None
        is_said = not is_command(message.text)
        if is_said and await self._approvals.take(turn, visibly=asked is not None):
            return True
        if memo is None or asked is None:
            return False
        if is_said:
            return await self._said(turn, memo, asked, message)
        return await self._commanded(turn, memo, message)

    async def _memo(self, turn: RunningTurn) -> Memo | None:
        """Return what is kept of a person's dialogue; None if there is none."""
        key = self._asker.key(turn)
        entry = self._cache.find(key)
        if entry is None:
            (entry,) = await self._cache.load([key], turn.place)
        if entry.value is None or self._cache.is_over(entry):
            return None
        memo: Memo = self._asker.state.read(entry.value)[0]
        return memo

    async def _pressed(self, turn: RunningTurn, message: Message) -> bool:
        memo, answers = await self._memo(turn), self._buttons.answers(turn.arrivals[0])
        if not answers:
            turn.left_open = _of_person(memo)
            return False
        brought = Brought.read(answers)
        if brought.person:
            await self._approvals.hand_over(turn, brought)
            return True
        # If it is not of the open question, whoever reads it next tells so.
        return await self._taken(turn, memo, brought, message)

    async def _approved(self, turn: RunningTurn, message: Message) -> bool:
        """Go on with what somebody else has answered, unless it was answered before."""
        turn.own = _APPROVED
        approval = msgspec.convert(message.raw, Approval)
        memo = await self._memo(turn)
        if approval.given and memo and memo.asked and memo.asked.id == approval.question:
            return await self._go_on(turn, memo, memo.asked, approval.given, approval.answer)
        brought = Brought(approval.question, approval.number)
        if approval.given or not await self._taken(turn, memo, brought, approval.answer):
            await self._approvals.tell(turn, approval)
        return True

    async def _taken(
        self, turn: RunningTurn, memo: Memo | None, brought: Brought, answer: Message
    ) -> bool:
        """Go on with what was pressed; False if it answers no open question."""
        asked = memo.asked if memo else None
        if not (memo and asked) or brought.question != asked.id:
            return False
        if brought.number >= len(asked.offered):
            return False
        text = asked.offered[brought.number][1]
        return await self._go_on(turn, memo, asked, Given(text), replace(answer, text=text))

    async def _commanded(self, turn: RunningTurn, memo: Memo, message: Message) -> bool:
        if message.text.split()[0].partition("@")[0].lower() != "/cancel":
            turn.left_open = _of_person(memo)
            return False
        await self._asker.keep(turn, Memo())
        route = self._routes.command("cancel")
        if route and not route.is_own:
            return False
        return self._ends(turn, "cancelled")

    async def _said(self, turn: RunningTurn, memo: Memo, asked: Open, message: Message) -> bool:
        if asked.of is not None:
            return False
        if not (message.addressed or await self._is_meant(turn, memo, asked)):
            return False
        if asked.is_chosen and not await self._shown.is_before(asked, turn.arrival.seq):
            turn.instead = [self._says(message, "too_early"), *self._asker.put(turn, memo)]
            await self._asker.keep(turn, memo)
            return True
        return await self._go_on(turn, memo, asked, Given.by(message), message)

    async def _go_on(
        self, turn: RunningTurn, memo: Memo, asked: Open, given: Given, answer: Message | None
    ) -> bool:
        """Let the dialogue's function run with an answer; end it if that is gone."""
        route = self._route(memo)
        if route is None or memo.message is None:
            await self._refusals.check(turn, NoHandlerSentence("function_gone"))
            await self._asker.keep(turn, Memo())
            return self._ends(turn, "function_gone") if answer else True
        self._shown.forget(asked)
        memo.answers[asked.key] = given
        turn.plan = plan = self._plans.of(route)
        turn.dialogue = Dialogue(memo, fresh=asked.key, answer=answer, has_run=not plan.may_ask)
        turn.chance = Chance(memo.now, memo.seed)
        turn.said_instead, turn.text = as_now(memo.message, turn.message), memo.text
        return True

    async def _is_meant(self, turn: RunningTurn, memo: Memo, asked: Open) -> bool:
        """Tell whether a message that names nobody answers the question.

        It does so visibly, or would begin the same form.
        """
        route = self._route(memo)
        if route is None:
            await self._refusals.check(turn, NoHandlerSentence("function_gone"))
        if route and route.handler.form and route.handler.command is None:
            return True
        answered = turn.message.reply_to
        if answered is None or not asked.refs:
            return False
        found = await self._store.reference(asked.refs[0].sent)
        return found is not None and found.message == answered.id

    async def _is_late(self, turn: RunningTurn, message: Message) -> bool:
        """Go on with a dialogue that nobody has answered in time, unless there is another one."""
        expired = msgspec.convert(message.raw, Expired)
        if (expired.scope, expired.name) != (DIALOGUE.scope, DIALOGUE.name):
            return False
        turn.own = _LATE
        value = Value(expired.text or "", expired.version, expired.schema)
        memo: Memo = self._asker.state.read(value)[0]
        if memo.asked is None or await self._memo(turn):
            return True
        return await self._go_on(turn, memo, memo.asked, Given(is_late=True), None)

    def _route(self, memo: Memo) -> Route | None:
        """Return the route of a dialogue's function, if the bot still has it."""
        return next((route for route in self._routes if name_of(route) == memo.route), None)

    def _ends(self, turn: RunningTurn, sentence: str) -> bool:
        turn.instead = [self._says(turn.message, sentence)]
        return True

    def _says(self, message: Message, sentence: str) -> Reply:
        return Reply(say(self._sentences.of(message.sender.language), sentence))


def _of_person(memo: Memo | None) -> Memo | None:
    """Return a memo whose question its person can answer: it is put again."""
    return memo if memo and memo.asked and memo.asked.of is None else None


_APPROVED = OwnEvent(
    find=lambda _arrival: None,
    check=lambda _arrival, _answer: None,
    is_admitted=True,
    shows_typing=True,
    apologises=True,
)
_LATE = OwnEvent(find=lambda _arrival: None, check=lambda _arrival, _answer: None)
