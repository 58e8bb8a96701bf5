"""Points in handlers of all kinds, and where they wait for tasks and threads of their own."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Any

from engine.ends.charges import Mine, Total
from engine.ends.points import Points

from chatstate import ChatInterface, Interface, Ref, State, Turn

points = Points()


@points.handler
def an_async_handler(mine: Mine) -> Any:
    async def count(total: Total) -> str:
        return mine.counted(total)

    return count


@points.handler
def an_async_handler_that_has_waited(mine: Mine) -> Any:
    async def count(total: Total) -> str:
        await asyncio.sleep(0)
        return mine.counted(total)

    return count


@points.handler
def an_async_handler_that_is_about_to_wait(mine: Mine) -> Any:
    async def count(total: Total) -> str:
        counted = mine.counted(total)
        await asyncio.sleep(0)
        return counted

    return count


@points.handler
def an_async_handler_that_waits_at_its_end(mine: Mine) -> Any:
    async def count(total: Total, turn: Turn) -> str:
        assert turn.folder.exists()
        try:
            return mine.counted(total)
        finally:
            await asyncio.sleep(0)

    return count


@points.handler
def a_sync_handler(mine: Mine) -> Any:
    def count(total: Total) -> str:
        return mine.counted(total)

    return count


@points.handler
def a_sync_handler_with_a_folder(mine: Mine) -> Any:
    def count(total: Total, turn: Turn) -> str:
        assert turn.folder.exists()
        return mine.counted(total)

    return count


@points.handler
def a_coroutine_that_a_sync_handler_returns(mine: Mine) -> Any:
    async def later(total: Ref[int]) -> str:
        return mine.counted(total)

    def count(total: Total) -> Any:
        return later(total)

    return count


@points.bot
def a_command(mine: Mine) -> Interface:
    mine.said = "/go"
    bot = Interface(id="bot")

    @bot.command
    async def go(total: Total) -> str:
        return mine.counted(total)

    return bot


@points.handler
def a_generator_before_it_yields(mine: Mine) -> Any:
    def count(total: Total) -> Iterator[str]:
        mine.touch()
        total.value += 1
        yield str(total.value)

    return count


@points.handler
def a_generator_after_it_has_yielded(mine: Mine) -> Any:
    def count(total: Total) -> Iterator[str]:
        total.value += 1
        yield str(total.value)
        mine.touch()

    return count


@points.handler
def a_generator_that_is_closed(mine: Mine) -> Any:
    def count(total: Total) -> Iterator[Any]:
        total.value += 1
        try:
            yield object() if mine.charge else str(total.value)  # no reply: it is closed there
        finally:
            mine.touch()

    return count


@points.handler
def an_async_generator_before_it_yields(mine: Mine) -> Any:
    async def count(total: Total) -> AsyncIterator[str]:
        mine.touch()
        total.value += 1
        yield str(total.value)

    return count


@points.handler
def an_async_generator_after_it_has_yielded(mine: Mine) -> Any:
    async def count(total: Total) -> AsyncIterator[str]:
        total.value += 1
        yield str(total.value)
        mine.touch()

    return count


@points.handler
def an_async_generator_that_is_closed(mine: Mine) -> Any:
    async def count(total: Total) -> AsyncIterator[Any]:
        total.value += 1
        try:
            yield object() if mine.charge else str(total.value)
        finally:
            mine.touch()

    return count


@points.bot
def a_chat_function(mine: Mine) -> Interface:
    total = State(0, scope="chat", name="total", type=int)

    async def answer(message: str, history: list[Any], count: int) -> Any:
        mine.touch()
        return str(count + 1), count + 1

    return ChatInterface(
        answer, id="bot", additional_inputs=[total], additional_outputs=[total], markdown=False
    )


@points.bot
def a_chat_function_that_streams(mine: Mine) -> Interface:
    total = State(0, scope="chat", name="total", type=int)

    def answer(message: str, history: list[Any], count: int) -> Any:
        yield "it begins", count
        mine.touch()
        yield str(count + 1), count + 1

    return ChatInterface(
        answer, id="bot", additional_inputs=[total], additional_outputs=[total], markdown=False
    )


@points.bot
def a_task_that_a_handler_waits_for(mine: Mine) -> Interface:
    bot = Interface(id="bot")

    async def in_a_task(total: Ref[int]) -> str:
        return mine.counted(total)

    @bot.on_message
    async def count(turn: Turn, total: Total) -> str:
        assert turn.folder.exists()  # so that something is left to be done at the end
        return await asyncio.ensure_future(in_a_task(total))

    return bot


@points.handler
def a_thread_that_a_handler_waits_for(mine: Mine) -> Any:
    async def count(turn: Turn, total: Total) -> str:
        assert turn.folder.exists()
        return await asyncio.to_thread(mine.counted, total)

    return count
