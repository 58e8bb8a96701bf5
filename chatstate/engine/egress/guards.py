"""An author's guards, asked one after the other.

1. They fail closed: what a guard raises, returns by mistake or takes too long for is as if it had
   stopped what it was to look at.
2. What is told of that names the guard and where it was raised, and nothing that it was given: not
   what it raised says either, since that may hold it.
"""

from __future__ import annotations

import asyncio
import functools
import inspect
import logging
from collections.abc import Callable, Sequence
from typing import Any, Literal, NamedTuple, cast

from chatstate.bot.egress import EgressGuard
from chatstate.bot.outgoing import Outgoing, Verdict
from chatstate.bot.resources import Resources
from chatstate.engine.threads import HandlerThreads
from chatstate.errors import EgressError
from chatstate.signature import where

log = logging.getLogger("chatstate.egress")

_KINDS = {
    "message": "a message",
    "edit": "an edit",
    "preview": "a preview",
    "call": "a call by the platform's own name",
    "reaction": "a reaction",
    "form": "a form",
    "choices": "what may be typed",
    "menu": "an entry of a menu",
    "stored": "a reply that was stored before",
}


class _Given(NamedTuple):
    """What a guard may get."""

    out: Outgoing
    resources: Resources


class Guards:
    """The guards of one bot. `tell` is told whenever one of them lets something not just leave."""

    def __init__(
        self,
        guards: Sequence[EgressGuard],
        *,
        resources: Resources,
        threads: HandlerThreads,
        tell: Callable[[Verdict], None],
    ) -> None:
        self._guards = guards
        self._resources = resources
        self._threads = threads
        self._tell = tell

    @property
    def want_previews(self) -> bool:
        """Whether what is being written may be shown: each of them looks at that, too."""
        return all(guard.previews for guard in self._guards)

    async def passed(self, out: Outgoing) -> Outgoing:
        """Return what may leave of something. Raises `EgressError` if that is nothing."""
        for guard in self._guards:
            out = await self._ask(guard, out)
        return out

    async def _ask(self, guard: EgressGuard, out: Outgoing) -> Outgoing:
        asking = asyncio.ensure_future(self._outcome(guard, out))
        try:
            await asyncio.wait([asking], timeout=guard.timeout)
        finally:
            asking.cancel()
        kept, failure = asking.result() if asking.done() else (None, TimeoutError())
        if failure is not None:
            raise self._failed(guard, out, failure)
        if kept is None:
            raise self._stopped(guard, out)
        if kept != out:
            self._note(guard, "changed", out)
        return kept

    async def _outcome(
        self, guard: EgressGuard, out: Outgoing
    ) -> tuple[Outgoing | None, BaseException | None]:
        """Return what a guard lets leave, or what it raised: in a task of its own.

        So it can be left behind, and whatever it raises is not the turn's.
        """
        try:
            return _checked(await self._call(guard, out), out), None
        except BaseException as error:  # noqa: BLE001 - an author's code may raise anything
            return None, error

    async def _call(self, guard: EgressGuard, out: Outgoing) -> Any:
        function = guard.function
        arguments = function.arguments(_Given(out, self._resources))
        call = functools.partial(function.fn, **arguments)
        returned = call() if function.is_async else await self._threads.run(call)
        return await returned if inspect.isawaitable(returned) else returned

    def _stopped(self, guard: EgressGuard, out: Outgoing) -> EgressError:
        self._note(guard, "stopped", out)
        who = where(guard.function.fn)
        return EgressError(f"the egress guard {who} stopped {_KINDS[out.kind]}", is_stopped=True)

    def _failed(self, guard: EgressGuard, out: Outgoing, error: BaseException) -> EgressError:
        self._note(guard, "failed", out)
        how = f"raised {type(error).__name__}"
        if isinstance(error, _NoVerdictError):
            how = str(error)
        elif isinstance(error, TimeoutError):
            how = f"raised TimeoutError, or took more than {guard.timeout:g} s"
        who, what = where(guard.function.fn), _KINDS[out.kind]
        told = EgressError(f"the egress guard {who} {how}, so {what} did not leave")
        return told.with_traceback(error.__traceback__)

    def _note(
        self, guard: EgressGuard, outcome: Literal["changed", "stopped", "failed"], out: Outgoing
    ) -> None:
        self._tell(Verdict(where(guard.function.fn), outcome, out))


class _NoVerdictError(TypeError):
    """A guard has returned what is no verdict; the text says what that is."""


def _checked(returned: Any, out: Outgoing) -> Outgoing | None:
    """Return what a guard has returned. Raises `_NoVerdictError`."""
    if returned is None or returned is out:
        return cast("Outgoing | None", returned)
    if not isinstance(returned, Outgoing):
        kind = type(returned).__name__
        raise _NoVerdictError(f"returned {kind}, and not what may leave, or None")
    kinds = [piece.kind for piece in returned.pieces]
    if kinds != [piece.kind for piece in out.pieces]:
        raise _NoVerdictError("returned other pieces than it was given, in number or in kind")
    if not all(isinstance(piece.text, str) for piece in returned.pieces):
        raise _NoVerdictError("returned a piece whose text is none")
    return returned
