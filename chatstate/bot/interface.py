"""`Interface`: a bot, and how its handlers are registered. No I/O.

1. What cannot be bound is a `BindingError` where it is registered. What can be known only when
   all is registered is told by `check`, before anything runs.
2. What the framework itself answers are routes as all others, marked as its own: an author's for
   the same takes their place.
3. Once a bot is included in another, nothing can be added to it: the other would not know.
4. How a bot is run stands in `running`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar, Unpack, cast, overload

from chatstate.bot import running
from chatstate.bot.access import Owners, guard, limits_of, owners_of
from chatstate.bot.commands import cancel_for, help_for, start_for
from chatstate.bot.forms import buttons_for
from chatstate.bot.functions import BoundFunction, error_handler, middleware
from chatstate.bot.guesses import no_attribute, refuse_no_function, refuse_other_types
from chatstate.bot.handlers import Handler
from chatstate.bot.options import Options, how_it_runs, message_limit, refuse_unknown
from chatstate.bot.page_options import AnyOptions, taken
from chatstate.bot.resources import Lifespan, checked_lifespan
from chatstate.bot.routes import Route, Routes, command_name, route_to
from chatstate.errors import BindingError
from chatstate.language.sentences import Sentences
from chatstate.messages import Button, Command, MessageKind
from chatstate.signature import author_module, label
from chatstate.state.bound import States
from chatstate.state.declaration import State

F = TypeVar("F", bound=Callable[..., Any])


class Interface:
    """A bot: functions of messages and state.

    - `fn` answers messages. With `inputs` and `outputs` it is bound by position, as in Gradio:
      `"text"`, `"number"`, `"json"`, `"state"` or `State(...)` for each parameter and for each
      returned value. Without them it is bound by annotation, as with `on_message`.
    - `id` is the bot's name in the store's keys: the file's name if not given.
    - `title`, `description` and `article` are shown by /start and /help.
    - `examples` are shown as buttons by these: values of the one input, or lists of all of them;
      `example_labels` is what stands on the buttons.
    - `sentences` replaces what the framework itself says, by name; or by language and name, as in
      `{"pt-BR": {"failed": "..."}}`, for people whose `User.language` that is.
    - `owners` are the people whom `allow="owners"` means: `["telegram:123"]`, or by platform.
    - `lifespan` opens what handlers need besides state, and closes it on stop: an async context
      manager function of the bot, as in Starlette. A handler gets what it yields (an object, or a
      dict or tuple of some) by the type that a parameter is annotated with.
    - `max_messages`: a reply that would take more is its first message, and the whole as a file,
      where the platform takes files. None is no limit. (`long_as_file` is its older name: True is
      10, False is none.)
    - `hear_bots`: what other bots say is handled as what people say (`User.is_bot` tells them
      apart), and else ignored.
    - `allow` and `limits` hold for all handlers of the bot, beside their own; `overlap`, `timeout`
      and `concurrency_limit` are those of `fn`. See `on_message`.

    What else `gr.Interface` takes and only a web page has is named in the log, and not used.
    Raises `BindingError` for what cannot be bound.
    """

    def __init__(
        self,
        fn: Callable[..., Any] | None = None,
        inputs: Sequence[str | State] | str | State | None = None,
        outputs: Sequence[str | State] | str | State | None = None,
        *,
        id: str | None = None,
        title: str | None = None,
        description: str | None = None,
        article: str | None = None,
        examples: Sequence[Any] | None = (),
        example_labels: Sequence[str] | None = None,
        sentences: Mapping[str, str | Mapping[str, str]] | None = None,
        owners: Owners = (),
        lifespan: Lifespan | None = None,
        max_messages: int | None = 10,
        long_as_file: bool | int | None = None,
        hear_bots: bool = False,
        **options: Unpack[AnyOptions],
    ) -> None:
        refuse_other_types(
            id=id,
            title=title,
            description=description,
            sentences=sentences,
        )
        self.max_messages = message_limit(max_messages, long_as_file)
        self.id = id or author_module()
        self.has_own_id = id is not None
        self.title = title or self.id
        self.description = description
        self.article = article
        self.sentences = Sentences(sentences)
        self.examples: Sequence[Button] = buttons_for(examples or (), example_labels)
        self.owners = owners_of(owners)
        self.lifespan = checked_lifespan(lifespan)
        self.states = States()
        self.routes = Routes(hear_bots=hear_bots)
        self.around: list[BoundFunction] = []
        self.error_handler: BoundFunction | None = None
        self.parts: list[Interface] = [self]
        self._included_in: str | None = None
        own: Options = cast("Options", taken(self.id, options))
        refuse_unknown(own)
        allow = own.pop("allow", None)
        self.guard = None if allow is None else guard(allow, owner=self)
        self.limits = limits_of(own.pop("limits", ()))
        for name in ("help", "start"):
            self._add_own_command(name, help_for(self), own_states=False)
        if fn is not None:
            refuse_no_function("Interface", fn)
            handler = self._handler(fn, own, inputs=inputs, outputs=outputs)
            for example in self.examples:
                handler.try_example(example)
            self.description = description or handler.description
            self._add_message_handler(handler, own)
        elif own:
            raise BindingError(
                f"{', '.join(own)}: of which function? Give it to @bot.on_message(...)"
            )

    def __repr__(self) -> str:
        return f"<Interface {self.id!r}>"

    if not TYPE_CHECKING:  # a type checker is to go on saying that there is no such method

        def __getattr__(self, name: str) -> NoReturn:
            raise no_attribute(self, name)

    # Registration

    @overload
    def command(self, fn: F, /) -> F: ...
    @overload
    def command(
        self,
        /,
        *,
        name: str | None = None,
        description: str | None = None,
        **options: Unpack[Options],
    ) -> Callable[[F], F]: ...
    def command(
        self,
        fn: F | None = None,
        /,
        *,
        name: str | None = None,
        description: str | None = None,
        **options: Unpack[Options],
    ) -> F | Callable[[F], F]:
        """Register a handler for `/name`: by default the function's name.

        Its plain parameters are the command's arguments. The description, else the docstring's
        first line, is shown in help and menus. The options are those of `on_message`; with
        `overlap="interrupt"` the command ends whatever turn runs in the conversation (a /stop).
        Raises `BindingError`.
        """

        def register(fn: F) -> F:
            refuse_no_function("command", fn)
            command = command_name(str(name or getattr(fn, "__name__", "")))
            handler = self._handler(fn, options, command=command, description=description)
            self.routes.add_command(command, self._route(f"/{command}", handler, options))
            return fn

        return register if fn is None else register(fn)

    @overload
    def on_message(self, fn: F, /) -> F: ...
    @overload
    def on_message(self, /, **options: Unpack[Options]) -> Callable[[F], F]: ...
    def on_message(
        self, fn: F | None = None, /, **options: Unpack[Options]
    ) -> F | Callable[[F], F]:
        """Register the handler of messages that are no command, and of presses.

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
            self._add_message_handler(self._handler(fn, options), options)
            return fn

        return register if fn is None else register(fn)

    def on_edit(self, fn: F) -> F:
        """Register the handler of edited messages; without one, edits are ignored."""
        return self._on("edit", fn)

    def on_join(self, fn: F) -> F:
        """Register the handler of people who join a chat."""
        return self._on("join", fn)

    def on_leave(self, fn: F) -> F:
        """Register the handler of people who leave a chat."""
        return self._on("leave", fn)

    def on_other(self, fn: F) -> F:
        """Register the handler of what has neither words nor files; without one, it is ignored.

        `message.raw` is what the platform tells of it: a payment, a story, a pinned message.
        """
        return self._on("other", fn)

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

    def include(self, other: Interface) -> None:
        """Let another bot's handlers, commands, states and lifespan join this one.

        Its middleware, `allow` and `limits` stay around its own handlers, within this bot's. What
        it says of itself (id, title, sentences, owners and so on) is not used: these are this
        bot's. Nothing can be added to it any more. Raises `BindingError` if both have a handler
        for the same, or different states of one name.
        """
        self._refuse_once_included()
        if not isinstance(other, Interface):
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

    def _on(self, kind: MessageKind, fn: F) -> F:
        self.routes.add(kind, self._route(kind, self._handler(fn, {}), {}))
        return fn

    def _handler(self, fn: Callable[..., Any], options: Options, **binding: Any) -> Handler:
        self._refuse_once_included()
        refuse_unknown(options)
        binding = {**binding, **how_it_runs(options)}
        for side in ("inputs", "outputs"):
            if isinstance(binding.get(side), str | State):
                binding[side] = [binding[side]]
        return Handler(fn, self.states, owner=self, **binding)

    def _add_message_handler(self, handler: Handler, options: Options) -> None:
        self.routes.add("message", self._route("message", handler, options))
        if handler.form:
            self._add_own_command("start", start_for(self, handler.form))
            self._add_own_command("cancel", cancel_for(self))

    def _add_own_command(
        self, name: str, fn: Callable[..., Any], *, own_states: bool = True
    ) -> None:
        """Register a command of the framework's; the sentence `help_{name}` describes it."""
        states = self.states if own_states else States()
        handler = Handler(fn, states, command=name)
        self.routes.add_command(name, self._own_route(f"/{name}", handler, {}))

    def _own_route(self, name: str, handler: Handler, options: Options) -> Route:
        return dataclasses.replace(self._route(name, handler, options), is_own=True)

    def _route(self, name: str, handler: Handler, options: Options) -> Route:
        return route_to(name, handler, self, options)

    def _refuse_once_included(self) -> None:
        if self._included_in is not None:
            raise BindingError(
                f"bot {self.id!r} is included in {self._included_in!r} already, which would not "
                "know; register all of its handlers before"
            )

    # What it is made of

    @property
    def is_included(self) -> bool:
        """Whether it is a part of another bot."""
        return self._included_in is not None

    @property
    def commands(self) -> list[Command]:
        """The commands for menus, in the order of registration: those not for owners alone."""
        return self.routes.for_all(self.routes.listed(self.sentences.default))

    def check(self) -> None:
        """Raise `BindingError` for what can be known only when all is registered."""
        for route in self.routes:
            if not self.owners and any("owners" in guard.rules for guard in route.guards):
                raise BindingError(
                    f'{label(route.handler.fn)} is for "owners", and bot {self.id!r} has none; '
                    'say who they are: Interface(..., owners=["telegram:123"])'
                )

    run = running.run
    serve = running.serve
