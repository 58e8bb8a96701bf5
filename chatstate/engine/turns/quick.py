"""What must be answered within seconds: handled at once, beside the conversation.

1. Nothing of it is stored: state may be read, and what would change it is an error. No limit is
   counted, and nothing is shown before the answer is complete.
2. What one person asks is handled in its order. Of what waits, only the newest is: whoever types a
   word wants no answer to its first letters.
3. What fails is told as any failure is, and answered by what the author says of it, if anything.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from chatstate.adapter import Action
from chatstate.bot.engines import inside_turn
from chatstate.bot.returns import Answers
from chatstate.engine.outbox.rendering import Renderer
from chatstate.engine.outbox.spool import Spool
from chatstate.engine.turns.admission import Admission
from chatstate.engine.turns.calling import Caller
from chatstate.engine.turns.dispatch import Dispatch
from chatstate.engine.turns.finish import Finish
from chatstate.engine.turns.plan import Plan
from chatstate.engine.turns.turn import RunningTurn
from chatstate.engine.turns.values import TurnValues
from chatstate.errors import ReplyError, StateError, UserError
from chatstate.language.sentences import Sentences, told
from chatstate.messages import Event
from chatstate.replies import Native, Reply
from chatstate.stores.base import Arrival, Store

T = TypeVar("T")
Asker = tuple[int, str]
"""Who asks: an account's person, by the platform's id."""
_UNSTORED = 0  # the number of an event that is in no inbox


class QuickTurns:
    """Runs the quick turns of one bot."""

    def __init__(
        self,
        *,
        store: Store,
        dispatch: Dispatch,
        admission: Admission,
        values: TurnValues,
        caller: Caller,
        finish: Finish,
        renderer: Renderer,
        spool: Spool,
        sentences: Sentences,
    ) -> None:
        self._store = store
        self._dispatch = dispatch
        self._admission = admission
        self._values = values
        self._caller = caller
        self._finish = finish
        self._renderer = renderer
        self._spool = spool
        self._sentences = sentences
        self._running: dict[Asker, asyncio.Future[bool] | None] = {}

    async def ask(self, account: int, event: Event) -> Sequence[Action] | None:
        """Return what is answered to an event; None if a newer one takes its place."""
        return await self._in_order(account, event, self._actions)

    async def complete(self, account: int, event: Event) -> Sequence[str] | None:
        """Return what may be typed; None if a newer event takes its place."""
        return await self._in_order(account, event, self._offered)

    async def _in_order(
        self, account: int, event: Event, answer: Callable[[RunningTurn], Awaitable[T]]
    ) -> T | None:
        asker = (account, event.message.sender.id)
        if not await self._is_next(asker):
            return None
        try:
            return await self._answer(account, event, answer)
        finally:
            self._go_on(asker)

    async def _is_next(self, asker: Asker) -> bool:
        """Wait until nothing else runs for somebody; False if something newer waits."""
        if asker not in self._running:
            self._running[asker] = None
            return True
        older = self._running[asker]
        if older and not older.done():
            older.set_result(False)
        mine: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._running[asker] = mine
        try:
            return await mine
        except asyncio.CancelledError:
            if mine.done() and not mine.cancelled() and mine.result():
                self._go_on(asker)
            raise

    def _go_on(self, asker: Asker) -> None:
        waiting = self._running.pop(asker)
        if waiting and not waiting.done():
            self._running[asker] = None
            waiting.set_result(True)

    async def _answer(
        self, account: int, event: Event, answer: Callable[[RunningTurn], Awaitable[T]]
    ) -> T:
        message = event.message
        place = await self._store.place(account, message.chat, message.thread)
        person = await self._store.person(account, message.sender)
        arrival = Arrival(_UNSTORED, place._replace(person=person), event)
        turn = RunningTurn([arrival], is_quick=True)
        inside_turn.set(turn)
        await self._values.join(turn)
        try:
            return await answer(turn)
        finally:
            turn.end()
            if turn.folder:
                await self._spool.end_turn(turn.folder)

    async def _actions(self, turn: RunningTurn) -> Sequence[Action]:
        said = await self._said(turn)
        _refuse(said, turn.message.update)
        rendered = self._renderer.render(turn.arrivals, said)
        actions = [outbound.action for outbound in rendered.outbound]
        return [action for action in actions if action.verb != "finish"]

    async def _offered(self, turn: RunningTurn) -> Sequence[str]:
        try:
            said = await self._handled(turn)
        except UserError:
            return []
        except Exception as error:  # noqa: BLE001 - an author's code may raise anything
            self._finish.tell(turn, error)
            self._finish.notify(turn, error)
            return []
        return [str(reply.text) for reply in said if isinstance(reply, Reply)]

    async def _handled(self, turn: RunningTurn) -> Answers:
        """Return what a handler answers, or nothing if there is none for its sender."""
        plan = self._dispatch.find(turn)
        if plan is None or not await self._admission.allows(plan, turn.arrival):
            return []
        said = await (plan.around or self._caller.handle)(turn)
        self._refuse_changes(turn)
        return said

    async def _said(self, turn: RunningTurn) -> Answers:
        try:
            said = await self._handled(turn)
        except UserError as error:
            return [Reply(told(error, self._sentences.of(turn.message.sender.language)))]
        except Exception as error:  # noqa: BLE001 - an author's code may raise anything
            return await self._failed(turn, turn.plan, error)
        return [*(turn.showing.sent if turn.showing else ()), *said]

    async def _failed(self, turn: RunningTurn, plan: Plan | None, error: Exception) -> Answers:
        """Tell of a failure, and return what the author answers to it."""
        self._finish.tell(turn, error)
        if plan and plan.on_error:
            turn.forget()
            turn.has_failed = True
            try:
                said = await plan.on_error(turn, error)
            except Exception as failure:  # noqa: BLE001 - see above
                self._finish.tell(turn, failure, plan.on_error.fn)
            else:
                if said is not None:
                    return said
        self._finish.notify(turn, error)
        return []

    def _refuse_changes(self, turn: RunningTurn) -> None:
        changed = self._values.changed(turn)
        if changed is not None:
            raise StateError(
                f"{changed.scope} state {changed.name!r} was changed, and what answers "
                f"{_asked(turn)} is stored nowhere: it may only read state"
            )


def _refuse(said: Answers, update: str) -> None:
    if any(isinstance(reply, Native) and (reply.files or reply.references) for reply in said):
        raise ReplyError(
            f"a call that answers {update} at once has no files, and names no message that has no "
            "id yet: nothing of it is stored"
        )
    if any(isinstance(reply, Reply) and (reply.all_files or reply.shared) for reply in said):
        raise ReplyError(
            f"what answers {update} at once has no files, and no place, contact, poll or sticker: "
            "name a file that the platform has by its id, or by its address, in a Native"
        )


def _asked(turn: RunningTurn) -> str:
    message = turn.message
    return message.update or f"how {message.text} goes on"
