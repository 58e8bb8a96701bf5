"""Turns: from an event to a queued commit. Read `Turns.run`: it is the path of every message.

1. A turn in which anything is raised changes no state. What was raised is for the person, if it
   is a `UserError`; else the event becomes a dead letter, and the person gets one sentence. By
   whom it was raised is never guessed from what it is: a turn is cancelled by the engine only once
   it is fenced, or while the process ends, and a store that is broken refuses the commit too.
2. A turn whose shared values were changed by somebody faster runs again, holding their locks.
3. A stage that a plan does not have costs its turns nothing, and a turn that awaits nothing is run
   in one go: no task is made for it, and nobody else can see it in between.
"""

from __future__ import annotations

from collections.abc import Sequence

from chatstate.bot.returns import Answers
from chatstate.engine.egress.guarded_turns import GuardedTurns
from chatstate.engine.inbox.lanes import Lanes
from chatstate.engine.outbox.abridging import Abridger
from chatstate.engine.outbox.addressing import Addressing, are_plain
from chatstate.engine.outbox.answers import needs_care
from chatstate.engine.outbox.rendering import Renderer
from chatstate.engine.outbox.spool import Spool
from chatstate.engine.states.expiry import Expiries
from chatstate.engine.states.locks import KeyLocks
from chatstate.engine.turns.admission import Admission
from chatstate.engine.turns.answering import Answering
from chatstate.engine.turns.calling import Caller
from chatstate.engine.turns.dispatch import Dispatch
from chatstate.engine.turns.fences import Fences
from chatstate.engine.turns.finish import Finish
from chatstate.engine.turns.handover import Handover
from chatstate.engine.turns.late import LateTurns
from chatstate.engine.turns.later import Later
from chatstate.engine.turns.on_error import OnError
from chatstate.engine.turns.overlap import Overlap
from chatstate.engine.turns.plan import Plan
from chatstate.engine.turns.turn import RunningTurn
from chatstate.engine.turns.values import TurnValues
from chatstate.engine.turns.watch import Watch
from chatstate.errors import TryLater, UserError
from chatstate.replies import AnyReply, Native
from chatstate.signature import label


class Turns:
    """Runs the turns of one bot. `are_ending`: the process ends, so those that run are given up."""

    def __init__(
        self,
        *,
        lanes: Lanes,
        dispatch: Dispatch,
        answering: Answering,
        overlap: Overlap,
        admission: Admission,
        expiries: Expiries,
        values: TurnValues,
        caller: Caller,
        finish: Finish,
        late: LateTurns,
        later: Later,
        handover: Handover,
        fences: Fences,
        watch: Watch,
        renderer: Renderer,
        abridger: Abridger,
        addressing: Addressing,
        spool: Spool,
        guarded: GuardedTurns | None,
    ) -> None:
        self._lanes = lanes
        self._dispatch = dispatch
        self._answering = answering
        self._overlap = overlap
        self._admission = admission
        self._expiries = expiries
        self._values = values
        self._links = values.links
        self._caller = caller
        self._finish = finish
        self._late = late
        self._later = later
        self._refusals = handover.refusals
        self._handover = handover
        self._fences = fences
        self._watch = watch
        self._full = watch.places.full
        self._renderer = renderer
        self._addressing = addressing
        self._spool = spool
        self._abridger = abridger
        self._guarded = guarded
        self._locks = KeyLocks()
        self.are_ending = False

    # The path of a message

    async def run(self, turn: RunningTurn) -> None:
        """Run the turn of an event until its commit is queued, or it is fenced."""
        try:
            if (turn.arrivals[0].noted or self._links) and await self._take_up(turn):
                return
            if self._answering.are_possible and await self._answering.take(turn):
                plan = turn.plan
            else:
                plan = self._dispatch.find(turn) or await self._dispatch.look_up(turn)
            if plan is None:
                await self._end_without(turn)
            elif plan.is_bare or _is_exempt(turn) or await self._admit(turn, plan):
                if plan.is_shared:
                    await self._wait_for_locks(turn, plan)
                while not await self._attempt(turn, plan):
                    await self._run_again(turn)
        except BaseException as error:  # noqa: BLE001 - an author's code may raise anything
            if not (turn.fenced or self.are_ending):
                await self._fail(turn, error)
        finally:
            turn.end()
            if turn.release or turn.leave or turn.stored or turn.folder:
                await self._clean_up(turn)

    async def _attempt(self, turn: RunningTurn, plan: Plan) -> bool:
        """Run the handler once; tell whether the turn is over, or was overtaken by another."""
        if self._full and not (turn.release or turn.leave):  # what others wait for waits for nobody
            await self._watch.place(turn)
        turn.has_begun = True
        try:
            turn.begin_time(plan.timeout, in_place=True)
            if plan.around and not _is_exempt(turn):
                answer = await plan.around(turn)
            else:
                answer = await self._caller.handle(turn)
            turn.end_time()
        except BaseException:  # also when cancelled: nothing may go on showing
            turn.end_time()
            await self._stop_preview(turn)
            raise
        if turn.dialogue or turn.left_open:
            answer = await self._answering.settle(turn, answer)
        shows = turn.showing or turn.preview
        needs_more = shows or turn.addressed or turn.updates or self._guarded
        if needs_more or needs_care(answer, self._abridger.shortest):
            answer = await self._complete(turn, plan, answer)
        if turn.fenced:
            return True
        written = self._values.written(turn, answer)
        if turn.own:
            turn.own.check(turn.arrival, turn.here(answer))
        if written is None:
            return False
        if turn.late:
            await self._late.end(turn, answer, written)
        else:
            self._finish.queue(turn, answer, written)
        return True

    # Its rarer stages

    async def _take_up(self, turn: RunningTurn) -> bool:
        """Find with whom its person is linked, and what was noted; see `Later.take_up`."""
        if self._links:
            await self._values.join(turn)
        return turn.arrivals[0].noted and await self._later.take_up(turn, self._fences.arrived)

    async def _admit(self, turn: RunningTurn, plan: Plan) -> bool:
        """Let a turn in, and tell so; one that is not has ended, or waits for what has expired."""
        if plan.expires and await self._expiries.come_before(turn.arrivals[0], plan):
            return False
        if plan.overlap == "interrupt" and not turn.dialogue:
            with turn.timed(plan.timeout):  # what lets another event in is the author's code too
                is_superseded = await self._overlap.is_superseded(turn)
            if is_superseded:
                self._finish.queue(turn, ())
                return False
        if plan.has_terms and not await self._admission.enter(turn, plan):
            self._finish.queue(turn, ())
            return False
        if plan.window and not turn.dialogue:
            await self._overlap.gather(turn, plan)
        if plan.has_terms:
            await self._admission.place(turn, plan)
        if plan.overlap == "merge" and not turn.dialogue:
            await self._overlap.merge(turn, plan)
        return True

    async def _end_without(self, turn: RunningTurn) -> None:
        """End a turn that has no handler here."""
        if turn.arrivals[0].noted and turn.own is None:
            await self._refusals.check(turn)
        said = turn.instead
        if self._guarded:
            said = await self._guarded.answer(turn, said)
        written = self._values.written(turn, []) if turn.held else ()
        self._finish.queue(turn, said, written or ())

    async def _wait_for_locks(self, turn: RunningTurn, plan: Plan) -> None:
        """Wait for the locks of values that turns run again for, if any do."""
        if self._locks.are_wanted:
            keys = plan.shared_keys(turn.place)
            if self._locks.wanted(keys):
                turn.release = await self._locks.take(keys)

    async def _stop_preview(self, turn: RunningTurn) -> None:
        if turn.preview and self.are_ending:
            turn.preview.cancel()
        elif turn.preview:
            await turn.preview.stop()

    async def _run_again(self, turn: RunningTurn) -> None:
        """Begin anew, holding the locks of all values that can be changed meanwhile."""
        if not turn.release:
            keys = turn.shared_keys
            self._locks.fought_for(keys)
            turn.release = await self._locks.take(keys)
        await turn.drop_files(self._spool)
        turn.begin_again()
        if self._links:
            await self._values.join(turn)

    async def _complete(self, turn: RunningTurn, plan: Plan, answer: Sequence[AnyReply]) -> Answers:
        """Return all that is answered: what was sent, files for long texts, files copied."""
        turn.is_answered = True
        if turn.preview:
            await turn.preview.stop()
        if turn.updates:
            await self._values.prepare(turn, turn.updates)
            keys = [update.key for update in turn.updates]
            if not turn.release and self._locks.wanted(keys):  # else those who wait would starve
                (await self._locks.take(keys))()
        said = list(answer)
        if turn.showing:
            said = [*turn.showing.sent, *turn.showing.elsewhere, *answer]
        addressed = turn.addressed or {}
        if addressed or not are_plain(said):
            said, addressed = await self._addressing.resolved(turn.arrival, said, addressed)
            turn.addressed = addressed
        if Native in map(type, said):
            said = self._renderer.for_platforms(turn.arrival, said, addressed)
        if self._guarded:
            said = await self._guarded.egress.answer(turn.arrival, said, addressed)
        said, ahead = await self._abridger.abridge(turn.arrival, said, addressed)
        with turn.timed(plan.timeout):  # it is the handler's time, which made their sources
            stored = await self._spool.take_all(turn.arrival, said, turn.untimed, addressed)
        turn.stored = stored
        turn.ahead = await self._renderer.render_ahead(turn.arrival, said, stored, ahead, addressed)
        return said

    async def _fail(self, turn: RunningTurn, error: BaseException) -> None:
        """End a turn whose author's code, or what it answered, has failed; or leave it."""
        if isinstance(error, TryLater) and await self._later.put_off(
            turn, error, self._fences.arrived
        ):
            return
        if self._handover.is_for(error) and await self._handover.leave(turn, error):
            return
        if self._guarded and isinstance(error, UserError) and turn.message.chat.id:
            refused = await self._guarded.refused(turn, error)
            if refused is None:
                return
            error = refused
        dead = self._finish.fail(turn, error)
        if dead is None:
            return
        answer = None
        if turn.plan and turn.plan.on_error:
            answer = await self._ask_author(turn, turn.plan, turn.plan.on_error, error)
        if turn.fenced or self.are_ending:
            return
        if answer is None:
            self._finish.notify(turn, error)
            if self._guarded:
                answer = await self._guarded.apology(turn, error)
        self._finish.give_up(turn, dead, answer)

    async def _ask_author(
        self, turn: RunningTurn, plan: Plan, on_error: OnError, error: BaseException
    ) -> Answers | None:
        """Return what is answered to a turn that failed; None if its author does not say."""
        turn.forget()
        turn.has_failed, turn.is_answered = True, False
        try:
            with turn.timed(plan.timeout):
                said = await on_error(turn, error)
            if said is None and not (
                turn.showing and (turn.showing.sent or turn.showing.elsewhere)
            ):
                return None
            said = await self._complete(turn, plan, said or [])
            if turn.own:
                turn.own.check(turn.arrival, turn.here(said))
        except BaseException as failure:  # noqa: BLE001 - an author's code may raise anything
            if not (turn.fenced or self.are_ending):
                self._finish.tell(turn, failure, on_error.fn)
            return None
        return [*turn.shown_before(), *said]

    async def _clean_up(self, turn: RunningTurn) -> None:
        turn.let_go()
        if turn.stored or turn.folder:
            await turn.drop_files(self._spool)

    # From outside

    @property
    def unended(self) -> list[str]:
        """The handlers of turns that wait for something, and have not ended."""
        return [label(turn.plan.fn) for turn in self._watch.turns if turn.plan]

    def waits(self, turn: RunningTurn) -> None:
        """Note that a turn waits for the first time: from now on it can be ended from outside."""
        self._watch.add(turn)


def _is_exempt(turn: RunningTurn) -> bool:
    """Tell whether guards, limits and middleware are not for a turn: nobody has said anything."""
    return turn.own is not None and not turn.own.is_admitted
