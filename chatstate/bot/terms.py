"""On what terms a handler runs: who may use it, how often, how many at once, and within what."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, Protocol, TypedDict

from chatstate.bot.access import Allow, Guard, Limit, guard, limits_of
from chatstate.bot.calls import Call
from chatstate.bot.handlers import Handler, Overlap
from chatstate.bot.resources import Lifespan, Need
from chatstate.errors import BindingError
from chatstate.state.bound import States


class HowItRuns(TypedDict, total=False):
    """Options of a function that answers; see `Interface.on_message`."""

    overlap: Overlap
    timeout: float
    concurrency_limit: int


class Options(HowItRuns, total=False):
    """Options of a handler, and of a bot for all of its handlers; see `Interface.on_message`."""

    allow: Allow
    limits: str | Sequence[str]


class Home(Protocol):
    """A bot, as far as its handlers share something."""

    id: str
    states: States
    lifespan: Lifespan | None
    guard: Guard | None
    limits: tuple[Limit, ...]
    around: list[Call]


class Terms(NamedTuple):
    """The terms of one handler in one bot.

    - `name` is what it answers to: "/vote", or the kind of message.
    - `homes` are the bot, those that it includes on the way to the handler, and at last the
      handler's own.
    - `concurrency_limit`: how many turns of it run at once, 0 if there is no limit.
    """

    name: str
    homes: tuple[Home, ...]
    guard: Guard | None = None
    limits: Sequence[Limit] = ()
    concurrency_limit: int = 0

    @property
    def home(self) -> Home:
        """The bot that the handler was registered with."""
        return self.homes[-1]

    @property
    def guards(self) -> list[Guard]:
        """All that must be passed, the outermost first."""
        guards = (*(home.guard for home in self.homes), self.guard)
        return [one for one in guards if one is not None]

    @property
    def all_limits(self) -> tuple[Limit, ...]:
        """All that must be kept, each once."""
        limits = [one for home in self.homes for one in home.limits]
        return tuple(dict.fromkeys([*limits, *self.limits]))

    @property
    def around(self) -> list[Call]:
        """The middleware, the outermost first."""
        return [call for home in self.homes for call in home.around]

    @property
    def is_for_owners(self) -> bool:
        """Whether nobody but owners may use the handler."""
        return any(guard.is_for_owners for guard in self.guards)

    def needs(self, handler: Handler) -> list[Need]:
        """Return what the handler needs of resources, and what stands before it."""
        rules = [rule for guard in self.guards for rule in guard.rules]
        calls = [rule for rule in rules if isinstance(rule, Call)]
        return [*handler.needs, *(need for call in (*calls, *self.around) for need in call.needs)]


def terms(name: str, home: Home, options: Options) -> Terms:
    """Return the terms that a handler's options describe. Raises `BindingError`."""
    most: Any = options.get("concurrency_limit")
    if most is not None and not (isinstance(most, int) and most > 0):
        raise BindingError(f"concurrency_limit={most!r}: use a whole number above 0")
    allow, limits = options.get("allow"), options.get("limits", ())
    return Terms(
        name,
        (home,),
        None if allow is None else guard(allow, owner=home),
        limits_of(limits),
        most or 0,
    )


def refuse_unknown(options: Options) -> None:
    """Raise `TypeError` for an option that is none."""
    unknown = set(options) - Options.__optional_keys__
    if unknown:
        possible = ", ".join(sorted(Options.__optional_keys__))
        raise TypeError(f"there is no option {min(unknown)!r}; there are {possible}")


def how_it_runs(options: Options) -> dict[str, Any]:
    """Return those of a handler's options that are the handler's own business."""
    given: Mapping[str, Any] = {**options}
    return {name: given[name] for name in ("overlap", "timeout") if name in given}
