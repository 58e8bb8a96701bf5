"""The points at which an author's code runs in a turn: for each, a bot with a mine there."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from engine.ends.charges import Mine

from chatstate import Interface

Point = Callable[[Mine], Interface]
"""Makes the bot; it says by its name what the point is."""


class Points(list[Point]):
    """Points of one kind; the methods decorate what becomes one more."""

    def bot(self, make: Point) -> Point:
        """Let what makes a bot be a point."""
        self.append(make)
        return make

    def handler(self, make: Callable[[Mine], Callable[..., Any]]) -> Point:
        """Let what makes a handler be a point, in a bot that has no other."""

        def bot_with_it(mine: Mine) -> Interface:
            bot = Interface(id="bot")
            bot.on_message(make(mine))
            return bot

        bot_with_it.__name__ = make.__name__
        return self.bot(bot_with_it)
