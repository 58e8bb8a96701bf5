"""Where a process ends itself as SIGKILL ends one: at points that are wrapped around the parts.

1. The engine has no hooks for that: methods are replaced by what ends before or after them.
2. A fuse tells whether its process is to end here; it is asked each time a point is reached.
3. Points of the store, in the order of a turn: "storing" within the transaction that stores an
   event, "before commit", "committing" within that of the commit, "committed", and "sent" when a
   reply is to be noted as sent. A timer's turn has "firing", "fired", "ring committing" and "ring
   committed" besides.
"""

import functools
import inspect
import os
import signal
from collections.abc import Callable, Sequence
from typing import Any

from chatstate.engine.timers import Timers as EngineTimers
from chatstate.stores.base import TurnCommit
from chatstate.stores.sqlite import SQLiteStore
from chatstate.stores.sqlite.inbox import Inbox
from chatstate.stores.sqlite.timers import Timers
from chatstate.stores.sqlite.turns import Turns


def always(*_: Any) -> bool:
    return True


class Fuse:
    """Ends this process at the points that `is_lit` says."""

    def __init__(self, is_lit: Callable[[str], bool]) -> None:
        self._is_lit = is_lit

    def die_at(self, point: str) -> None:
        """Be killed, if this is the point."""
        if point and self._is_lit(point):
            os.kill(os.getpid(), signal.SIGKILL)

    def around(
        self,
        kind: type,
        method: str,
        before: str = "",
        after: str = "",
        *,
        where: Callable[..., bool] = always,
    ) -> None:
        """Let a method of a class be preceded and followed by points, where `where` says so."""
        made = getattr(kind, method)

        @functools.wraps(made)
        def passed(*given: Any, **named: Any) -> Any:
            if not where(*given):
                return made(*given, **named)
            self.die_at(before)
            result = made(*given, **named)
            self.die_at(after)
            return result

        @functools.wraps(made)
        async def awaited(*given: Any, **named: Any) -> Any:
            if not where(*given):
                return await made(*given, **named)
            self.die_at(before)
            result = await made(*given, **named)
            self.die_at(after)
            return result

        setattr(kind, method, awaited if inspect.iscoroutinefunction(made) else passed)

    def around_the_store(self) -> None:
        """Let the transactions of a SQLite store be followed by points."""
        self.around(Inbox, "ingest", after="storing")
        self.around(Turns, "commit", after="committing")
        self.around(SQLiteStore, "commit", before="before commit", after="committed")
        self.around(SQLiteStore, "settle", before="sent")
        self.around(Timers, "fire", after="firing")
        self.around(EngineTimers, "_add", before="fired")
        self.around(Turns, "commit", after="ring committing", where=_some_end_timers)
        self.around(SQLiteStore, "commit", after="ring committed", where=_ends_timers)
        self.around(SQLiteStore, "ask", before="asking", after="asked")
        self.around(SQLiteStore, "take_up", after="taken up")


def _ends_timers(_: Any, turns: Sequence[TurnCommit]) -> bool:
    """Tell whether turns are committed that end a timer."""
    return any(change.expected for turn in turns for change in turn.timers)


def _some_end_timers(_: Any, works: Sequence[Sequence[TurnCommit]]) -> bool:
    return any(_ends_timers(None, work) for work in works)
