"""A handler's parameters and results, bound once, when it is registered.

Both ways to declare a handler, by annotation and by position, end in the same `Handler`.
"""

from __future__ import annotations

import functools
import inspect
import types
import typing
from collections.abc import Callable, Sequence
from typing import Annotated, Any, Literal, NamedTuple, cast

from chatstate.arguments import (
    POSSIBLE,
    Argument,
    argument,
    json_value,
    number,
    parse_arguments,
)
from chatstate.errors import BindingError, ReplyError
from chatstate.messages import Chat, Message, Reply, User
from chatstate.replies import Output, output, replies
from chatstate.state import BoundState, Ref, State, States, is_immutable, is_ref
from chatstate.turn import Turn

Mode = Literal["sync", "async", "generator", "async_generator"]
Getter = Callable[[Turn, Sequence[Any], Sequence[Any]], Any]
"""Gets a parameter's value from the turn, the states' values and the parsed arguments."""

_INJECTED: dict[Any, Getter] = {
    Message: lambda turn, _states, _arguments: turn.message,
    User: lambda turn, _states, _arguments: turn.message.sender,
    Chat: lambda turn, _states, _arguments: turn.message.chat,
    Turn: lambda turn, _states, _arguments: turn,
}
_INPUTS: dict[str, Getter] = {
    "text": lambda turn, _states, _arguments: turn.text,
    "textbox": lambda turn, _states, _arguments: turn.text,
    "number": lambda turn, _states, _arguments: number(turn.text),
    "json": lambda turn, _states, _arguments: json_value(turn.text),
}
_FORMS = (
    f"Message, User, Chat, Turn, a state (PerMember[T] and its kin), or what text can give: "
    f"{POSSIBLE}"
)


class Slot(NamedTuple):
    """A state of a handler, and whether the handler gets it as a `Ref`."""

    state: BoundState
    by_ref: bool


class Handler:
    """A function of a bot, with what to pass to it and how to read what it returns.

    `slots` are its states. Raises `BindingError` for what cannot be bound.
    """

    def __init__(
        self,
        fn: Callable[..., Any],
        states: States,
        *,
        command: str | None = None,
        description: str | None = None,
        inputs: Sequence[str | State] | None = None,
        outputs: Sequence[str | State] | None = None,
    ) -> None:
        self.fn = fn
        self.command = command
        self.mode: Mode = _mode(fn)
        self.description = description or _first_line(fn)
        binder = _Binder(fn, states)
        self._keywords, self._getters = binder.bind(inputs)
        self.slots: tuple[Slot, ...] = tuple(binder.slots)
        self._arguments = _checked_arguments(fn, binder.arguments, command)
        self._outputs = None if outputs is None else _bind_outputs(fn, outputs, binder)

    @property
    def usage(self) -> str:
        """The command line as a person writes it."""
        words = (f"[{a.name}]" if a.optional else a.name for a in self._arguments)
        return " ".join((f"/{self.command}", *words))

    def bind(self, turn: Turn, states: Sequence[Any]) -> tuple[list[Any], dict[str, Any]]:
        """Return the call's arguments; `states` are the values of `slots` (or `Ref`s to them).

        Raises `Sentence` if what the person said cannot be read.
        """
        arguments: Sequence[Any] = ()
        if self.command is not None:
            arguments = parse_arguments(self._arguments, turn.text, turn.message, self.usage)
        elif self._arguments:
            arguments = (self._arguments[0].parse(turn.text, turn.message),)
        positional: list[Any] = []
        named: dict[str, Any] = {}
        for keyword, get in zip(self._keywords, self._getters, strict=True):
            try:
                value = get(turn, states, arguments)
            except IndexError:  # an optional argument that was not given
                continue
            if keyword is None:
                positional.append(value)
            else:
                named[keyword] = value
        return positional, named

    def result(self, returned: Any, states: list[Any]) -> list[Reply]:
        """Return the replies in what the function returned; put returned states into `states`.

        Raises `ReplyError` if it does not fit `outputs`.
        """
        if self._outputs is None:
            return replies(returned)
        values = self._split(returned)
        answer: list[Reply] = []
        for show, value in zip(self._outputs, values, strict=True):
            if isinstance(show, int):
                states[show] = value
            else:
                answer += show(value)
        return answer

    def _split(self, returned: Any) -> Sequence[Any]:
        outputs = self._outputs or ()
        if len(outputs) == 1:
            return (returned,)
        count = len(cast("list[Any]", returned)) if isinstance(returned, tuple | list) else 1
        if count != len(outputs):
            raise ReplyError(
                f"{_name(self.fn)} returned {count} value{'s'[: count != 1]}, "
                f"its outputs are {len(outputs)}"
            )
        return cast("Sequence[Any]", returned)


class _Binder:
    """Goes through a function's parameters once."""

    def __init__(self, fn: Callable[..., Any], states: States) -> None:
        self._fn = fn
        self._states = states
        self._hints = _hints(fn)
        self._parameters = _parameters(fn)
        self.slots: list[Slot] = []
        self.inputs: list[int] = []
        self.arguments: list[Argument] = []

    def bind(self, inputs: Sequence[str | State] | None) -> tuple[list[str | None], list[Getter]]:
        given = None if inputs is None else self._assign(inputs)
        keywords: list[str | None] = []
        getters: list[Getter] = []
        optional_given = False
        for parameter in self._parameters:
            if given is not None and parameter.name in given:
                getter = self._input(parameter, given[parameter.name])
            elif given is not None and not self._is_injected(parameter):
                optional_given = True
                continue
            else:
                getter = self._annotated(parameter)
            by_name = parameter.kind is parameter.KEYWORD_ONLY or optional_given
            optional_given |= parameter.default is not parameter.empty
            keywords.append(parameter.name if by_name else None)
            getters.append(getter)
        return keywords, getters

    def _assign(self, inputs: Sequence[str | State]) -> dict[str, str | State]:
        wanting = [p for p in self._parameters if not self._is_injected(p)]
        needed = [p for p in wanting if p.default is p.empty]
        if not len(needed) <= len(inputs) <= len(wanting):
            raise BindingError(
                f"{_name(self._fn)} takes {len(wanting)} inputs "
                f"({', '.join(p.name for p in wanting)}), inputs= has {len(inputs)}"
            )
        texts = [one for one in inputs if isinstance(one, str) and one != "state"]
        if len(texts) > 1:
            raise BindingError(
                f"{_name(self._fn)}: one input besides states is possible, not {len(texts)} "
                f"({', '.join(texts)})"
            )
        return {p.name: given for p, given in zip(wanting, inputs, strict=False)}

    def _is_injected(self, parameter: inspect.Parameter) -> bool:
        hint = self._hint(parameter)
        return hint in _INJECTED or _state_of(hint) is not None

    def _hint(self, parameter: inspect.Parameter) -> Any:
        return self._hints.get(parameter.name, Any)

    def _input(self, parameter: inspect.Parameter, given: str | State) -> Getter:
        if given == "state":
            default = None if parameter.default is parameter.empty else parameter.default
            given = State(default)
        if isinstance(given, State):
            self.inputs.append(len(self.slots))
            return self._slot(parameter, given, self._hint(parameter))
        try:
            return _INPUTS[given]
        except (KeyError, TypeError):
            raise BindingError(
                f"parameter {parameter.name!r} of {_name(self._fn)}: {given!r} is no input; "
                f"possible: {', '.join(_INPUTS)}, state, State(...)"
            ) from None

    def _annotated(self, parameter: inspect.Parameter) -> Getter:
        hint = self._hint(parameter)
        if hint in _INJECTED:
            return _INJECTED[hint]
        state = _state_of(hint)
        if state:
            type_ = typing.get_args(hint)[0]
            if is_immutable(type_):
                raise BindingError(
                    f"parameter {parameter.name!r} of {_name(self._fn)}: a value of type "
                    f"{getattr(type_, '__name__', type_)} cannot change in place; "
                    f"put it in a Ref, as in PerMember[Ref[{getattr(type_, '__name__', type_)}]]"
                )
            return self._slot(parameter, state, type_)
        return self._argument(parameter, str if hint is Any else hint)

    def _slot(self, parameter: inspect.Parameter, state: State, type_: Any) -> Getter:
        try:
            bound = self._states.bind(state, parameter.name, type_)
        except BindingError as error:
            raise BindingError(f"{_name(self._fn)}: {error}") from error
        known = [slot.state for slot in self.slots]
        index = known.index(bound) if bound in known else len(known)
        if index == len(known):
            self.slots.append(Slot(bound, is_ref(type_)))
        return lambda _turn, states, _arguments: states[index]

    def _argument(self, parameter: inspect.Parameter, type_: Any) -> Getter:
        optional = parameter.default is not parameter.empty
        try:
            self.arguments.append(argument(parameter.name, type_, optional=optional))
        except BindingError:
            raise BindingError(
                f"parameter {parameter.name!r} of {_name(self._fn)} cannot be bound to "
                f"{type_!r}; possible: {_FORMS}"
            ) from None
        index = len(self.arguments) - 1
        return lambda _turn, _states, arguments: arguments[index]


def author_frame() -> types.FrameType | None:
    """Return the innermost frame that is not chatstate's own: where the author's call stands."""
    frame = inspect.currentframe()
    while (
        frame and frame.f_back and frame.f_globals.get("__name__", "").split(".")[0] == "chatstate"
    ):
        frame = frame.f_back
    return frame


def _hints(fn: Callable[..., Any]) -> dict[str, Any]:
    target: Any = inspect.unwrap(fn)
    while isinstance(target, functools.partial):
        target = cast("functools.partial[Any]", target).func
    if not inspect.isroutine(target):
        target = type(target).__call__
    frame = author_frame()
    try:
        return typing.get_type_hints(
            target, localns=dict(frame.f_locals) if frame else None, include_extras=True
        )
    except NameError as error:
        raise BindingError(
            f"{_name(fn)}: an annotation cannot be resolved ({error}); import the name, "
            "or define it before the handler"
        ) from error


def _parameters(fn: Callable[..., Any]) -> list[inspect.Parameter]:
    try:
        parameters = list(inspect.signature(fn).parameters.values())
    except (TypeError, ValueError) as error:
        raise BindingError(f"{fn!r} cannot be a handler: {error}") from error
    for parameter in parameters:
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
            raise BindingError(
                f"parameter {parameter} of {_name(fn)} cannot be bound; name each parameter"
            )
    return parameters


def _state_of(hint: Any) -> State | None:
    if typing.get_origin(hint) is not Annotated:
        return None
    return next((meta for meta in typing.get_args(hint)[1:] if isinstance(meta, State)), None)


def _mode(fn: Callable[..., Any]) -> Mode:
    call = getattr(fn, "__call__", fn)  # noqa: B004 - an object may have an async __call__
    if inspect.iscoroutinefunction(fn) or inspect.iscoroutinefunction(call):
        return "async"
    if inspect.isasyncgenfunction(fn) or inspect.isasyncgenfunction(call):
        return "async_generator"
    if inspect.isgeneratorfunction(fn) or inspect.isgeneratorfunction(call):
        return "generator"
    return "sync"


def _checked_arguments(
    fn: Callable[..., Any], arguments: list[Argument], command: str | None
) -> list[Argument]:
    if command is None and len(arguments) > 1:
        names = ", ".join(repr(argument.name) for argument in arguments)
        raise BindingError(
            f"{_name(fn)}: only one parameter can take the message's text, not {names}; "
            f"annotate the others: {_FORMS}"
        )
    return arguments


def _bind_outputs(
    fn: Callable[..., Any], outputs: Sequence[str | State], binder: _Binder
) -> list[Output | int]:
    free = list(binder.inputs)
    bound: list[Output | int] = []
    for position, given in enumerate(outputs, 1):
        if not isinstance(given, State) and given != "state":
            bound.append(output(given))
            continue
        named = [i for i in free if binder.slots[i].state.state is given]
        if not free:
            raise BindingError(
                f"{_name(fn)}: output {position} is a state, but no input state is left for it"
            )
        index = (named or free)[0]
        free.remove(index)
        bound.append(index)
    return bound


def _first_line(fn: Callable[..., Any]) -> str:
    if isinstance(fn, functools.partial):
        return ""
    return (inspect.getdoc(fn) or "").strip().partition("\n")[0]


def _name(fn: Callable[..., Any]) -> str:
    return f"{getattr(fn, '__name__', type(fn).__name__)}()"


__all__ = ["Handler", "Ref", "Slot", "author_frame"]
