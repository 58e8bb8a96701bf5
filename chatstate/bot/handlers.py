"""`Handler`: a function of a bot, with what to pass to it and how to read what it returns.

1. The signature is read once, when the function is registered; a call only gets what was bound.
2. All turns of a bot share its handlers, in several engines too: nothing of a turn is kept here.
3. `inputs=` and `outputs=` come out as the same slots and getters as annotations do.
4. A change that would be lost is refused: an input state that can change neither in place nor by
   being returned.
"""

from __future__ import annotations

import typing
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, cast

from chatstate.bot.arguments import Argument, given_arguments, parse_arguments
from chatstate.bot.forms import TYPED, Field, Form
from chatstate.bot.functions import BoundFunction
from chatstate.bot.injected import Getter, Held, Injected, Named
from chatstate.bot.kinds import Kind, Output, output_of
from chatstate.bot.parameters import FORMS, NO_NAMES, Binder, Slot
from chatstate.bot.resources import Need, Owner
from chatstate.bot.return_types import check_count, check_replies
from chatstate.bot.returns import Answers, Returns, replies
from chatstate.bot.timers import Datum
from chatstate.errors import BindingError, ReplyError
from chatstate.files import Attachment
from chatstate.language.sentences import Sentence
from chatstate.messages import CommandOption, Message
from chatstate.replies import Button
from chatstate.signature import Mode, first_line, label, mode
from chatstate.state.bound import States
from chatstate.state.declaration import State

Overlap = Literal["queue", "interrupt", "merge"]
Reads = Callable[[Sequence[Argument], Message, str], list[Any]]
"""Gets arguments from a message, for a command of this usage. Raises `Sentence`."""
_OVERLAPS = typing.get_args(Overlap)
TIMEOUT = 300.0
_LONGEST_WINDOW = 30.0
_WITH_ADDITIONS = ("start",)
"""Commands that a platform adds words of its own to: `/start PAYLOAD` is a link to the bot."""
_NO_KEYWORDS: dict[str, Any] = {}


class Handler:
    """A function of a bot, with what to pass to it and how to read what it returns.

    - `slots` are its states; `wants_files` whether what came with a message is fetched for it.
    - `hears_text`: it gets the text as it is; `sees_files`: it may know of files that came with it.
    - `fields` are its inputs by position; `form` asks for them if they are several.
    - `markdown`: a `str` that it returns is Markdown.
    - `asks`: it may ask, and wait for what is answered.
    - `needs` are its resources; `owner` is the bot, whose lifespan opens them.
    - `kept` are states that it holds beside those of the function: the first slots.
    - `around` is middleware of its own, within that of its bots.
    - `overlap`: what an event for it does while another turn of the conversation runs or waits:
      "queue" waits for its turn; "interrupt" ends the running turn without effect; "merge" is
      handled together with what waits beside it, from the same person.
    - `window`: for how many seconds "merge" waits for more, 0 if it does not.
    - `timeout`: seconds after which a turn is given up.
    - `author_fn`: what its author wrote, if `fn` only calls that.
    - `names` are what parameters get by their name; `data` those that a timer's get by theirs, if
      it is `of_timer`.
    - `reads` gets its arguments in another way than from a command line; those called as `groups`
      are, of one that is no command.

    Raises `BindingError` for what cannot be bound.
    """

    def __init__(
        self,
        fn: Callable[..., Any],
        states: States,
        *,
        command: str | None = None,
        description: str | None = None,
        inputs: Sequence[str | Kind | State | Getter] | None = None,
        outputs: Sequence[str | Kind | State] | None = None,
        overlap: Overlap = "queue",
        window: float | None = None,
        timeout: float = TIMEOUT,
        markdown: bool = False,
        kept: Sequence[State] = (),
        owner: Owner | None = None,
        author_fn: Callable[..., Any] | None = None,
        reads: Reads | None = None,
        groups: Sequence[str] = (),
        names: Mapping[str, Named] = NO_NAMES,
        of_timer: bool = False,
    ) -> None:
        if not callable(fn):
            raise BindingError(f"{fn!r} cannot be a handler: it is no function")
        if overlap not in _OVERLAPS:
            raise BindingError(f"overlap={overlap!r}: use one of {', '.join(_OVERLAPS)}")
        seconds: Any = timeout
        if not (isinstance(seconds, int | float) and seconds > 0):
            raise BindingError(f"timeout={timeout!r}: use a number of seconds above 0")
        self.fn = fn
        self.author_fn = author_fn or fn
        self.overlap: Overlap = overlap
        self.window = 0.0 if window is None else _window(window, overlap, command)
        self.timeout = timeout
        self.command = command
        self.mode: Mode = mode(fn)
        self.description = description or first_line(fn)
        is_command = command is not None
        binder = Binder(
            fn,
            states,
            kept,
            owner,
            is_command=is_command,
            groups=groups,
            names=names,
            of_timer=of_timer,
        )
        self._keywords, self._getters = binder.bind(inputs)
        self._has_keywords = any(self._keywords)
        self.slots: tuple[Slot, ...] = tuple(binder.slots)
        self.needs: tuple[Need, ...] = tuple(binder.needs)
        self.data: Sequence[Datum] = binder.data
        self.fields: Sequence[Field] = binder.fields
        self.form = Form(binder.fields) if len(binder.fields) > 1 else None
        self.wants_files = binder.wants_files
        self.wants_progress = binder.wants_progress
        self.asks = self.mode == "async" and binder.wants_turn and owner is not None
        self.sees_files = binder.sees_files
        self.hears_text = binder.hears_text
        self.around: Sequence[BoundFunction] = ()
        self.markdown = markdown
        self._returns = Returns(None, markdown)
        self._reads = reads
        of_text = _checked_arguments(fn, binder.arguments, command)
        self._arguments = binder.found or of_text
        self._parses = (command is not None and inputs is None) or bool(binder.found)
        self._outputs = None if outputs is None else _bind_outputs(fn, outputs, binder)
        if self._outputs is None:
            check_replies(fn)
        else:
            check_count(fn, len(self._outputs))
            _refuse_lost_changes(fn, binder, self._outputs)

    @property
    def may_ask(self) -> bool:
        """Whether turns of it may wait for answers: its own, or those of its form."""
        return self.asks or self.form is not None

    @property
    def streams(self) -> bool:
        """Whether it is a generator, whose yields are shown one after the other."""
        return self.mode in ("generator", "async_generator")

    @property
    def usage(self) -> str:
        """The command line as a person writes it."""
        asked = () if self._reads else self._arguments
        words = (f"[{a.name}]" if a.optional else a.name for a in asked)
        return " ".join((f"/{self.command}", *words))

    @property
    def asked(self) -> Sequence[Argument]:
        """Its parameters that a person fills."""
        return self._arguments

    @property
    def options(self) -> tuple[CommandOption, ...]:
        """The arguments of a command, for platforms that ask for each by itself."""
        return tuple(argument.option for argument in self._arguments)

    def arguments(self, message: Message, text: str) -> list[Any]:
        """Return the arguments of a command, or what named groups have found.

        Raises `Sentence` if they cannot be read.

        What a platform adds to a command that takes none is left to `turn.text`.
        """
        if self._reads:
            return self._reads(self._arguments, message, self.usage)
        if not self._arguments and self.command in _WITH_ADDITIONS:
            return []
        if message.arguments is not None:
            return given_arguments(self._arguments, message.arguments, message, self.usage)
        return parse_arguments(self._arguments, text, message, self.usage)

    def try_example(self, button: Button) -> None:
        """Read what the button of an example sends. Raises `BindingError` if that cannot be."""
        answers = self.form.example(button.sends) if self.form else [button.sends]
        if answers is None:
            raise BindingError(
                f"example {button.label!r} must be a list of {len(self.fields)} values, for "
                f"{', '.join(field.label for field in self.fields)}"
            )
        try:
            for field, answer in zip(self.fields, answers, strict=False):
                if field.input.takes in TYPED:
                    field.input.heard(answer, ())
        except Sentence as error:
            raise BindingError(f"example {button.label!r} does not fit: {error}") from error

    def bind(self, given: Injected) -> tuple[list[Any], dict[str, Any]]:
        """Return the call's arguments, by position and by name.

        Raises `Sentence` if what the person said cannot be read.
        """
        if self._parses:
            given.arguments = self.arguments(given.message, given.text)
        if not self._has_keywords:
            return [get(given) for get in self._getters], _NO_KEYWORDS
        positional: list[Any] = []
        named: dict[str, Any] = {}
        for keyword, get in zip(self._keywords, self._getters, strict=True):
            if keyword is None:
                positional.append(get(given))
            else:
                named[keyword] = get(given)
        return positional, named

    def result(self, returned: Any, slots: Sequence[Held], folder: Path | None = None) -> Answers:
        """Return the replies in what the function returned; put returned states into `slots`.

        `folder` is the turn's own. Raises `ReplyError` if it does not fit `outputs`.
        """
        returns = self._returns if folder is None else self.returns(folder)
        if self._outputs is None:
            return replies(returned, returns)
        values = self._split(returned)
        answer: Answers = []
        for position, show in enumerate(self._outputs):
            if isinstance(show, int):
                slots[show].object = values[position]
            else:
                answer += show(values[position], returns)
        return answer

    def returns(self, folder: Path | None) -> Returns:
        """Return how what it returns is read; `folder` is the turn's own."""
        return self._returns if folder is None else Returns(folder, self.markdown)

    def _split(self, returned: Any) -> Sequence[Any]:
        wanted = len(self._outputs or ())
        if wanted == 1:
            return (returned,)
        is_several = isinstance(returned, (tuple, list))
        values: Sequence[Any] = cast("Sequence[Any]", returned) if is_several else (returned,)
        if len(values) != wanted:
            raise ReplyError(
                f"{label(self.fn)} returned {len(values)} value{'s'[: len(values) != 1]}, "
                f"its outputs are {wanted}"
            )
        return values


def not_taken(files: Sequence[Attachment]) -> Sentence:
    """Return what to say to whoever sent files that no handler looks at."""
    return Sentence("files_not_taken", files=", ".join(file.name for file in files))


def _window(window: Any, overlap: Overlap, command: str | None) -> float:
    if overlap != "merge" or command is not None:
        raise BindingError(
            f'window={window!r}: what a person still writes is waited for with overlap="merge", '
            "and by a handler of messages"
        )
    if not (isinstance(window, int | float) and 0 < window <= _LONGEST_WINDOW):
        raise BindingError(f"window={window!r}: use seconds above 0, {_LONGEST_WINDOW:g} at most")
    return float(window)


def _refuse_lost_changes(
    fn: Callable[..., Any], binder: Binder, outputs: list[Output | int]
) -> None:
    """Refuse an input state that can change neither in place nor by being returned."""
    for index in binder.inputs.values():
        slot = binder.slots[index]
        if index not in outputs and not slot.by_ref and slot.state.changes_only_whole:
            raise BindingError(
                f"{label(fn)}: state {slot.state.name!r} is among the inputs and not among the "
                "outputs, and its values cannot change in place: "
                'return it too, and add "state" to outputs='
            )


def _bind_outputs(
    fn: Callable[..., Any], outputs: Sequence[str | Kind | State], binder: Binder
) -> list[Output | int]:
    inputs = dict(binder.inputs)
    unnamed = [state for state in inputs if state not in outputs]
    bound: list[Output | int] = []
    for position, given in enumerate(outputs, 1):
        meant = unnamed.pop(0) if given == "state" and unnamed else given
        if meant == "state" or (isinstance(meant, State) and meant not in inputs):
            raise BindingError(
                f"{label(fn)}: output {position} is {given!r}, but no such input is left for it; "
                "give the State among inputs"
            )
        bound.append(inputs.pop(meant) if isinstance(meant, State) else output_of(meant))
    return bound


def _checked_arguments(
    fn: Callable[..., Any], arguments: list[Argument], command: str | None
) -> list[Argument]:
    """Return `arguments`. Raises `BindingError` if they are several of what is no command."""
    if command is None and len(arguments) > 1:
        names = ", ".join(repr(argument.name) for argument in arguments)
        raise BindingError(
            f"{label(fn)}: only one parameter can take the message's text, not {names}; "
            f"annotate the others: {FORMS}"
        )
    return arguments
