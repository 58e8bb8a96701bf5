"""Ends of turns that come from outside: too much time, another event, a crash.

1. Such a turn is fenced: its end is committed, its effects are not, and the lane goes on without
   it.
2. Only a turn that waits can be ended so: one that does not is over before anybody looks.
"""

from __future__ import annotations

import functools
import logging
from collections.abc import Collection, Sequence

from chatstate.engine.inbox.lanes import Lanes
from chatstate.engine.turns.dispatch import Dispatch
from chatstate.engine.turns.finish import Finish
from chatstate.engine.turns.later import Later
from chatstate.engine.turns.overlap import Overlap
from chatstate.engine.turns.plan import Plan
from chatstate.engine.turns.reports import account
from chatstate.engine.turns.sentences import apology, closing
from chatstate.engine.turns.turn import RunningTurn
from chatstate.engine.turns.watch import Watch
from chatstate.language.sentences import Sentences
from chatstate.replies import AnyReply
from chatstate.stores.base import Arrival, DeadLetter

log = logging.getLogger("chatstate.turns")


class Fences:
    """Ends the turns of one bot that wait.

    `are_put_off` are the conversations in which one is to begin anew later.
    """

    def __init__(
        self,
        *,
        lanes: Lanes,
        dispatch: Dispatch,
        overlap: Overlap,
        later: Later,
        finish: Finish,
        watch: Watch,
        sentences: Sentences,
    ) -> None:
        self._lanes = lanes
        self._dispatch = dispatch
        self._overlap = overlap
        self._later = later
        self.are_put_off = later.waiting
        self._finish = finish
        self._watch = watch
        self._sentences = sentences

    def hurry(self) -> None:
        """Let turns that wait for what a person still writes begin."""
        for turn in self._watch.turns:
            if turn.more:
                turn.more.set()

    def interruptible(self, conversation: int) -> RunningTurn | None:
        """Return the turn that runs in a conversation, if other events may interrupt it."""
        turn = self._watch.of(conversation)
        if turn is None or turn.plan is None or turn.fenced or turn.late:
            return None
        return turn if turn.own is None or turn.own.is_interrupted else None

    def arrived(self, arrival: Arrival) -> None:
        """Fence the turn that runs in the same conversation, if this event interrupts it."""
        turn = self.interruptible(arrival.place.conversation)
        if turn:
            self._overlap.interrupt(turn, arrival, functools.partial(self._interrupt, turn))

    def stop_answer(self, account: int, chat: str, thread: str | None) -> bool:
        """Fence the turn whose answer is being shown in a conversation, if there is one."""
        for turn in self._watch.turns:
            if turn.is_at(account, chat, thread) and turn.is_showing and not turn.fenced:
                self._fence(turn, closing(turn, self._sentences, "interrupted"))
                return True
        return False

    @property
    def running(self) -> Sequence[RunningTurn]:
        """The turns that wait for something: others are over before anybody could ask."""
        return self._watch.turns

    def slow(self, seconds: float) -> Sequence[tuple[Plan, float]]:
        """Return the plans of turns whose handler waits and has run for longer, and how long."""
        return [
            (turn.plan, ran)
            for turn in self._watch.turns
            if turn.plan and (ran := self._watch.ran(turn)) > seconds
        ]

    def end_erased(self, numbers: Collection[int]) -> None:
        """Fence turns of events that are in the inbox no more."""
        for turn in self._watch.turns:
            if not turn.fenced and any(arrival.seq in numbers for arrival in turn.arrivals):
                self._fence(turn, ())

    def end_late(self) -> None:
        """Fence turns that have run too long."""
        for turn in self._watch.late():
            seconds = turn.plan.timeout if turn.plan else 0
            told = account(turn, f"took more than {seconds:g} s")
            log.error("%s", told)
            dead = DeadLetter(
                "event", f"TimeoutError: it took more than {seconds} s", told.revealed
            )
            self._fence(turn, apology(turn, self._sentences), dead)

    async def set_aside(self, arrival: Arrival) -> None:
        """Give up an event that has crashed the process each time it ran alone."""
        error = f"the process crashed {arrival.crashes} times while only this event ran"
        turn = RunningTurn([arrival])
        await self._dispatch.find_quietly(turn)
        await self._later.take_up(turn, self.arrived)
        told = account(turn, "is given up", error)
        log.error("%s", told)
        self._finish.give_up(turn, DeadLetter("event", error, told.revealed))

    def _interrupt(self, turn: RunningTurn) -> None:
        if self._watch.of(turn.place.conversation) is turn and not (turn.fenced or turn.late):
            self._fence(turn, closing(turn, self._sentences, "interrupted"))

    def _fence(
        self, turn: RunningTurn, answer: Sequence[AnyReply], dead: DeadLetter | None = None
    ) -> None:
        self._finish.queue(turn, answer, dead=dead)
        turn.fenced = True
        if turn.preview:
            turn.preview.cut_off()
        turn.let_go()
        self._watch.ends(turn)  # though its handler may go on
        self._watch.remove(turn)
        self._lanes.leave_behind(turn)
