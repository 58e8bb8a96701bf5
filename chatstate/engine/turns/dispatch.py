"""Which plan the turn of an event has: of a message, a press, or an event of our own.

1. The plan of an event of the framework's own is in one table, whatever a bot's routes are.
2. A press says what its button sends, once that is found to be genuine, and goes where a message
   would.
3. To look at a waiting event changes nothing and raises nothing.
"""

from __future__ import annotations

import contextlib

from chatstate.bot.routes import Routes
from chatstate.engine.outbox.buttons import Buttons
from chatstate.engine.turns.nobody import begin_for_nobody
from chatstate.engine.turns.own_events import OwnEvent, OwnEvents
from chatstate.engine.turns.plan import Plan, Plans
from chatstate.engine.turns.turn import RunningTurn
from chatstate.errors import StateError, UserError
from chatstate.language.sentences import Sentence, Sentences, told
from chatstate.messages import Message
from chatstate.stores.base import Arrival


class Dispatch:
    """Finds the plans for the events of one bot."""

    def __init__(
        self,
        *,
        routes: Routes,
        plans: Plans,
        buttons: Buttons,
        own_events: OwnEvents,
        sentences: Sentences,
    ) -> None:
        self._find = routes.find
        self._plans = plans
        self._buttons = buttons
        self._own_events = own_events
        self._sentences = sentences

    def own_event(self, arrival: Arrival) -> OwnEvent | None:
        """Return what sets an event of the framework's own apart; None for what people do."""
        return self._own_events.get(arrival.event.message.kind)

    def find(self, turn: RunningTurn) -> Plan | None:
        """Return the plan of a turn, and note its text; None if there is none, or not yet.

        Raises `Sentence` if the person is to be told so, and `StateError`.
        """
        arrival = turn.arrivals[0]
        message = arrival.event.message
        if message.kind == "press":
            return None
        turn.own = own = self._own_events.get(message.kind)
        if own:
            planned = own.find(arrival)
            if planned is None:
                return None
            turn.plan, turn.text = planned
            return turn.plan
        plan = self._plan(turn, message)
        if plan and not message.sender.id:
            begin_for_nobody(turn, plan)
        return plan

    async def look_up(self, turn: RunningTurn) -> Plan | None:
        """Return the same for what is to be looked up: a press, or an event of our own.

        A press says from now on what its button sends; None if that marks an option: then the turn
        says so `instead`.
        """
        if turn.arrivals[0].event.message.kind != "press":
            return await self._begin(turn, turn.own) if turn.own else None
        press = await self._buttons.read(turn.arrivals[0])
        if press is None:
            raise Sentence("dead_button")
        if press.answers:  # whoever asked that is not asking it any more, or not this person
            raise Sentence("not_open")
        if press.refused:
            raise press.refused
        if press.mark and press.offered:
            turn.instead = [self._buttons.mark(press, press.mark, press.offered)]
            return None
        turn.arrivals = [press.arrival]
        return self._plan(turn, press.message, pressed_command=press.command)

    async def _begin(self, turn: RunningTurn, own: OwnEvent) -> Plan | None:
        planned = await own.begin(turn) if own.begin else None
        if planned is None:
            return None
        turn.plan, turn.text = planned
        return turn.plan

    def _plan(
        self, turn: RunningTurn, message: Message, *, pressed_command: bool = False
    ) -> Plan | None:
        found = self._find(message, pressed_command=pressed_command)
        if found is None:
            return None
        route, turn.text = found
        turn.plan = plan = self._plans.of(route)
        return plan

    def refusal(self, message: Message) -> str | None:
        """Return what is said to a message that no handler can take; None if one can."""
        try:
            found = self._find(message)
            if found and found[0].handler.command is not None:
                found[0].handler.arguments(message, found[1])
        except UserError as error:
            return told(error, self._sentences.of(message.sender.language))
        return None

    async def find_quietly(self, turn: RunningTurn) -> None:
        """Note the plan of a turn that is only given up, as far as it has one."""
        turn.plan = self.plan_now(turn.arrival)
        turn.own = self.own_event(turn.arrival)
        if turn.own:
            with contextlib.suppress(StateError):  # it has no handler, and ends all the same
                await self._begin(turn, turn.own)

    async def plan_of(self, arrival: Arrival) -> tuple[Plan | None, Arrival]:
        """Return the plan of a waiting event, and the event as it is meant if it is a press."""
        if arrival.event.message.kind != "press":
            return self._quietly(arrival.event.message), arrival
        press = await self._buttons.read(arrival)
        if press is None or not press.says_something:
            return None, arrival
        return self._quietly(press.message, pressed_command=press.command), press.arrival

    def plan_now(self, arrival: Arrival) -> Plan | None:
        """Return the same for what need not be looked up in the store."""
        if arrival.event.message.kind != "press":
            return self._quietly(arrival.event.message)
        press = self._buttons.read_now(arrival)
        if press is None or not press.says_something:
            return None
        return self._quietly(press.message, pressed_command=press.command)

    def _quietly(self, message: Message, *, pressed_command: bool = False) -> Plan | None:
        try:
            found = self._find(message, pressed_command=pressed_command)
        except Exception:  # noqa: BLE001 - what a filter raises is told in the turn of its message
            return None
        return self._plans.of(found[0]) if found else None
