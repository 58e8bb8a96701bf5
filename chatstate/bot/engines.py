"""Which engines run a bot at this moment, for what is asked of a bot from outside its turns.

1. An engine says when it begins to run a bot, and when it ends; a bot keeps nothing of that itself.
2. Inside a turn nothing is asked of an engine: the turn may run again, and would ask again. That
   holds for the tasks and threads a handler starts, too.
"""

from __future__ import annotations

import contextvars
from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol
from weakref import WeakKeyDictionary

from chatstate.errors import StateError

if TYPE_CHECKING:
    from chatstate.adapter import Adapter
    from chatstate.bot.interface import Interface


class RunningBot(Protocol):
    """What can be asked of an engine. `accounts` are the names of those connected to it."""

    @property
    def accounts(self) -> Sequence[str]: ...

    async def connect(self, adapter: Adapter, tenant: str = "") -> None: ...

    async def disconnect(self, account: str, *, owed: str = "send") -> None: ...


inside_turn: contextvars.ContextVar[bool] = contextvars.ContextVar("inside_turn", default=False)
_running: WeakKeyDictionary[Interface, list[RunningBot]] = WeakKeyDictionary()


def began(bot: Interface, engine: RunningBot) -> None:
    """Note that an engine runs a bot from now on."""
    _running.setdefault(bot, []).append(engine)


def ended(bot: Interface, engine: RunningBot) -> None:
    """Note that it does not any more. To say so twice is harmless."""
    engines = _running.get(bot, [])
    if engine in engines:
        engines.remove(engine)


def engine_of(bot: Interface, verb: str, *, instead: str, account: str | None = None) -> RunningBot:
    """Return the engine that runs `bot`, on an account if one is named.

    Raises `StateError` if there is none, if there are several, and inside a turn: `instead` says
    what to do there.
    """
    if inside_turn.get():
        raise StateError(
            f"bot.{verb}() was called inside a turn, which may run again and would do it again; "
            f"{instead}"
        )
    engines = _running.get(bot, [])
    if account is not None:
        engines = [engine for engine in engines if account in engine.accounts] or engines
    if len(engines) == 1:
        return engines[0]
    if not engines:
        raise StateError(f"bot.{verb}(): bot {bot.id!r} does not run, or does not any more")
    raise StateError(
        f"bot.{verb}(): {len(engines)} engines run bot {bot.id!r}; name an account that only one "
        'of them has, as in account="telegram:123"'
    )
