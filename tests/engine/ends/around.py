"""Points in what stands around a handler: guards and middleware."""

from __future__ import annotations

import asyncio
from typing import Any

from engine.ends.charges import Mine, Total, counting
from engine.ends.points import Points

from chatstate import CallNext, Interface, Turn

points = Points()


@points.bot
def a_guard(mine: Mine) -> Interface:
    async def may() -> bool:
        mine.touch()
        return True

    return counting(allow=may)


@points.bot
def a_sync_guard(mine: Mine) -> Interface:
    def may() -> bool:
        mine.touch()
        return True

    return counting(allow=may)


@points.bot
def a_guard_that_a_turn_asks(mine: Mine) -> Interface:
    bot = Interface(id="bot")

    async def may() -> bool:
        mine.touch()
        return True

    @bot.command(allow=may)
    def secret() -> None:
        """Be there."""

    @bot.on_message
    async def count(turn: Turn, total: Total) -> str:
        await turn.may("secret")
        total.value += 1
        return str(total.value)

    return bot


@points.bot
def a_middleware_before_it_goes_on(mine: Mine) -> Interface:
    bot = counting()

    @bot.middleware
    async def around(call_next: CallNext) -> Any:
        mine.touch()
        return await call_next()

    return bot


@points.bot
def a_middleware_after_it_has_gone_on(mine: Mine) -> Interface:
    bot = counting()

    @bot.middleware
    async def around(call_next: CallNext) -> Any:
        answer = await call_next()
        mine.touch()
        return answer

    return bot


@points.bot
def a_middleware_within_another_that_waits(mine: Mine) -> Interface:
    bot = counting()

    @bot.middleware
    async def outer(call_next: CallNext) -> Any:
        try:
            return await call_next()
        finally:
            await asyncio.sleep(0)

    @bot.middleware
    async def inner(call_next: CallNext) -> Any:
        mine.touch()
        return await call_next()

    return bot


@points.bot
def a_sync_handler_in_a_middleware(mine: Mine) -> Interface:
    bot = Interface(id="bot")

    @bot.middleware
    async def around(call_next: CallNext) -> Any:
        return await call_next()

    @bot.on_message
    def count(total: Total) -> str:
        return mine.counted(total)

    return bot


@points.bot
def a_handler_in_a_task_of_its_middleware(mine: Mine) -> Interface:
    bot = Interface(id="bot")

    @bot.middleware
    async def around(call_next: CallNext) -> Any:
        async with asyncio.timeout(60):
            return await asyncio.ensure_future(call_next())

    @bot.on_message
    async def count(total: Total) -> str:
        return mine.counted(total)

    return bot


def failing(mine: Mine) -> Interface:
    """Return a bot whose handler fails as long as there is a charge."""
    bot = Interface(id="bot")

    @bot.on_message
    async def count(total: Total) -> str:
        if mine.charge:
            raise ValueError("something else")
        total.value += 1
        return str(total.value)

    return bot


@points.bot
def what_is_told_of_errors(mine: Mine) -> Interface:
    bot = failing(mine)

    @bot.on_error
    async def tell(error: BaseException) -> None:
        mine.touch()

    return bot


@points.bot
def a_sync_function_that_is_told_of_errors(mine: Mine) -> Interface:
    bot = failing(mine)

    @bot.on_error
    def tell(error: BaseException) -> None:
        mine.touch()

    return bot
