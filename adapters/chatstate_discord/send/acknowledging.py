"""Slash commands and presses, as they are acknowledged.

1. An interaction is acknowledged within three seconds of its arrival, or never. That is done once
   it is stored; but if the store takes longer than `PATIENCE`, before: who waits for an answer
   gets none otherwise, and the event is stored all the same unless the process dies meanwhile.
2. A command is acknowledged with a waiting sign, which all see or the person alone. So it waits for
   its answer, but for no longer than `ANSWER_SECONDS`, and then shows a sign for all.
3. A command that cannot be handled is answered at once, for the person alone.
4. What begins a form that can be asked at once is answered with its modal, and never stored; if it
   is not known in time whether it does, it is acknowledged as any other.
5. What is being typed goes on as the bot tells, if it does so in time; nobody misses it else.
6. A failure is told in the log: the event is stored, and is answered all the same.
"""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Awaitable, Coroutine, Sequence
from typing import Any, TypeVar

from discord.http import HTTPClient, Route

from chatstate import Event
from chatstate.adapter import PostForm
from chatstate.markup import StyledText
from chatstate_discord.receive.content import Json
from chatstate_discord.receive.interactions import Origin
from chatstate_discord.send import errors, parts
from chatstate_discord.send.errors import code_of, meaning
from chatstate_discord.send.markup import markdown
from chatstate_discord.send.modals import modal

log = logging.getLogger("chatstate.discord")

PATIENCE = 1.5
ANSWER_SECONDS = 0.5
_OFFER_SECONDS = 2.5
_FORM_SECONDS = 0.5
_CHOICES, _CHOICE = 25, 100
_TRIES, _PAUSE = 4, 0.2
_KEPT = 1000
T = TypeVar("T")


async def acknowledge(http: HTTPClient, origin: Origin, *, hidden: bool = False) -> None:
    """Tell Discord that an answer will come; `hidden`: for the person alone."""
    data = {"data": {"flags": parts.EPHEMERAL}} if hidden else {}
    await _call_back(http, origin, {"type": 6 if origin.is_press else 5, **data})


async def refuse(http: HTTPClient, origin: Origin, text: str) -> None:
    """Answer at once, for the person alone."""
    shown = markdown(StyledText(text))[: parts.TEXT_LIMIT]
    data = {"content": shown, "flags": parts.EPHEMERAL, "allowed_mentions": parts.NOBODY}
    await _call_back(http, origin, {"type": 4, "data": data})


async def _offer(http: HTTPClient, origin: Origin, asked: Awaitable[Sequence[str] | None]) -> None:
    try:
        async with asyncio.timeout(_OFFER_SECONDS):
            texts = await asked
    except TimeoutError:
        log.warning("what may be typed is not told: it took longer than Discord waits")
        return
    if texts is not None:  # else something newer has been typed
        fit = [text for text in dict.fromkeys(texts) if 0 < len(text) <= _CHOICE]
        choices = [{"name": text, "value": text} for text in fit[:_CHOICES]]
        await _call_back(http, origin, {"type": 8, "data": {"choices": choices}})


async def _in_time(asked: Awaitable[PostForm | None]) -> PostForm | None:
    try:
        async with asyncio.timeout(_FORM_SECONDS):
            return await asked
    except Exception as error:  # noqa: BLE001 - whatever it is, its questions can be asked one by one
        log.warning("a form is asked one by one, for it was not known in time: %r", error)
        return None


async def _call_back(http: HTTPClient, origin: Origin, body: Json) -> None:
    path = "/interactions/{webhook_id}/{webhook_token}/callback"
    route = Route("POST", path, webhook_id=int(origin.id), webhook_token=origin.token)
    for left in reversed(range(_TRIES)):
        try:
            await http.request(route, json=body)
        except Exception as error:  # noqa: BLE001 - whatever it is, the event is stored and is answered
            code = code_of(error)
            if code == errors.ACKNOWLEDGED:
                return  # an earlier try arrived, and only its answer was lost
            if not left or code:
                log.warning("an interaction could not be acknowledged: %s", meaning(error))
                return
            await asyncio.sleep(_PAUSE)
        else:
            return


class Waiting:
    """An interaction: whether it is stored, is being answered, is acknowledged, and for whom.

    `form` tells what form it begins, if it may.
    """

    def __init__(self, form: asyncio.Task[PostForm | None] | None) -> None:
        self.form = form
        self.stored, self.answering, self.over = asyncio.Event(), asyncio.Event(), asyncio.Event()
        self.hidden = False

    async def begins_form(self) -> bool:
        """Tell whether it is answered with a modal, and so is not to be stored."""
        return self.form is not None and await self.form is not None


class Acknowledging:
    """Acknowledges interactions: see the module's rules 1 and 2."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[Any]] = set()
        self._waiting: OrderedDict[str, Waiting] = OrderedDict()

    def begin(
        self,
        http: HTTPClient,
        origin: Origin,
        event: Event,
        asked: Awaitable[PostForm | None] | None,
    ) -> Waiting:
        """Return an interaction, whose `stored` is to be set; `asked` tells what form it begins."""
        form = self._start(_in_time(asked)) if asked else None
        waiting = self._waiting[origin.id] = Waiting(form)
        if len(self._waiting) > _KEPT:
            self._waiting.popitem(last=False)
        self._start(self._answer(http, origin, event.message.text, waiting))
        return waiting

    async def answered(self, origin: Origin, *, hidden: bool) -> bool:
        """Acknowledge a command that is about to be answered; tell whether that was `hidden`.

        It may have been acknowledged for all before, by this process or another one.
        """
        waiting = self._waiting.get(origin.id)
        if waiting is None:
            return False
        if not waiting.answering.is_set():
            waiting.hidden = hidden
            waiting.answering.set()
        await waiting.over.wait()
        return waiting.hidden

    async def over(self, origin: Origin) -> None:
        """Return once it is acknowledged, if it is about to be: before, its token opens nothing."""
        waiting = self._waiting.get(origin.id)
        if waiting:
            await waiting.over.wait()

    def refuse(self, http: HTTPClient, origin: Origin, text: str) -> None:
        """Answer it at once."""
        self._start(refuse(http, origin, text))

    def offer(
        self, http: HTTPClient, origin: Origin, asked: Awaitable[Sequence[str] | None]
    ) -> None:
        """Answer how a word may go on, which somebody is typing, if that is told in time."""
        self._start(_offer(http, origin, asked))

    async def stop(self) -> None:
        """End what is under way."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _start(self, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _answer(self, http: HTTPClient, origin: Origin, began: str, waiting: Waiting) -> None:
        try:
            form = await waiting.form if waiting.form else None
            if form:
                await _call_back(http, origin, {"type": 9, "data": modal(form, began)})
                return
            if not await _is_set(waiting.stored, PATIENCE):
                log.warning("an interaction is acknowledged before it is stored: the store is slow")
            elif not origin.is_press:
                await _is_set(waiting.answering, ANSWER_SECONDS)
            waiting.answering.set()
            await acknowledge(http, origin, hidden=waiting.hidden)
        finally:
            waiting.answering.set()
            waiting.over.set()


async def _is_set(event: asyncio.Event, seconds: float) -> bool:
    """Tell whether an event is set within so many seconds."""
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        return False
    return True
