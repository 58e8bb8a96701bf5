"""Which engines run a bot at this moment, for what is asked of a bot from outside its turns.

1. An engine says when it begins to run a bot, with those that it includes, and when it ends; a bot
   keeps nothing of that itself.
2. Inside a turn nothing is asked of an engine: the turn may run again, and would ask again. That
   holds for the tasks and threads a handler starts, too, until the turn is over.
"""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol
from weakref import WeakKeyDictionary

from chatstate.errors import StateError

if TYPE_CHECKING:
    from chatstate.adapter import Adapter
    from chatstate.bot.interface import Interface
    from chatstate.bot.registration import Registration
    from chatstate.bot.sending import Announcement, BroadcastReceipt, SendReceipt
    from chatstate.messages import Target


class Where(NamedTuple):
    """Which turn something is in, and where that happens: the store's own numbers."""

    account: int
    conversation: int
    turn: int


class UnderWay(Protocol):
    """A turn, as far as it matters here."""

    is_over: bool

    @property
    def where(self) -> Where: ...


class RunningBot(Protocol):
    """What can be asked of an engine, in its `loop`.

    `accounts` are the names of those connected to it.
    """

    loop: asyncio.AbstractEventLoop

    @property
    def is_open(self) -> bool:
        """Whether it receives; one whose lifespans are being opened can be given to send only."""
        ...

    @property
    def accounts(self) -> Sequence[str]: ...

    async def send(
        self, to: Target, reply: Any, account: str | None, key: str | None
    ) -> SendReceipt: ...

    async def broadcast(self, wanted: Announcement) -> BroadcastReceipt: ...

    async def connect(self, adapter: Adapter, tenant: str = "") -> None: ...

    async def disconnect(self, account: str, *, owed: str = "send") -> None: ...


inside_turn: contextvars.ContextVar[UnderWay | None] = contextvars.ContextVar(
    "inside_turn", default=None
)
"""The turn in which something is called; it may be over by now."""
_running: WeakKeyDictionary[Registration, list[RunningBot]] = WeakKeyDictionary()


def began(bot: Interface, engine: RunningBot) -> None:
    """Note that an engine runs a bot from now on."""
    for part in bot.parts:
        _running.setdefault(part, []).append(engine)


def ended(bot: Interface, engine: RunningBot) -> None:
    """Note that it does not any more. To say so twice is harmless."""
    for part in bot.parts:
        engines = _running.get(part, [])
        if engine in engines:
            engines.remove(engine)


def engine_of(bot: Interface, verb: str, *, instead: str, account: str | None = None) -> RunningBot:
    """Return the engine that runs `bot`, on an account if one is named.

    Raises `StateError` if there is none, if there are several, and inside a turn: `instead` says
    what to do there.
    """
    turn = inside_turn.get()
    if turn and not turn.is_over:
        raise StateError(
            f"bot.{verb}() was called inside a turn, which may run again and would do it again; "
            f"{instead}"
        )
    engines = [engine for engine in _running.get(bot, []) if verb == "send" or engine.is_open]
    if account is not None:
        engines = [engine for engine in engines if _runs_on(engine, account)] or engines
    if len(engines) == 1:
        return engines[0]
    if not engines:
        raise StateError(f"bot.{verb}(): bot {bot.id!r} does not run, or does not any more")
    raise StateError(
        f"bot.{verb}(): {len(engines)} engines run bot {bot.id!r}; name an account that only one "
        'of them has, as in account="telegram:123"'
    )


def _runs_on(engine: RunningBot, account: str) -> bool:
    return any(account in (name, name.partition(":")[0]) for name in engine.accounts)
