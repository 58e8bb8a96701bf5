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

from chatstate.bot.interface import Interface
from chatstate.bot.resources import Lifespan, Resources
from chatstate.errors import LifespanError
from chatstate.signature import label

log = logging.getLogger("chatstate.engine")

_CANCEL_SECONDS = 1.0


class Lifespans:
    """The lifespans of a bot and of what it includes."""

    def __init__(self, bot: Interface, resources: Resources) -> None:
        self._bot = bot
        self._resources = resources
        self._closing = asyncio.Event()
        self._opened: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._task: asyncio.Task[None] | None = None

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
            self._task.cancel()
            await asyncio.wait([self._task])
            return False
        if self._opened.cancelled():
            raise LifespanError(f"a lifespan of bot {self._bot.id!r} was cancelled while opening")
        self._opened.result()
        return True

    async def close(self, hurry: asyncio.Event) -> None:
        """Close what is open; give up once there is `hurry`.

        What fails is logged: the bot has stopped, and nothing is lost.
        """
        self._closing.set()
        if self._task is None:
            return
        if not self._opened.done():  # whoever wanted it was cancelled
            self._task.cancel()
        hurried = asyncio.create_task(hurry.wait())
        await asyncio.wait([self._task, hurried], return_when=asyncio.FIRST_COMPLETED)
        hurried.cancel()
        if not self._task.done():
            log.warning("a lifespan of bot %r did not close in time", self._bot.id)
            self._task.cancel()
            await asyncio.wait([self._task], timeout=_CANCEL_SECONDS)

    async def _run(self, failed: Callable[[Exception], None]) -> None:
        try:
            async with contextlib.AsyncExitStack() as stack:
                for part in self._bot.parts:
                    if part.lifespan:
                        self._resources.add(part, await _enter(stack, part, part.lifespan))
                self._check_needs()
                self._opened.set_result(None)
                await self._closing.wait()
        except asyncio.CancelledError:
            self._opened.cancel()
            raise
        except Exception as error:  # noqa: BLE001 - a lifespan may raise anything
            self._tell(error, failed)

    def _tell(self, error: Exception, failed: Callable[[Exception], None]) -> None:
        if not self._opened.done():
            self._opened.set_exception(error)
        elif self._closing.is_set():
            log.error("a lifespan of bot %r failed while closing", self._bot.id, exc_info=error)
        else:
            log.error("a lifespan of bot %r failed", self._bot.id, exc_info=error)
            failed(LifespanError(f"a lifespan of bot {self._bot.id!r} failed: {error!r}"))

    def _check_needs(self) -> None:
        for route in self._bot.routes:
            for need in route.needs:
                self._resources[need]  # raises


async def _enter(stack: contextlib.AsyncExitStack, part: Interface, lifespan: Lifespan) -> Any:
    where = f"lifespan {label(lifespan)} of bot {part.id!r}"
    try:
        entered = lifespan(part)
        if isinstance(entered, contextlib.AbstractAsyncContextManager):
            return await stack.enter_async_context(entered)
    except Exception as error:
        log.exception("%s failed", where)
        raise LifespanError(f"{where} cannot be opened: {error!r}") from error
    if inspect.iscoroutine(entered):
        entered.close()
    raise LifespanError(
        f"{where} returned {type(entered).__name__}, which is no async context manager; "
        "put @contextlib.asynccontextmanager on it"
    )
