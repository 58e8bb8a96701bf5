"""Opens what a bot's lifespans yield, and closes it when the bot stops.

1. The bot's own comes first, then those of the bots it includes, in their order; they are closed
   the other way round, also if one of them fails.
2. One task enters and leaves all of them, because task groups and cancel scopes demand it. If
   it ends early, because something in a lifespan fails, the bot stops.
"""

from __future__ import annotations

import asyncio
import contextlib
import inspect
import logging
from collections.abc import Callable
from typing import Any

from chatstate.bot.egress import guards_of
from chatstate.bot.interface import Interface
from chatstate.bot.registration import Registration
from chatstate.bot.resources import Lifespan, Resources
from chatstate.engine.describing import describe
from chatstate.errors import ChatstateError, LifespanError
from chatstate.signature import label

log = logging.getLogger("chatstate.engine")

_CANCEL_SECONDS = 0.25


class Lifespans:
    """The lifespans of a bot and of what it includes."""

    def __init__(self, bot: Interface, resources: Resources) -> None:
        self._bot = bot
        self._resources = resources
        self._closing = asyncio.Event()
        self._opened: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._task: asyncio.Task[None] | None = None
        self._is_given_up = False

    async def open(self, failed: Callable[[Exception], None], stop: asyncio.Future[None]) -> bool:
        """Open all, and tell whether they are open: not if `stop` was done meanwhile.

        `failed` is called with what ends them before `close`. Raises `LifespanError` for what
        fails, and `BindingError` for a resource that is missing.
        """
        if not any(part.lifespan for part in self._bot.parts):
            self._check_needs()
            return True
        self._task = asyncio.create_task(self._run(failed))
        await asyncio.wait([self._opened, stop], return_when=asyncio.FIRST_COMPLETED)
        if not self._opened.done():
            await self._give_up(self._task)
            return False
        self._opened.result()
        return True

    async def close(self, hurry: asyncio.Event, seconds: float) -> None:
        """Close what is open; give up after so many seconds, or once there is `hurry`.

        What fails is logged: the bot has stopped, and nothing is lost.
        """
        self._closing.set()
        if self._task is None:
            return
        if not self._opened.done():  # whoever wanted it was cancelled
            await self._give_up(self._task)
        hurried = asyncio.create_task(hurry.wait())
        await asyncio.wait(
            [self._task, hurried], timeout=seconds, return_when=asyncio.FIRST_COMPLETED
        )
        hurried.cancel()
        if not self._task.done():
            log.warning("a lifespan of bot %r did not close in time", self._bot.id)
            await self._give_up(self._task)

    async def _give_up(self, task: asyncio.Task[None]) -> None:
        self._is_given_up = True
        task.cancel()
        await asyncio.wait([task], timeout=_CANCEL_SECONDS)

    async def _run(self, failed: Callable[[Exception], None]) -> None:
        try:
            async with contextlib.AsyncExitStack() as stack:
                for part in self._bot.parts:
                    if part.lifespan:
                        self._resources.add(part, await _enter(stack, part, part.lifespan))
                self._check_needs()
                self._opened.set_result(None)
                await self._closing.wait()
        except BaseException as error:  # noqa: BLE001 - a lifespan may raise anything
            if not self._is_given_up:
                self._tell(error, failed)

    def _tell(self, error: BaseException, failed: Callable[[Exception], None]) -> None:
        where = f"a lifespan of bot {self._bot.id!r}"
        if self._closing.is_set():
            log.error("%s failed while closing", where, exc_info=error)
        elif self._opened.done():
            log.error("%s failed", where, exc_info=error)
            failed(LifespanError(f"{where} failed: {describe(error)}"))
        elif isinstance(error, ChatstateError):
            self._opened.set_exception(error)
        else:
            told = LifespanError(f"{where} failed while opening: {describe(error)}")
            told.__cause__ = error
            self._opened.set_exception(told)

    def _check_needs(self) -> None:
        for route in self._bot.routes:
            for need in route.needs:
                self._resources[need]  # raises
        for guard in guards_of(self._bot.parts):
            for need in guard.function.needs:
                self._resources[need]  # raises


async def _enter(stack: contextlib.AsyncExitStack, part: Registration, lifespan: Lifespan) -> Any:
    where = f"lifespan {label(lifespan)} of bot {part.id!r}"
    try:
        entered = lifespan(part)
        if isinstance(entered, contextlib.AbstractAsyncContextManager):
            return await stack.enter_async_context(entered)
    except asyncio.CancelledError:
        raise
    except BaseException as error:  # a lifespan may raise anything; it is told as ours
        log.exception("%s failed", where)
        raise LifespanError(f"{where} cannot be opened: {describe(error)}") from error
    if inspect.iscoroutine(entered):
        entered.close()
    raise LifespanError(
        f"{where} returned {type(entered).__name__}, which is no async context manager; "
        "put @contextlib.asynccontextmanager on it"
    )
