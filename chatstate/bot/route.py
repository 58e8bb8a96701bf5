"""The way to one handler in one bot: all that is known of it, in one place. No I/O.

1. A `Route` is frozen and carries all that is known of a handler in a bot: whoever has one needs
   to look up nothing. Two engines on one bot share its routes, and write nothing into them.
2. What holds for a handler is what all bots on the way to it say, the outermost first, and what it
   says itself.
"""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from chatstate.bot.access import Guard, Limit, guard, limits_of
from chatstate.bot.filters import Filter
from chatstate.bot.functions import BoundFunction
from chatstate.bot.handlers import Handler
from chatstate.bot.listing import LISTED, Listing
from chatstate.bot.options import Options
from chatstate.bot.resources import Lifespan, Need
from chatstate.bot.schedules import Schedule
from chatstate.errors import BindingError, StateError
from chatstate.state.bound import BoundState, States


class Home(Protocol):
    """A bot, as far as its handlers share something."""

    id: str
    states: States
    lifespan: Lifespan | None
    guard: Guard | None
    limits: tuple[Limit, ...]
    around: list[BoundFunction]
    error_handler: BoundFunction | None


@dataclass(frozen=True, slots=True, eq=False)
class Route:
    """The way to one handler in one bot.

    - `name` is what it answers to: "/vote", the kind of message, or "telegram:poll_answer"; and
      the function's name, if it gets only some of them.
    - `homes` are the bot, those that it includes on the way to the handler, and at last the
      handler's own.
    - `own_guards` and `own_limits` are its own, beside those of its homes.
    - `concurrency_limit`: how many turns of it run at once, 0 if there is no limit.
    - `is_own`: it is the framework's.
    - `filter` tells which messages it gets; None if all.
    - `listing`: how it is told of, if it is a command's; `schedule`: when it is called by itself.
    """

    name: str
    handler: Handler
    homes: tuple[Home, ...]
    own_guards: Sequence[Guard] = ()
    own_limits: Sequence[Limit] = ()
    concurrency_limit: int = 0
    is_own: bool = False
    filter: Filter | None = None
    listing: Listing = LISTED
    schedule: Schedule | None = None

    @property
    def home(self) -> Home:
        """The bot that the handler was registered with."""
        return self.homes[-1]

    @property
    def guards(self) -> list[Guard]:
        """All that must be passed, the outermost first."""
        guards = [home.guard for home in self.homes if home.guard is not None]
        return [*guards, *self.own_guards]

    @property
    def limits(self) -> tuple[Limit, ...]:
        """All that must be kept, each once."""
        limits = [limit for home in self.homes for limit in home.limits]
        return tuple(dict.fromkeys([*limits, *self.own_limits]))

    @property
    def around(self) -> list[BoundFunction]:
        """The middleware, the outermost first."""
        around = [function for home in self.homes for function in home.around]
        return [*around, *self.handler.around]

    @property
    def on_error(self) -> BoundFunction | None:
        """What is told when a turn fails: of the handler's own bot, or of one further out."""
        told = (home.error_handler for home in reversed(self.homes))
        return next((function for function in told if function), None)

    @property
    def is_for_owners(self) -> bool:
        """Whether nobody but owners may use the handler."""
        return any(guard.is_for_owners for guard in self.guards)

    @property
    def needs(self) -> list[Need]:
        """What the handler needs of resources, and what stands before it."""
        rules = [rule for guard in self.guards for rule in guard.rules]
        functions = [rule for rule in rules if isinstance(rule, BoundFunction)]
        functions += [*self.around, *([self.on_error] if self.on_error else ())]
        around = [need for function in functions for need in function.needs]
        return [*self.handler.needs, *around]

    def find_state(self, wanted: Any) -> BoundState:
        """Return the state that the handler means: of its own bot, then of those further out.

        Raises `StateError`.
        """
        for home in reversed(self.homes[1:]):
            with contextlib.suppress(StateError):
                return home.states.find(wanted)
        return self.homes[0].states.find(wanted)


def route_to(name: str, handler: Handler, home: Home, options: Options) -> Route:
    """Return the route that a handler's options describe. Raises `BindingError`."""
    most: Any = options.get("concurrency_limit")
    if most == "default":  # Gradio's word; here that is no limit
        most = None
    if most is not None and not (isinstance(most, int) and most > 0):
        raise BindingError(f"concurrency_limit={most!r}: use a whole number above 0")
    allow, limits = options.get("allow"), options.get("limits", ())
    return Route(
        name,
        handler,
        (home,),
        () if allow is None else (guard(allow, owner=home),),
        limits_of(limits),
        most or 0,
    )
