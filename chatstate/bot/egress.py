"""How guards of what leaves are registered: `@bot.egress`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar, cast, overload

import msgspec

from chatstate.bot.functions import BoundFunction, egress_guard
from chatstate.bot.resources import Owner
from chatstate.errors import BindingError

F = TypeVar("F", bound=Callable[..., Any])
_SECONDS = 10.0


class EgressGuard(msgspec.Struct, frozen=True, eq=False):
    """A function that sees what leaves; `previews`: also what is being written.

    Each time it may take `timeout` seconds.
    """

    function: BoundFunction
    previews: bool
    timeout: float


class EgressSet:
    """Something that guards of what leaves can be registered with, unless `refuse_late` raises."""

    def __init__(self, refuse_late: Callable[[], None]) -> None:
        self.egress_guards: list[EgressGuard] = []
        self._refuse_late = refuse_late

    @overload
    def egress(self, fn: F, /) -> F: ...
    @overload
    def egress(
        self, /, *, previews: bool = False, timeout: float = _SECONDS
    ) -> Callable[[F], F]: ...
    def egress(
        self,
        fn: F | None = None,
        /,
        *,
        previews: bool = False,
        timeout: float = _SECONDS,
    ) -> F | Callable[[F], F]:
        """Register a function that sees all that leaves the bot, before it does.

        `def no_keys(out: Outgoing) -> Outgoing | None`, sync or async: it returns what may leave,
        `out` as it is or with other pieces (`out.map`); None stops it. It is asked before the
        turn is committed, and once more before what waited in the outbox, or was not sent at the
        first try, leaves: so it must let its own work pass. What it stops, or fails at, fails the
        turn that says it.

        - `previews`: it also wants to see what is still being written, again and again. Else
          nothing is shown in advance as long as the bot has this guard.
        - `timeout`: the seconds it may take.

        Other parameters are annotated with a resource. Of several each gets what those before it
        have left, in the order of registration; those of a bot that is included guard the whole.
        Raises `BindingError`.
        """
        seconds = _checked(timeout)

        def register(fn: F) -> F:
            if not callable(fn):
                raise BindingError(f"egress: {fn!r} is no function of what leaves")
            self._refuse_late()
            function = egress_guard(fn, owner=cast("Owner", self))
            self.egress_guards.append(EgressGuard(function, previews, seconds))
            return fn

        return register if fn is None else register(fn)


def _checked(timeout: Any) -> float:
    if isinstance(timeout, bool) or not isinstance(timeout, int | float) or not timeout > 0:
        raise BindingError(f"egress: timeout={timeout!r}: use seconds above 0")
    return float(timeout)


def guards_of(parts: Sequence[EgressSet]) -> list[EgressGuard]:
    """Return the guards of a bot and of those it includes, in the order in which they are asked."""
    return [guard for part in parts for guard in part.egress_guards]
