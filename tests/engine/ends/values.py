"""Points in states: where values are made, read, stored and compared."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

import pydantic
from engine.ends.asked import declaring
from engine.ends.charges import Mine, Total
from engine.ends.points import Points

from chatstate import Interface, State, Turn, User

points = Points()


@points.handler
def a_default_factory(mine: Mine) -> Any:
    def fresh() -> list[int]:
        mine.touch()
        return []

    async def count(total: Total, other: list[int]) -> str:
        total.value += 1
        return str(total.value)

    count.__annotations__["other"] = Annotated[list[int], State(fresh)]
    return count


def with_another(mine: Mine, scope: Any) -> tuple[Interface, State]:
    """Return a bot, and a state of its own with a factory."""

    def fresh() -> list[int]:
        mine.touch()
        return []

    bot, other = Interface(id="bot"), State(fresh, type=list[int], name="other", scope=scope)
    bot.command(declaring(Annotated[list[int], other]))
    return bot, other


@points.bot
def a_default_factory_of_what_is_applied(mine: Mine) -> Interface:
    bot, other = with_another(mine, "member")

    @bot.on_message
    async def count(turn: Turn, total: Total) -> str:
        total.value += 1
        turn.apply(other, lambda value: value)
        return str(total.value)

    return bot


@points.bot
def a_default_factory_of_what_is_asked_for(mine: Mine) -> Interface:
    bot, other = with_another(mine, "user")

    @bot.on_message
    async def count(turn: Turn, total: Total) -> str:
        await turn.state(other, of=User(f"friend of {turn.user.id}"))
        total.value += 1
        return str(total.value)

    return bot


class Noted(pydantic.BaseModel):
    """A value whose class does something of its own when it is made, stored and compared."""

    notes: list[int] = []


def noting(model: type[Noted]) -> Callable[..., Any]:
    async def count(total: Total, other: Noted) -> str:
        total.value += 1
        other.notes.append(total.value)
        return str(total.value)

    count.__annotations__["other"] = Annotated[model, State(scope="chat")]
    return count


@points.handler
def a_validator_of_a_value(mine: Mine) -> Any:
    class Model(Noted):
        @pydantic.model_validator(mode="after")
        def look(self) -> Any:
            mine.touch()
            return self

    return noting(Model)


@points.handler
def a_serializer_of_a_value(mine: Mine) -> Any:
    class Model(Noted):
        @pydantic.model_serializer
        def look(self) -> dict[str, Any]:
            mine.touch()
            return {"notes": self.notes}

    return noting(Model)


@points.handler
def what_a_value_that_cannot_be_stored_says_of_itself(mine: Mine) -> Any:
    class Odd:
        def __repr__(self) -> str:
            mine.touch()
            return "odd"

    async def count(total: Total, other: dict[str, Any]) -> str:
        total.value += 1
        if mine.charge:
            other["odd"] = Odd()
        return str(total.value)

    count.__annotations__["other"] = Annotated[dict[str, Any], State(scope="chat")]
    return count
