"""A handler's parameters and results, bound once, when it is registered.

Both ways to declare a handler, by annotation and by position, end in the same `Handler`.
"""

from __future__ import annotations

import inspect
import typing
from collections.abc import Callable, Sequence
from typing import Annotated, Any, Literal, NamedTuple, cast

import msgspec

from chatstate.arguments import (
    POSSIBLE,
    Argument,
    argument,
    essence,
    json_value,
    number,
    parse_arguments,
)
from chatstate.errors import BindingError, ReplyError
from chatstate.messages import Chat, Message, Reply, User
from chatstate.replies import Output, output, replies
from chatstate.signature import Mode, first_line, hints, label, mode, parameters
from chatstate.state import ALIAS_NAMES, BoundState, Ref, State, States, is_immutable, is_ref
from chatstate.turn import Turn

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


Overlap = Literal["queue", "interrupt", "merge"]
_OVERLAPS = typing.get_args(Overlap)
TIMEOUT = 300.0


class Slot(NamedTuple):
    """A state of a handler, and whether the handler gets it as a `Ref`."""

    state: BoundState
    by_ref: bool


class Handler:
    """A function of a bot, with what to pass to it and how to read what it returns.

    - `slots` are its states.
    - `overlap`: what an event for it does while another turn of the conversation runs or waits:
      "queue" waits for its turn; "interrupt" ends the running turn without effect; "merge" is
      handled together with what waits beside it, from the same person.
    - `timeout`: seconds after which a turn is given up.

    Raises `BindingError` for what cannot be bound.
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
        overlap: Overlap = "queue",
        timeout: float = TIMEOUT,
    ) -> None:
        if not callable(fn):
            raise BindingError(f"{fn!r} cannot be a handler: it is no function")
        if overlap not in _OVERLAPS:
            raise BindingError(f"overlap={overlap!r}: use one of {', '.join(_OVERLAPS)}")
        if not timeout > 0:
            raise BindingError(f"timeout={timeout!r}: use a number of seconds above 0")
        self.fn = fn
        self.overlap: Overlap = overlap
        self.timeout = timeout
        self.command = command
        self.mode: Mode = mode(fn)
        self.description = description or first_line(fn)
        binder = _Binder(fn, states)
        self._keywords, self._getters = binder.bind(inputs)
        self._has_keywords = any(self._keywords)
        self.slots: tuple[Slot, ...] = tuple(binder.slots)
        self._arguments = _checked_arguments(fn, binder.arguments, command)
        self._outputs = None if outputs is None else _bind_outputs(fn, outputs, binder)
        if self._outputs is not None:
            _refuse_lost_changes(fn, binder, self._outputs)

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
        if not self._has_keywords:
            return [get(turn, states, arguments) for get in self._getters], {}
        positional: list[Any] = []
        named: dict[str, Any] = {}
        for keyword, get in zip(self._keywords, self._getters, strict=True):
            value = get(turn, states, arguments)
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
                states[show] = cast("Ref[Any]", value).value if isinstance(value, Ref) else value
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
                f"{label(self.fn)} returned {count} value{'s'[: count != 1]}, "
                f"its outputs are {len(outputs)}"
            )
        return cast("Sequence[Any]", returned)


class _Binder:
    """Goes through a function's parameters once."""

    def __init__(self, fn: Callable[..., Any], states: States) -> None:
        self._fn = fn
        self._states = states
        self._hints = hints(fn)
        self._parameters = parameters(fn)
        self.slots: list[Slot] = []
        self.inputs: dict[State, int] = {}
        self.arguments: list[Argument] = []

    def bind(self, inputs: Sequence[str | State] | None) -> tuple[list[str | None], list[Getter]]:
        given = None if inputs is None else self._assign(inputs)
        keywords: list[str | None] = []
        getters: list[Getter] = []
        for parameter in self._parameters:
            if given is None or self._is_injected(parameter):
                getters.append(self._annotated(parameter))
            elif parameter.name in given:
                getters.append(self._input(parameter, given[parameter.name]))
            else:
                getters.append(_default_of(parameter))
            keywords.append(parameter.name if parameter.kind is parameter.KEYWORD_ONLY else None)
        return keywords, getters

    def _assign(self, inputs: Sequence[str | State]) -> dict[str, str | State]:
        wanting = [p for p in self._parameters if not self._is_injected(p)]
        needed = [p for p in wanting if p.default is p.empty]
        if not len(needed) <= len(inputs) <= len(wanting):
            raise BindingError(
                f"{label(self._fn)} takes {len(wanting)} inputs "
                f"({', '.join(p.name for p in wanting)}), inputs= has {len(inputs)}"
            )
        texts = [one for one in inputs if isinstance(one, str) and one != "state"]
        if len(texts) > 1:
            raise BindingError(
                f"{label(self._fn)}: one input besides states is possible, not {len(texts)} "
                f"({', '.join(texts)})"
            )
        return {p.name: given for p, given in zip(wanting, inputs, strict=False)}

    def _is_injected(self, parameter: inspect.Parameter) -> bool:
        hint = self._hint(parameter)
        return _injected(hint) is not None or _state_of(hint) is not None

    def _hint(self, parameter: inspect.Parameter) -> Any:
        return self._hints.get(parameter.name, Any)

    def _input(self, parameter: inspect.Parameter, given: str | State) -> Getter:
        if given == "state":
            no_default = parameter.default is parameter.empty
            given = State() if no_default else State(parameter.default)
        if isinstance(given, State):
            self.inputs[given] = index = self._slot(parameter, given, self._hint(parameter))
            return _state_at(index)
        try:
            return _INPUTS[given]
        except (KeyError, TypeError):
            raise BindingError(
                f"parameter {parameter.name!r} of {label(self._fn)}: {given!r} is no input; "
                f"possible: {', '.join(_INPUTS)}, state, State(...)"
            ) from None

    def _annotated(self, parameter: inspect.Parameter) -> Getter:
        hint = self._hint(parameter)
        state = _state_of(hint)
        if state is None:
            getter = _injected(hint)
            return getter or self._argument(parameter, str if hint is Any else hint)
        type_ = _kept_type(hint)
        if is_immutable(type_):
            name = getattr(type_, "__name__", type_)
            form = f"{ALIAS_NAMES[state.scope]}[Ref[{name}]]"
            raise BindingError(
                f"parameter {parameter.name!r} of {label(self._fn)}: a value of type {name} "
                f"cannot change in place; put it in a Ref, as in {form}"
            )
        return _state_at(self._slot(parameter, state, type_))

    def _slot(self, parameter: inspect.Parameter, state: State, type_: Any) -> int:
        try:
            bound = self._states.bind(state, parameter.name, type_)
        except BindingError as error:
            raise BindingError(f"{label(self._fn)}: {error}") from error
        slot = Slot(bound, is_ref(type_))
        if slot not in self.slots:
            if bound in [other.state for other in self.slots]:
                raise BindingError(
                    f"parameter {parameter.name!r} of {label(self._fn)}: state {bound.name!r} "
                    "cannot be both in a Ref and by itself in one handler; use one of them"
                )
            self.slots.append(slot)
        return self.slots.index(slot)

    def _argument(self, parameter: inspect.Parameter, type_: Any) -> Getter:
        optional = parameter.default is not parameter.empty
        try:
            self.arguments.append(argument(parameter.name, type_, optional=optional))
        except BindingError:
            raise BindingError(
                f"parameter {parameter.name!r} of {label(self._fn)} cannot be bound to "
                f"{type_!r}; possible: {_FORMS}"
            ) from None
        index = len(self.arguments) - 1
        return lambda _turn, _states, arguments: (
            arguments[index] if index < len(arguments) else parameter.default
        )


def _state_at(index: int) -> Getter:
    return lambda _turn, states, _arguments: states[index]


def _default_of(parameter: inspect.Parameter) -> Getter:
    return lambda _turn, _states, _arguments: parameter.default


def _injected(hint: Any) -> Getter | None:
    meant = essence(hint)
    return _INJECTED.get(meant) if isinstance(meant, type) else None


def _kept_type(hint: Any) -> Any:
    """Return a state's type from its annotation, with the constraints that msgspec checks."""
    kept, *rest = typing.get_args(hint)
    for constraint in (one for one in rest if isinstance(one, msgspec.Meta)):
        kept = Annotated[kept, constraint]
    return kept


def _state_of(hint: Any) -> State | None:
    if typing.get_origin(hint) is not Annotated:
        return None
    return next((meta for meta in typing.get_args(hint)[1:] if isinstance(meta, State)), None)


def _checked_arguments(
    fn: Callable[..., Any], arguments: list[Argument], command: str | None
) -> list[Argument]:
    if command is None and len(arguments) > 1:
        names = ", ".join(repr(argument.name) for argument in arguments)
        raise BindingError(
            f"{label(fn)}: only one parameter can take the message's text, not {names}; "
            f"annotate the others: {_FORMS}"
        )
    return arguments


def _refuse_lost_changes(
    fn: Callable[..., Any], binder: _Binder, outputs: list[Output | int]
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
    fn: Callable[..., Any], outputs: Sequence[str | State], binder: _Binder
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
        bound.append(inputs.pop(meant) if isinstance(meant, State) else output(meant))
    return bound
