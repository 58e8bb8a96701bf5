"""Which events answer a question that waits, and what becomes of the others meanwhile.

1. A press answers if its button is that of the question. A text answers if it is no command, and in
   a group is meant for the bot; what must be chosen is not answered by what was written before the
   question was shown.
2. A command runs on its own, and the question is put again. /cancel gives the dialogue up, unless
   the bot has a command of this name: then that runs, and the dialogue is over, too.
3. What nobody answers in time goes on with what its question says of that, or is forgotten.
4. A dialogue whose function is gone ends with a sentence.
5. A bot that cannot ask looks nothing up.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec
from msgspec.structs import replace

from chatstate.bot.memos import DIALOGUE, Memo, Open
from chatstate.bot.questions import Given
from chatstate.bot.routes import Routes
from chatstate.engine.outbox.buttons import Buttons
from chatstate.engine.states.cache import StateCache
from chatstate.engine.turns.asker import Asker, name_of
from chatstate.engine.turns.dialogue import Chance, Dialogue
from chatstate.engine.turns.own_events import OwnEvent
from chatstate.engine.turns.plan import Plans
from chatstate.engine.turns.putting import brought_by
from chatstate.engine.turns.shown import Shown
from chatstate.engine.turns.turn import RunningTurn
from chatstate.language.sentences import Sentences, say
from chatstate.messages import Message
from chatstate.replies import Reply, is_command
from chatstate.stores.base import Expired, Store, StoredState, Value


class Answering:
    """Finds out, for one bot, which dialogue an event goes on with.

    `are_possible`: there may be any.
    """

    def __init__(
        self,
        *,
        bot: str,
        routes: Routes,
        plans: Plans,
        asker: Asker,
        shown: Shown,
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
        self._buttons = buttons
        self._cache = cache
        self._store = store
        self._sentences = sentences
        self.are_possible = any(route.handler.asks for route in routes)

    def left(self, stored: Iterable[StoredState]) -> None:
        """Note what is stored: dialogues of an earlier version of the bot have to end."""
        kept = (self._bot, DIALOGUE.scope, DIALOGUE.name)
        if any((state.bot, state.scope, state.name) == kept for state in stored):
            self.are_possible = True

    async def take(self, turn: RunningTurn) -> bool:
        """Let a turn go on with a dialogue; tell whether it does, or ends one.

        It has the plan of the dialogue's function then, or none if there is nothing to run.
        Raises `Sentence` for a press on a question that is not open.
        """
        message = turn.arrivals[0].event.message
        if message.kind == "expiry":
            return await self._is_late(turn, message)
        if message.kind not in ("message", "press") or not message.sender.id:
            return False
        memo = await self._memo(turn)
        if memo is None or memo.asked is None:
            return False
        if message.kind == "press":
            return await self._pressed(turn, memo, memo.asked)
        if is_command(message.text):
            return await self._commanded(turn, memo, message)
        return await self._said(turn, memo, memo.asked, message)

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

    async def _pressed(self, turn: RunningTurn, memo: Memo, asked: Open) -> bool:
        press = await self._buttons.read(turn.arrivals[0])
        if press is None or not press.answers:
            turn.left_open = memo
            return False
        question, number = brought_by(press.answers)
        if question != asked.id or number >= len(asked.offered):
            return False  # which tells so
        text = asked.offered[number][1]
        return await self._go_on(turn, memo, asked, Given(text), replace(press.message, text=text))

    async def _commanded(self, turn: RunningTurn, memo: Memo, message: Message) -> bool:
        if message.text.split("@")[0].strip().lower() != "/cancel":
            turn.left_open = memo
            return False
        await self._asker.keep(turn, Memo())
        route = self._routes.command("cancel")
        if route and not route.is_own:
            return False
        return self._ends(turn, "cancelled")

    async def _said(self, turn: RunningTurn, memo: Memo, asked: Open, message: Message) -> bool:
        if not (message.addressed or await self._is_answered_by(message, asked)):
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
        route = next((route for route in self._routes if name_of(route) == memo.route), None)
        if route is None or memo.message is None:
            await self._asker.keep(turn, Memo())
            return self._ends(turn, "function_gone") if answer else True
        self._shown.forget(asked)
        memo.answers[asked.key] = given
        turn.plan = plan = self._plans.of(route)
        turn.dialogue = Dialogue(memo, fresh=asked.key, answer=answer, has_run=not plan.asks)
        turn.chance = Chance(memo.now, memo.seed)
        turn.said_instead, turn.text = memo.message, memo.text
        return True

    async def _is_answered_by(self, message: Message, asked: Open) -> bool:
        """Tell whether a message visibly answers the question."""
        if message.reply_to is None or asked.ref is None:
            return False
        found = await self._store.reference(asked.ref.sent)
        return found is not None and found.message == message.reply_to.id

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

    def _ends(self, turn: RunningTurn, sentence: str) -> bool:
        turn.instead = [self._says(turn.message, sentence)]
        return True

    def _says(self, message: Message, sentence: str) -> Reply:
        return Reply(say(self._sentences.of(message.sender.language), sentence))


_LATE = OwnEvent(find=lambda _arrival: None, check=lambda _arrival, _answer: None)
