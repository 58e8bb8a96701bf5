"""Calls a handler: what is done right before, how it runs, and what it returned.

1. An async handler runs in the turn itself, a sync one in a thread, without a task for either.
2. A generator streams: each of its yields replaces what is shown so far.
3. A handler that cancels its own task has failed, though it may have returned.
"""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import functools
import inspect
from collections.abc import AsyncGenerator, Awaitable, Generator, Mapping
from typing import Any

from chatstate.bot.forms import Form, taken
from chatstate.bot.questions import Given
from chatstate.bot.returns import Answers
from chatstate.engine.runners import in_thread
from chatstate.engine.threads import Call, HandlerThreads
from chatstate.engine.turns.asker import Asker
from chatstate.engine.turns.dialogue import run
from chatstate.engine.turns.plan import Plan
from chatstate.engine.turns.showing import Showings
from chatstate.engine.turns.turn import RunningTurn
from chatstate.engine.turns.values import TurnValues
from chatstate.language.sentences import Sentences


class Caller:
    """Calls the handlers of one bot."""

    def __init__(
        self,
        *,
        values: TurnValues,
        threads: HandlerThreads,
        showings: Showings,
        asker: Asker,
        sentences: Sentences,
    ) -> None:
        self._values = values
        self._threads = threads
        self._showings = showings
        self._asker = asker
        self._sentences = sentences

    async def handle(self, turn: RunningTurn) -> Answers:
        """Load the handler's states, call it, and return its replies."""
        plan = turn.plan
        if plan is None:
            raise RuntimeError("a turn without a plan has no handler")
        if turn.held is None and not self._values.take(turn, plan):
            await self._values.load(turn, plan)
        if plan.is_prepared and await self._prepare(turn, plan):
            return []  # it waits for an answer
        positional, named = plan.handler.bind(turn)
        if plan.asks:
            waits, returned = await run(turn, plan.fn(*positional, **named))
            if waits:
                return []
        elif plan.mode == "async":
            returned = await plan.fn(*positional, **named)
        elif plan.mode == "sync":
            returned = await self._in_thread(turn, plan, Call(plan.fn, positional, named))
            if inspect.isawaitable(returned):
                returned = await returned
        else:
            return await self._stream(turn, plan, plan.fn(*positional, **named))
        if turn.task and turn.task.cancelling() and not turn.fenced:
            await _take_back(turn.task)
        return plan.handler.result(returned, turn.slots, turn.folder)

    async def _prepare(self, turn: RunningTurn, plan: Plan) -> bool:
        """Fetch files and fill a form; tell whether that waits for an answer."""
        handler = plan.handler
        if handler.wants_files:
            given = [file for message in turn.messages for file in message.attachments]
            turn.files = [await turn.turn.download(attachment) for attachment in given]
        if handler.form:
            waits, _ = await run(turn, self._fill(turn, handler.form))
            if waits:
                return True
        if plan.shows:
            await self._showings.of(turn).prepare()
        return False

    async def _fill(self, turn: RunningTurn, form: Form) -> None:
        """Ask for the inputs of a form; what began it may be the first answers."""
        given: Mapping[str, Given] = {}
        if turn.dialogue is None:
            if form.greeting and turn.message.answers is None:
                await turn.turn.send(await form.greeting(turn.turn))
            given = form.given(turn.message, turn.text)
            self._asker.begin(turn, given)
        answers: list[Any] = []
        for question in form.questions(self._sentences.of(turn.message.sender.language)):
            answers.append(await self._asker.ask(turn, question, turn.turn.download))
            if turn.dialogue and len(given) == 1 and question.key in given:
                turn.dialogue.remark = taken(question.key, given[question.key])
        turn.answers = answers

    def _in_thread(self, turn: RunningTurn, plan: Plan, call: Call) -> Awaitable[Any]:
        turn.task = None  # it goes on in another
        if plan.around or turn.is_quick:  # in such a task nobody knows of parked jobs
            return self._threads.make(call, contextvars.copy_context())
        return in_thread(call)

    async def _stream(self, turn: RunningTurn, plan: Plan, stream: Any) -> Answers:
        if plan.mode == "async_generator":
            return await self._drain_async(turn, plan, stream)
        drained: Answers = await self._threads.run(
            functools.partial(self._drain, turn, plan, stream)
        )
        return drained

    def _drain(self, turn: RunningTurn, plan: Plan, stream: Generator[Any]) -> Answers:
        answer: Answers = []
        with contextlib.closing(stream):
            for yielded in stream:
                if turn.fenced:
                    break
                answer = plan.handler.result(yielded, turn.slots, turn.folder)
                self._showings.of(turn).show_from_thread(answer)
        return answer

    async def _drain_async(
        self, turn: RunningTurn, plan: Plan, stream: AsyncGenerator[Any]
    ) -> Answers:
        answer: Answers = []
        async with contextlib.aclosing(stream):
            async for yielded in stream:
                if turn.fenced:
                    break
                answer = plan.handler.result(yielded, turn.slots, turn.folder)
                self._showings.of(turn).show(answer)
                await asyncio.sleep(0)  # others must run, though the stream awaits nothing
        return answer


async def _take_back(task: asyncio.Task[Any]) -> None:
    """Undo a cancel that nobody ordered, and raise it as what the handler has done."""
    with contextlib.suppress(asyncio.CancelledError):
        await asyncio.sleep(0)
    while task.uncancel():
        pass
    raise RuntimeError("the handler has cancelled its own task")
