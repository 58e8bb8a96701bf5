"""What is known of a route's turns before they begin, worked out once.

1. A plan tells which stages a turn has. What a plain handler does not use is in none of its turns.
2. It belongs to one engine: the route itself is the bot's, and other engines may have it too.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from chatstate.bot.resources import Resources
from chatstate.bot.returns import Answers
from chatstate.bot.route import Route
from chatstate.bot.turn import Turn
from chatstate.engine.turns.on_error import OnError
from chatstate.engine.turns.turn import RunningTurn
from chatstate.scope import SHARED, Key, Place, Tenants, key_maker

Around = Callable[[RunningTurn], Awaitable[Answers]]


class Plan:
    """How the turns of one route run.

    - `makers` make the keys of the handler's states, each with its slot; `is_shared`: others can
      change some of them.
    - `has_terms`: there are guards, limits, or a limit of turns at once.
    - `expires`: some of its states have a ttl.
    - `around` is the middleware, `on_error` what is told if a turn fails; None if there is none.
    - `asks`: the handler may ask, so it is run step by step. `may_ask`: it, or its form.
    - `is_prepared`: something is done between loading the states and calling the handler.
    - `make_turn` makes what an author sees of a turn.
    """

    def __init__(
        self,
        bot: str,
        tenants: Tenants,
        route: Route,
        resources: Resources,
        make_turn: Callable[[RunningTurn], Turn],
        around: Around | None = None,
        on_error: OnError | None = None,
    ) -> None:
        handler = route.handler
        self.route = route
        self.handler = handler
        self.fn: Callable[..., Any] = handler.fn
        self.mode = handler.mode
        self.timeout = handler.timeout
        self.slots = handler.slots
        makers = [
            key_maker(bot, slot.state.scope, slot.state.name, tenants) for slot in handler.slots
        ]
        self.makers = list(zip(makers, handler.slots, strict=True))
        self.is_shared = any(slot.state.scope in SHARED for slot in handler.slots)
        self.guards = route.guards
        self.limits = route.limits
        self.has_terms = bool(self.guards or self.limits or route.concurrency_limit)
        self.overlap = handler.overlap
        self.window = handler.window
        self.expires = any(slot.state.ttl is not None for slot in handler.slots)
        self.is_bare = not (self.has_terms or self.expires or handler.overlap != "queue")
        self.around = around
        self.on_error = on_error
        self.shows = handler.streams or handler.wants_progress
        self.asks = handler.asks
        self.may_ask = handler.may_ask
        self.is_prepared = bool(handler.form or handler.wants_files or self.shows)
        self.resources = resources
        self.make_turn = make_turn

    def keys(self, place: Place) -> list[Key]:
        """Return the keys of the handler's states for whoever speaks at `place`."""
        return [make(place) for make, _ in self.makers]

    def shared_keys(self, place: Place) -> list[Key]:
        """Return those of them that other conversations can change."""
        return [key for key in self.keys(place) if key.scope in SHARED]


class Plans:
    """The plans of one bot's routes; `make` is called once for each."""

    def __init__(self, make: Callable[[Route], Plan]) -> None:
        self._make = make
        self._plans: dict[Route, Plan] = {}

    def of(self, route: Route) -> Plan:
        """Return the plan of a route."""
        plan = self._plans.get(route)
        if plan is None:
            self._plans[route] = plan = self._make(route)
        return plan
