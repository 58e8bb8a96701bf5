"""Functions that stand before a handler, around or behind it, bound by name.

1. Their parameters end in the same getters as those of handlers; see `injected`.
2. A predicate is asked before there is a turn: it gets what the message tells, and resources.
3. What is told of a failed turn gets the error, too.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from operator import attrgetter
from typing import Any

import msgspec

from chatstate.bot.annotations import essence
from chatstate.bot.injected import OF_MESSAGE, OF_TURN, Getter, resource
from chatstate.bot.outgoing import Outgoing
from chatstate.bot.resources import Need, Owner, is_marked, is_resource, need_of
from chatstate.bot.return_types import check_replies
from chatstate.bot.turn import Turn
from chatstate.errors import BindingError
from chatstate.messages import Message
from chatstate.signature import hints, label, mode, parameters, where


class BoundFunction(msgspec.Struct, frozen=True, eq=False):
    """A function that stands before a handler: how to get each parameter, and what it needs."""

    fn: Callable[..., Any]
    is_async: bool
    getters: Sequence[tuple[str, Getter]]
    needs: Sequence[Need]

    def arguments(self, given: Any) -> dict[str, Any]:
        """Return what to pass to the function, by name."""
        return {name: get(given) for name, get in self.getters}


def predicate(fn: Callable[..., Any], *, owner: Owner | None) -> BoundFunction:
    """Return a function that tells whether somebody may use a handler.

    Its parameters are annotated `Message`, `User`, `Chat` or with a resource; one without
    annotation gets the message. Raises `BindingError`.
    """
    if mode(fn) not in ("sync", "async"):
        raise BindingError(f"allow: {label(fn)} is a generator; it must return True or False")
    return _bound(fn, OF_MESSAGE, {}, owner)


def condition(fn: Any) -> BoundFunction:
    """Return a function that tells whether a message is for a handler: what `where=` takes.

    Its parameters are annotated `Message`, `User` or `Chat`; one without annotation gets the
    message. Raises `BindingError`.
    """
    if not callable(fn) or mode(fn) != "sync":
        raise BindingError(
            f"where={fn!r}: use a plain function of the message; it is asked at once, and often"
        )
    bound = _bound(fn, OF_MESSAGE, {}, None)
    if bound.needs:
        raise BindingError(f"where: {label(fn)} cannot have resources; it is asked before a turn")
    return bound


def middleware(fn: Callable[..., Any], *, owner: Owner | None) -> BoundFunction:
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
    check_replies(fn)
    return _bound(fn, OF_TURN, {"call_next": attrgetter("call_next")}, owner)


def error_handler(fn: Callable[..., Any], *, owner: Owner | None) -> BoundFunction:
    """Return a function that is told of a turn that failed: `f(error, turn)`.

    Of its parameters without annotation the first is the error, the second the turn; others are
    annotated `Exception`, `Turn`, `Message`, `User`, `Chat` or with a resource. Raises
    `BindingError`.
    """
    if mode(fn) not in ("sync", "async"):
        raise BindingError(f"on_error: {where(fn)} is a generator; it must return a reply, or None")
    check_replies(fn)
    types = hints(fn)
    bare = [parameter.name for parameter in parameters(fn) if parameter.name not in types]
    if len(bare) > len(_OF_ERROR):
        raise BindingError(
            f"on_error: {where(fn)} gets the error and the turn; annotate the others"
        )
    return _bound(
        fn,
        {**OF_TURN, Exception: _ERROR, BaseException: _ERROR},
        dict(zip(bare, _OF_ERROR, strict=False)),
        owner,
    )


def egress_guard(fn: Callable[..., Any], *, owner: Owner | None) -> BoundFunction:
    """Return a function that sees what leaves: `f(out)`.

    Its first parameter without annotation, and one annotated `Outgoing`, is what leaves; others are
    annotated with a resource. Raises `BindingError`.
    """
    if mode(fn) not in ("sync", "async"):
        raise BindingError(f"egress: {where(fn)} is a generator; it must return what may leave")
    types = hints(fn)
    bare = [parameter.name for parameter in parameters(fn) if parameter.name not in types][:1]
    bound = _bound(fn, {Outgoing: _OUT}, dict.fromkeys(bare, _OUT), owner)
    if all(get is not _OUT for _, get in bound.getters):
        raise BindingError(f"egress: {where(fn)} gets nothing to look at: give it `out: Outgoing`")
    return bound


_OUT: Getter = attrgetter("out")
_ERROR: Getter = attrgetter("error")
_OF_ERROR = (_ERROR, OF_TURN[Turn])


def _bound(
    fn: Callable[..., Any],
    by_type: Mapping[Any, Getter],
    by_name: Mapping[str, Getter],
    owner: Owner | None,
) -> BoundFunction:
    types = hints(fn)
    getters: list[tuple[str, Getter]] = []
    needs: list[Need] = []
    for parameter in parameters(fn):
        if parameter.kind is parameter.POSITIONAL_ONLY:
            raise BindingError(f"parameter {parameter.name!r} of {label(fn)} must have a name")
        hint = types.get(parameter.name, Message)
        getter = by_name.get(parameter.name) or _by_type(by_type, hint)
        if getter is None and parameter.default is parameter.empty:
            need = _need_of(fn, parameter, hint, by_type, owner)
            needs.append(need)
            getter = resource(need)
        if getter:
            getters.append((parameter.name, getter))
    return BoundFunction(fn, mode(fn) == "async", getters, needs)


def _need_of(
    fn: Callable[..., Any],
    parameter: inspect.Parameter,
    hint: Any,
    by_type: Mapping[Any, Getter],
    owner: Owner | None,
) -> Need:
    if not is_resource(hint, owner):
        possible = ", ".join(kind.__name__ for kind in by_type)
        raise BindingError(
            f"parameter {parameter.name!r} of {label(fn)} cannot be {hint!r}; possible: "
            f"{possible}, or a resource, if the bot has a lifespan"
        )
    return need_of(fn, parameter, hint, owner)


def _by_type(by_type: Mapping[Any, Getter], hint: Any) -> Getter | None:
    meant = essence(hint)
    return by_type.get(meant) if isinstance(meant, type) and not is_marked(hint) else None
