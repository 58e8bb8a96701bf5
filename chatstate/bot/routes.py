"""Which of a bot's handlers an event goes to, and on what terms. No I/O."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from chatstate.bot.handlers import Handler
from chatstate.bot.terms import Home, Terms
from chatstate.errors import BindingError
from chatstate.language.sentences import Sentence
from chatstate.messages import Command, Message, MessageKind
from chatstate.signature import label

_COMMAND = re.compile(r"/([A-Za-z0-9_]{1,32})(?:@(\w+))?(?:\s+(.*))?", re.DOTALL)
_COMMAND_NAME = re.compile(r"[a-z0-9_]{1,32}")
_UNLISTED = ("start", "cancel")


class Routes:
    """A bot's handlers: by command, and by the kind of message.

    Commands of the framework itself give way to those of the author. `aside` are handlers that no
    message goes to.
    """

    def __init__(self) -> None:
        self.aside: Mapping[Handler, Terms] = {}
        self._commands: dict[str, Handler] = {}
        self._kinds: dict[MessageKind, Handler] = {}
        self._terms: dict[Handler, Terms] = {}
        self._own: set[str] = set()

    def __iter__(self) -> Iterator[Handler]:
        yield from self._commands.values()
        yield from self._kinds.values()

    def add_command(self, name: str, handler: Handler, terms: Terms) -> None:
        """Let `/name` go to a handler. Raises `BindingError` if it goes to one already."""
        if name in self._commands and name not in self._own:
            raise BindingError(f"there is a command /{name} already")
        self._commands.pop(name, None)  # our own stood before all others
        self._commands[name] = handler
        self._terms[handler] = terms
        self._own.discard(name)

    def add_own_command(self, name: str, handler: Handler, terms: Terms) -> None:
        """Let `/name` go to a handler of the framework's."""
        self.add_command(name, handler, terms)
        self._own.add(name)

    def add(self, kind: MessageKind, handler: Handler, terms: Terms) -> None:
        """Let a kind of messages go to a handler. Raises `BindingError` if it has one already."""
        if kind in self._kinds:
            raise BindingError(f"there is a handler for {kind} already")
        self._kinds[kind] = handler
        self._terms[handler] = terms

    def terms(self, handler: Handler) -> Terms:
        """Return on what terms a handler runs in this bot."""
        return self._terms.get(handler) or self.aside[handler]

    def command(self, name: str) -> Handler | None:
        """Return the handler of `/name`."""
        return self._commands.get(name)

    def of_kind(self, kind: MessageKind) -> Handler | None:
        """Return the handler of a kind of messages."""
        return self._kinds.get(kind)

    @property
    def interrupts(self) -> bool:
        """Whether any event can end a running turn."""
        return any(handler.overlap == "interrupt" for handler in self)

    def include(self, other: Routes, home: Home) -> None:
        """Take over another bot's handlers. Raises `BindingError` if both have one for the same."""
        for mine, theirs, what in self._clashes(other):
            raise BindingError(
                f"both {self._where(mine)} and {other._where(theirs)} {what}; keep one of them"
            )
        inner = {h: t._replace(homes=(home, *t.homes)) for h, t in other._terms.items()}
        for name, handler in other._commands.items():
            if name not in ("help", "start") or name not in other._own:
                self.add_command(name, handler, inner[handler])
                if name in other._own:
                    self._own.add(name)
        for kind, handler in other._kinds.items():
            self.add(kind, handler, inner[handler])

    def _clashes(self, other: Routes) -> Iterator[tuple[Handler, Handler, str]]:
        for name, handler in other._commands.items():
            mine = self._commands.get(name)
            if mine and name not in self._own and name not in other._own:
                yield mine, handler, f"answer /{name}"
        for kind, handler in other._kinds.items():
            if kind in self._kinds:
                yield self._kinds[kind], handler, f"answer what is of kind {kind!r}"

    def _where(self, handler: Handler) -> str:
        return f"{label(handler.fn)} of {self._terms[handler].home.id!r}"

    def find(
        self, message: Message, *, pressed_command: bool = False
    ) -> tuple[Handler, str] | None:
        """Return the handler for `message` and the text it gets; None if it is not handled.

        `pressed_command`: it is a press that runs a command. Raises `Sentence` if the person
        should be told so.
        """
        runs_commands = message.kind == "message" or pressed_command
        is_command = runs_commands and message.text.startswith("/")
        found = _COMMAND.fullmatch(message.text) if is_command else None
        if found:
            name = found[1].lower()
            if name not in self._commands and not (
                pressed_command or message.chat.kind == "private"
            ):
                return None  # it may be meant for another bot
            if name not in self._commands:
                raise Sentence("unknown_command", command=found[1])
            return self._commands[name], found[3] or ""
        kind: MessageKind = "message" if message.kind == "press" else message.kind
        handler = self._kinds.get(kind)
        if handler is None:
            if kind == "message" and message.chat.kind == "private":
                raise Sentence("only_commands")
            return None
        return handler, message.text

    def listed(self, sentences: Mapping[str, str]) -> list[Command]:
        """Return the commands to tell people of, in the order of registration; /help is the last.

        The framework's own are described in the language of `sentences`.
        """
        names = [name for name in self._commands if name not in self._own]
        own = [name for name in self._commands if name in self._own and name not in _UNLISTED]
        names += sorted(own, key=lambda name: name == "help")  # it is the last
        return [self._described(name, sentences) for name in names]

    def for_all(self, commands: Sequence[Command]) -> list[Command]:
        """Return those of `commands` that not only owners may use."""
        return [c for c in commands if not self._terms[self._commands[c.name]].is_for_owners]

    def _described(self, name: str, sentences: Mapping[str, str]) -> Command:
        handler = self._commands[name]
        if name in self._own:
            description = sentences.get(f"help_{name}", handler.description)
            if name == "help":  # whatever follows it
                return Command(name, description, f"/{name}")
            return Command(name, description, handler.usage, handler.options)
        return Command(name, handler.description, handler.usage, handler.options)


def command_name(given: str) -> str:
    """Return a command's name in lower case. Raises `BindingError` if nobody could send it."""
    name = given.lower()
    if not _COMMAND_NAME.fullmatch(name):
        raise BindingError(
            f"{name!r} cannot be a command: use 1 to 32 of a-z, 0-9 and _, "
            "as in @bot.command(name=...)"
        )
    return name
