"""`Interface`: a bot, and what the framework itself answers for it. No I/O.

1. What can be known only when all is registered is told by `check`, before anything runs.
2. What the framework itself answers are routes as all others, marked as its own: an author's for
   the same takes their place.
3. How handlers are registered stands in `registration`, how a bot is run in `running`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NoReturn, Unpack, cast

from chatstate.adapter import Adapter
from chatstate.bot import running
from chatstate.bot.access import Owners, guard, limits_of, owners_of
from chatstate.bot.commands import cancel_for, help_for
from chatstate.bot.forms import buttons_for, choices_of
from chatstate.bot.guesses import no_attribute, refuse_no_function, refuse_other_types
from chatstate.bot.handlers import Handler
from chatstate.bot.kinds import Kind
from chatstate.bot.linking import TRIES, link_for, unlink_for
from chatstate.bot.listing import Listing
from chatstate.bot.options import Options, message_limit, refuse_unknown
from chatstate.bot.page_options import AnyOptions, taken
from chatstate.bot.privacy import export_for, forget_for
from chatstate.bot.registration import Registration
from chatstate.bot.resources import Lifespan, checked_lifespan
from chatstate.bot.route import Route
from chatstate.bot.updates import check_names
from chatstate.errors import BindingError
from chatstate.language.sentences import Sentences
from chatstate.messages import Command
from chatstate.replies import Button
from chatstate.signature import author_module, label
from chatstate.state.bound import States
from chatstate.state.declaration import State

_OF_MESSAGES = ("overlap", "window")
"""Options of a handler that a command does not have, or not for its own sake."""


class Interface(Registration):
    """A bot: functions of messages and state.

    - `fn` answers messages. With `inputs` and `outputs` it is bound by position, as in Gradio:
      `"text"`, `"number"`, `"json"`, a `Kind`, `"state"` or `State(...)` for each parameter and for
      each returned value. Without them it is bound by annotation, as with `on_message`.
    - `id` is the bot's name in the store's keys: the file's name if not given.
    - `title`, `description` and `article` are shown by /start and /help.
    - `examples` are shown as buttons by these: values of the one input, or lists of all of them;
      `example_labels` is what stands on the buttons. Without any, they are the choices of the
      one input.
    - `sentences` replaces what the framework itself says, by name; or by language and name, as in
      `{"pt-BR": {"failed": "..."}}`, for people whose `User.language` that is.
    - `owners` are the people whom `allow="owners"` means: `["telegram:123"]`, or by platform.
    - `lifespan` opens what handlers need besides state, and closes it on stop: an async context
      manager function of the bot, as in Starlette. A handler gets what it yields (an object, or a
      dict or tuple of some) by the type that a parameter is annotated with.
    - `max_messages`: a reply that would take more is its first message, and the whole as a file,
      where the platform takes files. None is no limit. (`long_as_file` is its older name: True is
      10, False is none.)
    - `linking`: people may link who they are on several platforms, by /link and /unlink in private
      chats: then they have one value of each `user` state, and `User.person` is the same.
    - `hear_bots`: what other bots say is handled as what people say (`User.is_bot` tells them
      apart), and else ignored.
    - `privacy`: in private, /forget lets a person have all erased that the bot keeps of them, and
      /export have it sent; both ask first. See `on_forget`.
    - `allow` and `limits` hold for all handlers of the bot, beside their own; `overlap`, `timeout`
      and `concurrency_limit` are those of `fn`. See `on_message`.

    What else `gr.Interface` takes and only a web page has is named in the log, and not used.
    Raises `BindingError` for what cannot be bound.
    """

    def __init__(
        self,
        fn: Callable[..., Any] | None = None,
        inputs: Sequence[str | Kind | State] | str | Kind | State | None = None,
        outputs: Sequence[str | Kind | State] | str | Kind | State | None = None,
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
        privacy: bool = False,
        linking: bool = False,
        **options: Unpack[AnyOptions],
    ) -> None:
        super().__init__(hear_bots=hear_bots)
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
        own: Options = cast("Options", taken(self.id, options))
        refuse_unknown(own)
        allow = own.pop("allow", None)
        self.guard = None if allow is None else guard(allow, owner=self)
        self.limits = limits_of(own.pop("limits", ()))
        for name in ("help", "start"):
            self._add_own_command(name, help_for(self), own_states=False)
        self._add_own_command("cancel", cancel_for(self), own_states=False)
        if privacy:
            self._add_private_command("forget", forget_for(self), {}, States())
            self._add_private_command("export", export_for(self), {}, States())
        self.linking = linking
        if linking:  # there may be no other /link then
            self._add_private_command("link", link_for(self), {"limits": TRIES}, self.states)
            self._add_private_command("unlink", unlink_for(self), {"limits": TRIES}, self.states)
        if fn is not None:
            refuse_no_function("Interface", fn)
            handler = self._handler(fn, own, inputs=inputs, outputs=outputs)
            for example in self.examples:
                handler.try_example(example)
            self.examples = self.examples or choices_of(handler.fields)
            self.description = description or handler.description
            self._add_message_handler(handler, own)
            if handler.form:
                self._add_start(fn, own, inputs=inputs, outputs=outputs)
        elif own:
            raise BindingError(
                f"{', '.join(own)}: of which function? Give it to @bot.on_message(...)"
            )

    def __repr__(self) -> str:
        return f"<Interface {self.id!r}>"

    if not TYPE_CHECKING:  # a type checker is to go on saying that there is no such method

        def __getattr__(self, name: str) -> NoReturn:
            raise no_attribute(self, name)

    def _add_message_handler(self, handler: Handler, options: Options) -> None:
        self.routes.add("message", self._route("message", handler, options))

    def _add_start(self, fn: Callable[..., Any], options: Options, **binding: Any) -> None:
        """Let /start say what the bot is, and ask for the inputs of `fn`."""
        kept = {name: given for name, given in options.items() if name not in _OF_MESSAGES}
        handler = self._handler(fn, cast("Options", kept), command="start", **binding)
        if handler.form:
            handler.form.greeting = help_for(self)
        self.routes.add_command("start", self._own_route("/start", handler, cast("Options", kept)))

    def _add_own_command(
        self, name: str, fn: Callable[..., Any], *, own_states: bool = True
    ) -> None:
        """Register a command of the framework's; the sentence `help_{name}` describes it."""
        states = self.states if own_states else States()
        handler = Handler(fn, states, command=name)
        self.routes.add_command(name, self._own_route(f"/{name}", handler, {}))

    def _add_private_command(
        self, name: str, fn: Callable[..., Any], options: Options, states: States
    ) -> None:
        """Register the same, for private chats, which may ask something."""
        handler = Handler(fn, states, command=name, owner=self)
        route = self._own_route(f"/{name}", handler, options)
        self.routes.add_command(name, dataclasses.replace(route, listing=Listing(chats="private")))

    def _own_route(self, name: str, handler: Handler, options: Options) -> Route:
        return dataclasses.replace(self._route(name, handler, options), is_own=True)

    @property
    def commands(self) -> list[Command]:
        """The commands for menus, in the order of registration: those not for owners alone."""
        return self.routes.for_all(self.routes.listed(self.sentences))

    def check(self, adapters: Sequence[Adapter] = ()) -> None:
        """Raise `BindingError` for what can be known only when all is registered.

        Or when it is known on which platforms the bot runs.
        """
        check_names(self.routes.updates, adapters)
        for part in self.parts:
            if getattr(part, "linking", False) and not self.linking:
                raise BindingError(
                    f"bot {part.id!r} links people, and is a part of {self.id!r}, which does not: "
                    "say Interface(..., linking=True) of the whole"
                )
        for route in self.routes:
            if not self.owners and any("owners" in guard.rules for guard in route.guards):
                raise BindingError(
                    f'{label(route.handler.fn)} is for "owners", and bot {self.id!r} has none; '
                    'say who they are: Interface(..., owners=["telegram:123"])'
                )

    send = running.send
    broadcast = running.broadcast
    run = running.run
    serve = running.serve
    connect = running.connect
    disconnect = running.disconnect
