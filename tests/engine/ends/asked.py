"""Points in what a turn is asked for: steps, and functions that are applied."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

from engine.ends.charges import Mine, Total
from engine.ends.points import Points

from chatstate import Interface, Ref, State, Turn

points = Points()


@points.handler
def an_async_step(mine: Mine) -> Any:
    async def call() -> int:
        mine.touch()
        return 1

    async def count(turn: Turn, total: Total) -> str:
        total.value += await turn.step("call", call)
        return str(total.value)

    return count


@points.handler
def a_sync_step(mine: Mine) -> Any:
    def call() -> int:
        mine.touch()
        return 1

    async def count(turn: Turn, total: Total) -> str:
        total.value += await turn.step("call", call)
        return str(total.value)

    return count


def applying(
    more: Callable[[int], int], reply: Callable[[int], Any] = str, *, held: bool = False
) -> Interface:
    """Return a bot that applies `more` to a state, which its handler holds or not."""
    bot, total = Interface(id="bot"), State(0, scope="chat", name="total")
    if held:

        @bot.on_message
        async def count_held(turn: Turn, value: Annotated[Ref[int], total]) -> None:
            turn.apply(total, more, reply=reply)
    else:
        bot.command(declaring(Annotated[Ref[int], total]))

        @bot.on_message
        async def count(turn: Turn) -> None:
            turn.apply(total, more, reply=reply)

    return bot


def declaring(state: Any) -> Callable[..., None]:
    """Return a handler that lets its bot have a state."""

    def declare(held: Any) -> None:
        """Do nothing."""

    declare.__annotations__["held"] = state
    return declare


def touching(mine: Mine) -> Callable[[int], int]:
    def more(value: int) -> int:
        mine.touch()
        return value + 1

    return more


@points.bot
def a_function_applied_to_a_value_that_is_held(mine: Mine) -> Interface:
    return applying(touching(mine), held=True)


@points.bot
def a_function_applied_to_another_value(mine: Mine) -> Interface:
    return applying(touching(mine))


@points.bot
def a_reply_to_what_is_applied(mine: Mine) -> Interface:
    def shown(value: int) -> str:
        mine.touch()
        return str(value)

    return applying(lambda value: value + 1, shown)
