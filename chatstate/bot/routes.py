"""Which of a bot's handlers an event goes to, and on what terms it runs. No I/O.

1. A `Route` is frozen and carries all that is known of a handler in a bot: whoever has one needs
   to look up nothing. Two engines on one bot share its routes, and write nothing into them.
2. What the framework itself answers gives way to what the author does.
3. A command that a group's message names may be meant for another bot: it is ignored if unknown.
4. What a platform tells of by a name of its own goes to the handler of its kind, if it has one of
   its own, then to that of its name, then to that of all the rest.
5. What bots say goes to nobody, unless they are to be heard: two bots would answer each other for
   ever.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

from chatstate.bot.access import Guard, Limit, guard, limits_of
from chatstate.bot.filters import Filter
from chatstate.bot.functions import BoundFunction
from chatstate.bot.handlers import Handler, not_taken
from chatstate.bot.options import Options
from chatstate.bot.resources import Lifespan, Need
from chatstate.errors import BindingError, StateError
from chatstate.language.sentences import Sentence
from chatstate.messages import Command, Message
from chatstate.signature import where
from chatstate.state.bound import BoundState, States

_COMMAND = re.compile(r"/([A-Za-z0-9_]{1,32})(?:@(\w+))?(?:\s+(.*))?", re.DOTALL)
_COMMAND_NAME = re.compile(r"[a-z0-9_]{1,32}")
_UNLISTED = ("start", "cancel")


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
    - `guard` and `own_limits` are its own, beside those of its homes.
    - `concurrency_limit`: how many turns of it run at once, 0 if there is no limit.
    - `is_own`: it is the framework's.
    - `filter` tells which messages it gets; None if all.
    """

    name: str
    handler: Handler
    homes: tuple[Home, ...]
    guard: Guard | None = None
    own_limits: Sequence[Limit] = ()
    concurrency_limit: int = 0
    is_own: bool = False
    filter: Filter | None = None

    @property
    def home(self) -> Home:
        """The bot that the handler was registered with."""
        return self.homes[-1]

    @property
    def guards(self) -> list[Guard]:
        """All that must be passed, the outermost first."""
        guards = (*(home.guard for home in self.homes), self.guard)
        return [guard for guard in guards if guard is not None]

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
        None if allow is None else guard(allow, owner=home),
        limits_of(limits),
        most or 0,
    )


class Routes:
    """A bot's routes: by command, and by the kind of message or the name of an update.

    `hear_bots`: also what bots say.
    """

    def __init__(self, *, hear_bots: bool = False) -> None:
        self.hear_bots = hear_bots
        self._commands: dict[str, Route] = {}
        self._kinds: dict[str, Route] = {}
        self._filtered: list[Route] = []

    def __iter__(self) -> Iterator[Route]:
        yield from self._commands.values()
        yield from self._filtered
        yield from self._kinds.values()

    def add_command(self, name: str, route: Route) -> None:
        """Let `/name` go to a handler. Raises `BindingError` if it goes to one already."""
        there = self._commands.get(name)
        if there and not there.is_own:
            if route.is_own:
                return
            raise BindingError(
                f"{where(there.handler.fn)} answers /{name} already, so {where(route.handler.fn)} "
                "cannot; give it a name of its own: @bot.command(name=...)"
            )
        self._commands.pop(name, None)  # our own stood before all others
        self._commands[name] = route

    def add(self, kind: str, route: Route) -> None:
        """Let a kind of messages, or an update by its name, go to a handler.

        If it has a filter, those of them that it lets pass. Raises `BindingError` if another one
        gets each of them already.
        """
        there = self._kinds.get(kind)
        if there and not there.is_own:
            if route.is_own:
                return
            remedy = "make one function of them"
            if kind == "message":
                remedy = "register the one before that has a filter (text=, kind= or where=)"
            raise BindingError(
                f"{where(there.handler.fn)} gets each {kind} already, so {where(route.handler.fn)} "
                f"would get none; {remedy}"
            )
        if route.filter:
            self._filtered.append(route)
        else:
            self._kinds[kind] = route

    def command(self, name: str) -> Route | None:
        """Return the route of `/name`."""
        return self._commands.get(name)

    @property
    def kinds(self) -> frozenset[str]:
        """What can come to a handler: kinds of messages, and updates by their names."""
        return frozenset({"message", "press", *self._kinds})

    @property
    def updates(self) -> frozenset[str]:
        """Those that have a handler by their name: "telegram:poll_answer"."""
        return frozenset(kind for kind in self._kinds if ":" in kind)

    @property
    def interrupts(self) -> bool:
        """Whether any event can end a running turn."""
        return any(route.handler.overlap == "interrupt" for route in self)

    def include(self, other: Routes, home: Home) -> None:
        """Take over another bot's handlers. Raises `BindingError` if both have one for the same."""
        for mine, theirs, what in self._clashes(other):
            raise BindingError(f"both {_whose(mine)} and {_whose(theirs)} {what}; keep one of them")
        for name, inner in other._commands.items():
            if name not in ("help", "start") or not inner.is_own:
                self.add_command(name, replace(inner, homes=(home, *inner.homes)))
        for inner in other._filtered:
            self.add("message", replace(inner, homes=(home, *inner.homes)))
        for kind, inner in other._kinds.items():
            self.add(kind, replace(inner, homes=(home, *inner.homes)))

    def _clashes(self, other: Routes) -> Iterator[tuple[Route, Route, str]]:
        for name, theirs in other._commands.items():
            mine = self._commands.get(name)
            if mine and not mine.is_own and not theirs.is_own:
                yield mine, theirs, f"answer /{name}"
        for kind, theirs in other._kinds.items():
            ours = self._kinds.get(kind)
            if ours and not ours.is_own and not theirs.is_own:
                yield ours, theirs, f"answer what is of kind {kind!r}"
        all_of_mine = self._kinds.get("message")
        if all_of_mine and other._filtered:
            yield all_of_mine, other._filtered[0], "answer messages, and the first gets each"

    def find(self, message: Message, *, pressed_command: bool = False) -> tuple[Route, str] | None:
        """Return the route of `message` and the text its handler gets; None if there is none.

        `pressed_command`: it is a press that runs a command. Raises `Sentence` if the person
        should be told so.
        """
        if message.sender.is_bot and not self.hear_bots:
            return None
        kind, text = message.kind, message.text
        if text[:1] == "/" and (kind == "message" or pressed_command):
            found = _COMMAND.fullmatch(text)
            if found:
                return self._command(found, message, pressed_command=pressed_command)
        if kind == "press":
            kind = "message"
        route = self._of_update(message) if message.update else self._kinds.get(kind)
        if self._filtered and kind == "message":
            route = next((some for some in self._filtered if _lets_pass(some, message)), route)
        if route is None:
            if kind == "message" and message.chat.kind == "private":
                raise Sentence("not_understood" if self._filtered else "only_commands")
            return None
        if message.attachments and not text.strip() and _sees_nothing_of(message, route):
            raise not_taken(message.attachments)
        return route, text

    def _of_update(self, message: Message) -> Route | None:
        find, kind = self._kinds.get, message.kind
        return (kind != "other" and find(kind)) or find(message.update) or find("other")

    def _command(
        self, found: re.Match[str], message: Message, *, pressed_command: bool
    ) -> tuple[Route, str] | None:
        route = self._commands.get(found[1].lower())
        if route:
            return route, found[3] or ""
        if not (pressed_command or message.chat.kind == "private"):
            return None
        raise Sentence("unknown_command", command=found[1])

    def listed(self, sentences: Mapping[str, str]) -> list[Command]:
        """Return the commands to tell people of, in the order of registration; /help is the last.

        The framework's own are described in the language of `sentences`.
        """
        names = [name for name, route in self._commands.items() if not route.is_own]
        own = [name for name, route in self._commands.items() if route.is_own]
        shown = [name for name in own if name not in _UNLISTED]
        names += sorted(shown, key=lambda name: name == "help")  # it is the last
        return [self._described(name, sentences) for name in names]

    def for_all(self, commands: Sequence[Command]) -> list[Command]:
        """Return those of `commands` that not only owners may use."""
        return [command for command in commands if not self._commands[command.name].is_for_owners]

    def _described(self, name: str, sentences: Mapping[str, str]) -> Command:
        route = self._commands[name]
        handler = route.handler
        if not route.is_own:
            return Command(name, handler.description, handler.usage, handler.options)
        description = sentences.get(f"help_{name}", handler.description)
        if name == "help":  # whatever follows it
            return Command(name, description, f"/{name}")
        return Command(name, description, handler.usage, handler.options)


def _lets_pass(route: Route, message: Message) -> bool:
    return route.filter is None or route.filter.fits(message)


def _sees_nothing_of(message: Message, route: Route) -> bool:
    """Tell whether a message to the bot is lost on a handler: a file alone, on one of texts.

    In a group it may be for others, and middleware may look at it.
    """
    handler = route.handler
    if message.kind != "message" or message.chat.kind != "private":
        return False
    if route.filter and route.filter.kinds:  # these files were asked for
        return False
    return (
        handler.hears_text
        and not handler.sees_files
        and not any(home.around for home in route.homes)
    )


def _whose(route: Route) -> str:
    return f"{where(route.handler.fn)} of {route.home.id!r}"


def command_name(given: str) -> str:
    """Return a command's name in lower case. Raises `BindingError` if nobody could send it."""
    name = given.lower()
    if not _COMMAND_NAME.fullmatch(name):
        raise BindingError(
            f"{name!r} cannot be a command: use 1 to 32 of a-z, 0-9 and _, "
            "as in @bot.command(name=...)"
        )
    return name
