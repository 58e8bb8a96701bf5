"""An author's function: its parameters, bound once, when it is registered.

1. All ways to declare a parameter (by annotation, by position, by name) end in the same getters.
2. What cannot be bound is a `BindingError` that names the parameter and says what is possible.
"""

from __future__ import annotations

import contextlib
import inspect
from collections.abc import Callable, Generator, Mapping, Sequence
from typing import Any, NamedTuple

from chatstate.bot.annotations import essence, named
from chatstate.bot.arguments import ARGUMENTS, Argument, argument
from chatstate.bot.forms import Field, label_of
from chatstate.bot.injected import (
    FILES,
    INJECTED,
    PROGRESS,
    Getter,
    Named,
    answer_at,
    argument_at,
    default_of,
    file_or,
    only_answer,
    resource,
    said,
    state_at,
    whole_text,
)
from chatstate.bot.kinds import Kind, input_of
from chatstate.bot.reading import UnreadableError
from chatstate.bot.resources import Need, Owner, is_marked, need_of
from chatstate.bot.return_types import check_replies
from chatstate.bot.state_parameters import (
    default_of_state,
    kept_type,
    refuse_guesses,
    state_of,
)
from chatstate.bot.timers import Datum, datum, is_data
from chatstate.bot.turn import Turn
from chatstate.errors import BindingError
from chatstate.files import File
from chatstate.messages import Message
from chatstate.progress import Progress
from chatstate.signature import hints, label, parameters
from chatstate.state.bound import BoundState, States
from chatstate.state.declaration import State, is_ref

NO_NAMES: Mapping[str, Named] = {}
FORMS = (
    "Message, User, Chat, Turn, Clock, Progress, File, list[File], a state (PerMember[T] and its "
    "kin), a resource (if the bot has a lifespan, or Resource[T]), or what text can give: "
    f"{ARGUMENTS}"
)


class Slot(NamedTuple):
    """A state of a handler, and whether the handler gets it as a `Ref`."""

    state: BoundState
    by_ref: bool


class Binder:
    """Goes through a function's parameters once: what each gets, and what all of them need."""

    def __init__(
        self,
        fn: Callable[..., Any],
        states: States,
        kept: Sequence[State],
        owner: Owner | None,
        *,
        is_command: bool,
        groups: Sequence[str] = (),
        names: Mapping[str, Named] = NO_NAMES,
        of_timer: bool = False,
    ) -> None:
        self._fn = fn
        self._names = names
        self._of_timer = of_timer
        self._groups = groups
        self._is_command = is_command
        self._states = states
        self._owner = owner
        self.needs: list[Need] = []
        self._opened: list[inspect.Parameter] = []
        self._hints = hints(fn)
        self._parameters: Sequence[inspect.Parameter] = ()
        self.slots = [
            Slot(states.bind(state, str(state.name), Any), by_ref=False) for state in kept
        ]
        self.inputs: dict[State, int] = {}
        self.arguments: list[Argument] = []
        self.found: list[Argument] = []
        self.fields: list[Field] = []
        self.data: list[Datum] = []
        self.asks_several = False
        self.wants_files = False
        self.wants_progress = False
        self.wants_turn = False
        self.hears_text = False
        self._sees_message = False

    @property
    def sees_files(self) -> bool:
        """Whether anything that the function gets tells of files that came with a message."""
        return self._sees_message or self.wants_files or self.asks_several

    def bind(
        self, inputs: Sequence[str | Kind | State | Getter] | None
    ) -> tuple[list[str | None], list[Getter]]:
        """Return, for each parameter, its name if it is keyword-only, and what gets its value."""
        if inputs is None:
            self._parameters = parameters(self._fn)
        else:
            self._parameters = by_position(self._fn, len(inputs))
        given = None if inputs is None else self._assign(inputs)
        keywords: list[str | None] = []
        getters: list[Getter] = []
        for parameter in self._parameters:
            with self._naming(parameter):
                refuse_guesses(parameter, self._hint(parameter))
            if given is None or self._is_injected(parameter):
                getters.append(self._annotated(parameter))
            elif parameter.name in given:
                getters.append(self._input(parameter, given[parameter.name]))
            else:
                getters.append(default_of(parameter))
            self.wants_progress |= getters[-1] is PROGRESS
            self.wants_turn |= getters[-1] is INJECTED[Turn]
            self.hears_text |= getters[-1] is whole_text
            self._sees_message |= getters[-1] in (INJECTED[Message], INJECTED[Turn])
            keywords.append(parameter.name if parameter.kind is parameter.KEYWORD_ONLY else None)
        self._refuse_groups_of_nobody()
        return keywords, getters

    def _refuse_groups_of_nobody(self) -> None:
        bound = [found.name for found in self.found]
        for name in self._groups:
            if name not in bound:
                raise BindingError(
                    f"text= has a group {name!r}, and {label(self._fn)} no parameter of that name "
                    "that takes text"
                )

    def _assign(
        self, inputs: Sequence[str | Kind | State | Getter]
    ) -> dict[str, str | Kind | State | Getter]:
        wanting = [p for p in self._parameters if not self._is_injected(p)]
        needed = [p for p in wanting if p.default is p.empty]
        surplus = opened(needed, self._hints, self._owner)[len(inputs) - len(needed) :]
        if len(needed) > len(inputs) and surplus:
            self._opened = surplus
            return self._assign(inputs)
        if not len(needed) <= len(inputs) <= len(wanting):
            raise BindingError(
                f"{label(self._fn)} takes {len(wanting)} inputs "
                f"({', '.join(p.name for p in wanting)}), inputs= has {len(inputs)}"
            )
        asked = [kind for kind in inputs if isinstance(kind, str | Kind) and kind != "state"]
        self.asks_several = len(asked) > 1
        return {p.name: given for p, given in zip(wanting, inputs, strict=False)}

    def _is_injected(self, parameter: inspect.Parameter) -> bool:
        """Tell so of a parameter beside `inputs=`."""
        return parameter in self._opened or not _is_filled(parameter, self._hint(parameter))

    @contextlib.contextmanager
    def _naming(self, parameter: inspect.Parameter) -> Generator[None]:
        """Name the parameter in what is wrong with it."""
        try:
            yield
        except BindingError as error:
            raise BindingError(
                f"parameter {parameter.name!r} of {label(self._fn)}: {error}"
            ) from None

    def _hint(self, parameter: inspect.Parameter) -> Any:
        return self._hints.get(parameter.name, Any)

    def _input(self, parameter: inspect.Parameter, given: str | Kind | State | Getter) -> Getter:
        if given == "state":
            given = State()
        if isinstance(given, State):
            self.inputs[given] = index = self._slot(parameter, given, self._hint(parameter))
            return state_at(index)
        if callable(given):
            return given
        with self._naming(parameter):
            wanted = input_of(given, self._hint(parameter))
        self.fields.append(Field(wanted.label or label_of(parameter.name), wanted))
        if self.asks_several:
            return answer_at(len(self.fields) - 1)
        self.wants_files |= wanted.wants_files
        return only_answer(wanted)

    def _annotated(self, parameter: inspect.Parameter) -> Getter:
        hint = self._hint(parameter)
        by_name = self._names.get(parameter.name)
        if by_name and hint in (Any, by_name.type):
            return by_name.get
        state = state_of(hint)
        if is_marked(hint):
            return self._opened_by(parameter, hint)
        if state is None:
            getter = _injected(hint, parameter.default)
            self.wants_files |= getter in FILES.values()
            if getter is FILES[File] and parameter.default is not parameter.empty:
                return file_or(parameter.default)
            if getter is None and self._of_timer and is_data(hint, self._owner):
                with self._naming(parameter):
                    self.data.append(datum(parameter, hint))
                return self.data[-1].get
            return getter or self._argument(parameter, str if hint is Any else hint)
        with self._naming(parameter):
            type_ = kept_type(state, parameter, hint)
        return state_at(self._slot(parameter, state, type_))

    def _slot(self, parameter: inspect.Parameter, state: State, type_: Any) -> int:
        default = default_of_state(state, parameter)
        try:
            bound = self._states.bind(state, parameter.name, type_, default)
        except BindingError as error:
            raise BindingError(f"{label(self._fn)}: {error}") from error
        if bound.lifecycle.on_expire:
            check_replies(bound.lifecycle.on_expire)
        return self._add_slot(bound, type_, parameter.name)

    def _add_slot(self, bound: BoundState, type_: Any, parameter: str = "") -> int:
        slot = Slot(bound, is_ref(type_))
        if slot not in self.slots:
            if bound in [other.state for other in self.slots]:
                raise BindingError(
                    f"parameter {parameter!r} of {label(self._fn)}: state {bound.name!r} "
                    "cannot be both in a Ref and by itself in one handler; use one of them"
                )
            self.slots.append(slot)
        return self.slots.index(slot)

    def _argument(self, parameter: inspect.Parameter, type_: Any) -> Getter:
        optional = parameter.default is not parameter.empty
        taken = self.found if parameter.name in self._groups else self.arguments
        try:
            taken.append(argument(parameter.name, type_, optional=optional))
        except UnreadableError:
            if self._owner is not None and self._owner.lifespan is not None:
                return self._opened_by(parameter, type_)
            whose = f"; say whose it is, as in PerUser[{named(type_)}]" if is_ref(type_) else ""
            raise BindingError(
                f"parameter {parameter.name!r} of {label(self._fn)} cannot be bound to "
                f"{named(type_)}{whose}; possible: {FORMS}"
            ) from None
        except BindingError as error:
            raise BindingError(f"{label(self._fn)}: {error}") from error
        if taken[-1].complete and not self._is_command:
            raise BindingError(
                f"parameter {parameter.name!r} of {label(self._fn)}: only arguments of commands "
                "are completed"
            )
        if self._names:
            raise BindingError(_not_named(parameter, self._names, label(self._fn)))
        if self._is_command or taken is self.found:
            return argument_at(len(taken) - 1, parameter.default if optional else None)
        return said(self.arguments[-1], parameter.default)

    def _opened_by(self, parameter: inspect.Parameter, hint: Any) -> Getter:
        need = need_of(self._fn, parameter, hint, self._owner)
        self.needs.append(need)
        return resource(need)


def opened(
    asked: Sequence[inspect.Parameter], types: Mapping[str, Any], owner: Owner | None
) -> list[inspect.Parameter]:
    """Return those of `asked` that a lifespan of `owner` may be meant to fill: by their class."""
    if owner is None or owner.lifespan is None:
        return []
    hints = [(p, essence(types.get(p.name, Any))) for p in asked]
    return [p for p, hint in hints if isinstance(hint, type) and _is_opaque(hint)]


def _is_opaque(type_: type[Any]) -> bool:
    """Tell whether it is a class of somebody's that no text can give."""
    if type_.__module__ == "builtins" or type_ is Any:  # which is a class, from Python 3.11 on
        return False
    try:
        argument("", type_, optional=False)
    except UnreadableError:
        return True
    return False


def _not_named(parameter: inspect.Parameter, names: Mapping[str, Named], fn: str) -> str:
    """Return what is wrong with a parameter that takes text where there is none."""
    known = names.get(parameter.name)
    if known:
        return f"parameter {parameter.name!r} of {fn} gets {named(known.type)}: annotate it so"
    return (
        f"parameter {parameter.name!r} of {fn} would take a text, and there is none; by name "
        f"there are {', '.join(names)}, and by annotation Message, User, Chat, Turn, Clock, "
        "a state or a resource"
    )


def by_position(fn: Callable[..., Any], count: int) -> list[inspect.Parameter]:
    """Return the parameters of `fn`, of `*args` as many as `count` inputs need."""
    types = hints(fn)
    named = [p for p in parameters(fn, rest=0) if p.kind is not p.KEYWORD_ONLY]
    filled = [p for p in named if _is_filled(p, types.get(p.name, Any))]
    return parameters(fn, rest=max(count - len(filled), 0))


def asked_parameters(fn: Callable[..., Any], count: int) -> list[inspect.Parameter]:
    """Return those that a person fills by `count` inputs, not those that are injected."""
    types = hints(fn)
    return [p for p in by_position(fn, count) if not is_injected(p, types.get(p.name, Any))]


def _is_filled(parameter: inspect.Parameter, hint: Any) -> bool:
    """Tell whether an input fills a parameter, among which a `File` is one."""
    return hint is File or not is_injected(parameter, hint)


def is_injected(parameter: inspect.Parameter, hint: Any) -> bool:
    """Tell whether a parameter gets something by its annotation: `User`, a state and the like."""
    return is_marked(hint) or bool(_injected(hint, parameter.default) or state_of(hint))


def _injected(hint: Any, default: Any) -> Getter | None:
    if isinstance(default, Progress):
        return PROGRESS
    meant = essence(hint)
    for form, getter in FILES.items():
        if form in (hint, meant):
            return getter
    return INJECTED.get(meant) if isinstance(meant, type) else None
