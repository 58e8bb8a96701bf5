"""What can be passed to an author's function, and how each of it is got.

1. One kind of getter serves handlers, predicates and middleware: a function of what is `Injected`.
2. A getter is made once, at registration; calling it is all that a turn does.
"""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Mapping, Sequence
from operator import attrgetter
from typing import Any, NamedTuple, Protocol

from chatstate.bot.arguments import LEFT_OUT, Argument, first_file
from chatstate.bot.kinds import Kind
from chatstate.bot.kinds.kind import text_of
from chatstate.bot.resources import Need, Resources
from chatstate.bot.returns import Answers
from chatstate.bot.turn import Turn, speaker
from chatstate.clock import Clock
from chatstate.files import Attachment, File
from chatstate.messages import Chat, Message, MessageRef, User
from chatstate.progress import Progress


class Held(Protocol):
    """A value that a turn holds: `object` is what a handler gets of it, a `Ref` if it is in one."""

    object: Any


class Injected(Protocol):
    """What there is to pass to a function, while it is being called.

    A handler may get all of it: `slots` are its states, `arguments` those of a command,
    `answers` those of a form; `files` came with the message, `fetched` are all that were fetched.
    A predicate gets what is of the message, middleware the `turn` and `call_next` too.
    """

    @property
    def message(self) -> Message: ...
    @property
    def text(self) -> str: ...
    @property
    def turn(self) -> Turn: ...
    @property
    def slots(self) -> Sequence[Held]: ...
    @property
    def files(self) -> Sequence[File]: ...
    @property
    def fetched(self) -> Mapping[Attachment, File] | None: ...
    @property
    def answers(self) -> Sequence[Any]: ...
    @property
    def resources(self) -> Resources: ...

    arguments: Sequence[Any]


Getter = Callable[[Any], Any]
"""Gets a parameter's value from what is `Injected`."""
CallNext = Callable[[], Awaitable[Answers]]
"""What a middleware awaits to go on."""


def file_or(default: Any) -> Getter:
    """Get the first file that was sent, or else a default."""
    return lambda given: given.files[0] if given.files else default


OF_MESSAGE: Mapping[Any, Getter] = {
    Message: attrgetter("message"),
    User: attrgetter("message.sender"),
    Chat: attrgetter("message.chat"),
}


class Named(NamedTuple):
    """What a parameter gets by its name: of which type, and how."""

    type: Any
    get: Getter


def _known(given: Injected) -> User | None:
    sender = given.message.sender
    return sender if sender.id else None


OF_REACTION: Mapping[str, Named] = {
    "added": Named(tuple[str, ...], attrgetter("message.reaction.added")),
    "removed": Named(tuple[str, ...], attrgetter("message.reaction.removed")),
    "by": Named(User | None, _known),
    "target": Named(MessageRef, attrgetter("message.reaction.target")),
}
OF_TURN: Mapping[Any, Getter] = {**OF_MESSAGE, Turn: attrgetter("turn")}
PROGRESS: Getter = attrgetter("turn.progress")
INJECTED: Mapping[Any, Getter] = {
    **OF_TURN,
    User: lambda given: speaker(given.message),
    Clock: attrgetter("turn.clock"),
    Progress: PROGRESS,
}
FILES: Mapping[Any, Getter] = {
    list[File]: lambda given: list(given.files),
    File | None: file_or(None),
    File: lambda given: first_file(given.files),
}


def state_at(index: int) -> Getter:
    """Get the value of the state at an index of the handler's slots."""
    return lambda given: given.slots[index].object


def argument_at(index: int, default: Any) -> Getter:
    """Get a command's argument, or its default where it is left out."""

    def get(given: Injected) -> Any:
        arguments = given.arguments
        if index < len(arguments) and arguments[index] is not LEFT_OUT:
            return arguments[index]
        return default

    return get


def answer_at(index: int) -> Getter:
    """Get an answer of a form."""
    return lambda given: given.answers[index]


def only_answer(wanted: Kind) -> Getter:
    """Get the one input of a handler."""
    if wanted.wants_files:
        return lambda given: wanted.heard(given.text, given.files)
    return whole_text if wanted.read is text_of else lambda given: wanted.heard(given.text, ())


whole_text: Getter = attrgetter("text")
"""Gets the text as it is."""


def said(argument: Argument, default: Any) -> Getter:
    """Return what reads the text of a message as an argument: its default, if there is none."""
    if argument.reader and argument.reader.read is str:
        return whole_text

    def get(given: Injected) -> Any:
        if argument.optional and not given.text.strip():
            return default
        return argument.parse(given.text, given.message)

    return get


def default_of(parameter: inspect.Parameter) -> Getter:
    """Get a parameter's own default."""
    return lambda _given: parameter.default


def resource(need: Need) -> Getter:
    """Get what a lifespan has opened."""
    return lambda given: given.resources[need]
