"""How handlers and what stands around them are registered with a bot. No I/O.

1. What cannot be bound is a `BindingError` where it is registered.
2. Once a bot is included in another, nothing can be added to it: the other would not know.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Sequence
from datetime import timedelta, tzinfo
from typing import Any, TypeVar, Unpack, overload

from chatstate.bot.access import Guard, Limit
from chatstate.bot.cleaning import OF_FORGETTING, check_cleaner
from chatstate.bot.command_groups import CommandSet, Within, command_name
from chatstate.bot.egress import EgressSet
from chatstate.bot.filters import Content, filter_of, reading_of
from chatstate.bot.functions import BoundFunction, error_handler, middleware
from chatstate.bot.guesses import refuse_no_function
from chatstate.bot.handlers import Handler
from chatstate.bot.kind_set import KindSet
from chatstate.bot.kinds import Kind
from chatstate.bot.listing import Description, Listing, described
from chatstate.bot.menus import CHOSEN, check_chosen, command_for, menu_of
from chatstate.bot.options import Options, how_it_runs, refuse_unknown
from chatstate.bot.resources import Lifespan
from chatstate.bot.route import Route, route_to
from chatstate.bot.routes import Routes
from chatstate.bot.scheduled import check_scheduled, scheduled, timer_name
from chatstate.bot.schedules import Misfire
from chatstate.bot.updates import update_name
from chatstate.errors import BindingError
from chatstate.messages import Chosen
from chatstate.signature import label
from chatstate.state.bound import States
from chatstate.state.declaration import State

F = TypeVar("F", bound=Callable[..., Any])


class Registration(CommandSet, KindSet, EgressSet):
    """What a bot is made of, and the decorators that add to it."""

    id: str
    lifespan: Lifespan | None
    guard: Guard | None
    limits: tuple[Limit, ...]

    def __init__(self, *, hear_bots: bool) -> None:
        CommandSet.__init__(self, self._add_command, self, Within())
        EgressSet.__init__(self, self._refuse_once_included)
        self.states = States()
        self.routes = Routes(hear_bots=hear_bots)
        self.around: list[BoundFunction] = []
        self.error_handler: BoundFunction | None = None
        self.parts: list[Registration] = [self]
        self._included_in: str | None = None

    @overload
    def on_message(self, fn: F, /) -> F: ...
    @overload
    def on_message(
        self,
        /,
        *,
        text: str | re.Pattern[str] | None = None,
        kind: Content | Sequence[Content] | None = None,
        where: Callable[..., Any] | None = None,
        **options: Unpack[Options],
    ) -> Callable[[F], F]: ...
    def on_message(
        self,
        fn: F | None = None,
        /,
        *,
        text: str | re.Pattern[str] | None = None,
        kind: Content | Sequence[Content] | None = None,
        where: Callable[..., Any] | None = None,
        **options: Unpack[Options],
    ) -> F | Callable[[F], F]:
        """Register a handler of messages that are no command, and of presses.

        A message goes to the first handler that is registered for it.

        - `text`: only if this regular expression is found in it. A named group gives the parameter
          of its name a value.
        - `kind`: only if it is "text", or a "photo", "video", "audio", "voice" or "document" came
          with it; one of these, or several.
        - `where`: only if this says yes, a plain function of the message.
        - `overlap`: what a message does while an earlier one of the conversation is handled:
          "queue" (wait), "interrupt" (end that turn without effect, and drop those waiting from
          the same person), or "merge" (what waits from one person is handled together: the text
          is joined by line ends, `turn.messages` has each).
        - `window`: with "merge", for how many seconds (30 at most) a message waits for what its
          sender still writes. Each one begins them anew, up to three times as long in all;
          whatever else happens in the conversation, a press or a command too, ends them.
        - `timeout`: seconds after which a turn is given up.
        - `allow`: who may use it: "owners", "admins" (of the chat; in private everybody), a
          function that tells, or a list of which one is enough.
        - `limits`: how often each person may use it: "20/minute", or several.
        - `concurrency_limit`: how many turns of it run at once, in all chats.

        Raises `BindingError`.
        """

        def register(fn: F) -> F:
            refuse_no_function("on_message", fn)
            found = filter_of(text, kind, where)
            handler = self._handler(fn, options, **reading_of(found))
            name = f"message {label(fn)}" if found else "message"
            route = self._route(name, handler, options)
            self.routes.add("message", dataclasses.replace(route, filter=found))
            return fn

        return register if fn is None else register(fn)

    def on_menu(
        self,
        title: str,
        /,
        *,
        of: Chosen = "message",
        command: str | None = None,
        description: Description | None = None,
        **options: Unpack[Options],
    ) -> Callable[[F], F]:
        """Register a function for the menu of a message, or of a person (`of="user"`).

        Its one plain parameter gets the words of the message that was chosen, which
        `message.reply_to` is, or the person, if it is an `Annotated[User, Arg]`. Where a platform
        has no such menus it is a command (the title's words, or `command`), with which a message is
        answered, or behind which somebody is mentioned. Raises `BindingError`.
        """
        menu = menu_of(title, of)
        name = command_name(command or command_for(title), how="@bot.on_menu(..., command=...)")
        text, translations = described(description)
        listing = Listing(text, translations, menu=menu)

        def register(fn: F) -> F:
            self._add_command(fn, name, listing, Within(), options)
            return fn

        return register

    def on_timer(self, fn: F) -> F:
        """Register a function for `turn.later` and `turn.every`, by its name.

        What it is given when a timer is set comes to its parameters of the same names, of any type
        that state can have; others are bound by annotation. A stored timer finds it by its name, so
        keep that as long as there are any. Raises `BindingError`.
        """
        handler = self._handler(fn, {}, of_timer=True)
        name = timer_name(fn)
        self.routes.add_timer(name, self._route(f"timer {name}", handler, {}))
        return fn

    def on_forget(self, fn: F) -> F:
        """Register what is called when somebody is to be forgotten, for what others share.

        `async def f(person: User, scores: Global[...])`, or a sync function: `person` has the id
        alone. What is a person's own is erased by itself, and so is each private chat. It is
        nobody's turn, in no chat: it has global state, reaches others by `turn.state(..., of=)`,
        and returns None. It may be called twice. Raises `BindingError`.
        """
        handler = self._handler(fn, {}, names=OF_FORGETTING)
        check_cleaner(handler)
        name = timer_name(fn)
        self.routes.add_timer(name, self._route(f"forget {name}", handler, {}))
        self.routes.cleaners.add(name)
        return fn

    def every(
        self,
        every: str | timedelta,
        /,
        *,
        tz: str | tzinfo | None = None,
        misfire: Misfire = "once",
    ) -> Callable[[F], F]:
        """Register a function that is called again and again, once for each store.

        `@bot.every("0 9 * * MON-FRI", tz="Europe/Berlin")`: minute, hour, day, month, weekday, in a
        zone (else UTC); or a timedelta. What the bot was not there for happens once, late, or not
        at all (`misfire="skip"`). It is nobody's turn, in no chat: it has global state, says
        something by `turn.send(..., to=)`, and returns None. Raises `BindingError`.
        """
        schedule = scheduled(every, tz, misfire)

        def register(fn: F) -> F:
            handler = self._handler(fn, {}, of_timer=True)
            check_scheduled(handler)
            name = timer_name(fn)
            route = self._route(f"every {every}", handler, {})
            self.routes.add_timer(name, dataclasses.replace(route, schedule=schedule))
            return fn

        return register

    def on(self, update: str, /) -> Callable[[F], F]:
        """Register the handler of what one platform tells of, by its own name for that.

        `@bot.on("telegram:poll_answer")`, `@bot.on("discord:message_reaction_add")`: the platform
        is asked to tell of it, and `message.raw` is what it tells. Without a chat it comes to its
        sender's private one; `turn.user` raises where it names nobody. What has a handler by a
        decorator of ours goes there first, and what is left to `on_other`. Raises `BindingError`
        for a name that the platform does not know, or that comes to another decorator.
        """
        name = update_name(update)
        return lambda fn: self._on(name, fn)

    def middleware(self, fn: F) -> F:
        """Register a function around each turn of the bot's handlers, before state is loaded.

        `async def log(message: Message, call_next)`: `await call_next()` goes on and returns the
        replies; what the function returns is answered, as if a handler returned it. Parameters
        are annotated `Message`, `User`, `Chat`, `Turn` or with a resource. The first registered is
        the outermost. Raises `BindingError`.
        """
        self._refuse_once_included()
        self.around.append(middleware(fn, owner=self))
        return fn

    def on_error(self, fn: F) -> F:
        """Register what is called when a turn of the bot's handlers has failed.

        `async def f(error, turn)`, or a sync function: for all that is raised but a `UserError`. It
        may return a reply, or send some: they take the place of the sentence "failed"; None leaves
        that. State it cannot change. It is not called for a turn that took too long. What it raises
        itself is logged. Raises `BindingError`.
        """
        self._refuse_once_included()
        if self.error_handler:
            before = label(self.error_handler.fn)
            raise BindingError(f"on_error: {label(fn)} cannot stand beside {before}; join them")
        self.error_handler = error_handler(fn, owner=self)
        return fn

    def include(self, other: Registration) -> None:
        """Let another bot's handlers, commands, states and lifespan join this one.

        Its middleware, `allow` and `limits` stay around its own handlers, within this bot's. Its
        guards of what leaves (`egress`) are the whole bot's. What it says of itself (id, title,
        sentences, owners and so on) is not used: these are this bot's. Nothing can be added to it
        any more. Raises `BindingError` if both have a handler
        for the same, or different states of one name.
        """
        self._refuse_once_included()
        if not isinstance(other, Registration):
            raise BindingError(f"include takes a bot, not {type(other).__name__}")
        if self in other.parts:
            raise BindingError(f"bot {self.id!r} cannot include itself")
        for part in other.parts:
            if part in self.parts:
                raise BindingError(f"bot {part.id!r} is part of bot {self.id!r} already")
        try:
            self.states.check(other.states)
        except BindingError as error:
            raise BindingError(f"bot {self.id!r} cannot include {other.id!r}: {error}") from error
        self.routes.include(other.routes, self)
        self.states.join(other.states)
        self.parts += other.parts
        other._included_in = self.id

    def _on(self, kind: str, fn: F, **binding: Any) -> F:
        self.routes.add(kind, self._route(kind, self._handler(fn, {}, **binding), {}))
        return fn

    def _add_command(
        self,
        fn: Callable[..., Any],
        name: str,
        listing: Listing,
        within: Within,
        options: Options,
    ) -> None:
        whole, menu = within.name(name), listing.menu
        description = listing.description or None
        reads = CHOSEN[menu.of] if menu else None
        handler = self._handler(fn, options, command=whole, description=description, reads=reads)
        if menu:
            check_chosen(fn, handler.asked, menu)
        route = self._route(f"/{whole}", handler, options)
        guards, limits = within.guards, within.limits
        route = dataclasses.replace(
            route,
            own_guards=(*guards, *route.own_guards),
            own_limits=(*limits, *route.own_limits),
            listing=listing,
        )
        self.routes.add_command(whole, route)
        for asked in handler.asked:
            if asked.complete:
                completion = Handler(asked.complete, self.states, owner=self)
                name = f"/{whole} {asked.name}"
                route = dataclasses.replace(route, name=name, handler=completion)
                self.routes.add_completion(whole, asked.name, route)

    def _handler(self, fn: Callable[..., Any], options: Options, **binding: Any) -> Handler:
        self._refuse_once_included()
        refuse_unknown(options)
        binding = {**binding, **how_it_runs(options)}
        for side in ("inputs", "outputs"):
            if isinstance(binding.get(side), str | Kind | State):
                binding[side] = [binding[side]]
        return Handler(fn, self.states, owner=self, **binding)

    def _route(self, name: str, handler: Handler, options: Options) -> Route:
        return route_to(name, handler, self, options)

    def _refuse_once_included(self) -> None:
        if self._included_in is not None:
            raise BindingError(
                f"bot {self.id!r} is included in {self._included_in!r} already, which would not "
                "know; register all of its handlers before"
            )

    @property
    def is_included(self) -> bool:
        """Whether it is a part of another bot."""
        return self._included_in is not None
