"""Functions that stand before a handler, with what to pass to them: predicates and middleware."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, NamedTuple

import msgspec

from chatstate.bot.arguments import essence
from chatstate.bot.resources import Need, Owner, Resources, is_marked, is_resource, need_of
from chatstate.bot.returns import Answers
from chatstate.bot.turn import Turn
from chatstate.errors import BindingError
from chatstate.messages import Chat, Message, User
from chatstate.signature import hints, label, mode, parameters

CallNext = Callable[[], Awaitable[Answers]]


class Scene(NamedTuple):
    """What there is to pass: the message, the resources, and for middleware the turn."""

    message: Message
    resources: Resources
    turn: Turn | None = None
    call_next: CallNext | None = None


_Getter = Callable[[Scene], Any]
_OF_MESSAGE: Mapping[Any, _Getter] = {
    Message: lambda scene: scene.message,
    User: lambda scene: scene.message.sender,
    Chat: lambda scene: scene.message.chat,
}
_OF_TURN: Mapping[Any, _Getter] = {**_OF_MESSAGE, Turn: lambda scene: scene.turn}


class Call(msgspec.Struct, frozen=True, eq=False):
    """A function, how to get each of its parameters by name, and the resources it needs."""

    fn: Callable[..., Any]
    is_async: bool
    getters: Sequence[tuple[str, _Getter]]
    needs: Sequence[Need]

    def arguments(self, scene: Scene) -> dict[str, Any]:
        """Return what to pass to the function, by name."""
        return {name: get(scene) for name, get in self.getters}


def predicate(fn: Callable[..., Any], *, owner: Owner | None) -> Call:
    """Return a function that tells whether somebody may use a handler.

    Its parameters are annotated `Message`, `User`, `Chat` or with a resource; one without
    annotation gets the message. Raises `BindingError`.
    """
    if mode(fn) not in ("sync", "async"):
        raise BindingError(f"allow: {label(fn)} is a generator; it must return True or False")
    return _call(fn, _OF_MESSAGE, {}, owner=owner)


def middleware(fn: Callable[..., Any], *, owner: Owner | None) -> Call:
    """Return a function that stands around the turns of a bot's handlers.

    Its parameter `call_next` gets what goes on; the others are annotated `Message`, `User`, `Chat`,
    `Turn` or with a resource. Raises `BindingError`.
    """
    if mode(fn) != "async":
        raise BindingError(f"middleware {label(fn)} must be `async def`: it awaits call_next()")
    if "call_next" not in [parameter.name for parameter in parameters(fn)]:
        raise BindingError(
            f"middleware {label(fn)} needs a parameter call_next, as in "
            "async def log(message: Message, call_next)"
        )
    named: Mapping[str, _Getter] = {"call_next": lambda scene: scene.call_next}
    return _call(fn, _OF_TURN, named, owner=owner)


def _call(
    fn: Callable[..., Any],
    by_type: Mapping[Any, _Getter],
    by_name: Mapping[str, _Getter],
    *,
    owner: Owner | None,
) -> Call:
    types = hints(fn)
    getters: list[tuple[str, _Getter]] = []
    needs: list[Need] = []
    for parameter in parameters(fn):
        _refuse_positional(fn, parameter)
        hint = types.get(parameter.name, Message)
        getter = by_name.get(parameter.name) or _by_type(by_type, hint)
        if getter is None and parameter.default is parameter.empty:
            if not is_resource(hint, owner):
                possible = ", ".join(one.__name__ for one in by_type)
                raise BindingError(
                    f"parameter {parameter.name!r} of {label(fn)} cannot be {hint!r}; possible: "
                    f"{possible}, or a resource, if the bot has a lifespan"
                )
            need = need_of(fn, parameter, hint, owner)
            needs.append(need)
            getter = _resource(need)
        if getter:
            getters.append((parameter.name, getter))
    return Call(fn, mode(fn) == "async", getters, needs)


def _refuse_positional(fn: Callable[..., Any], parameter: inspect.Parameter) -> None:
    if parameter.kind is parameter.POSITIONAL_ONLY:
        raise BindingError(f"parameter {parameter.name!r} of {label(fn)} must have a name")


def _by_type(by_type: Mapping[Any, _Getter], hint: Any) -> _Getter | None:
    meant = essence(hint)
    return by_type.get(meant) if isinstance(meant, type) and not is_marked(hint) else None


def _resource(need: Need) -> _Getter:
    return lambda scene: scene.resources[need]
