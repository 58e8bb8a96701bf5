"""The replies owed to one conversation, as a sender has them in memory."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from chatstate.engine.outbox.outbound import Outbound
from chatstate.engine.runners import Run


class Line(msgspec.Struct, eq=False, gc=False):
    """The replies owed to one conversation. `beyond` those in memory, more are in the outbox."""

    conversation: int
    replies: list[Outbound] = []
    beyond: bool = False
    is_busy: bool = False
    run: Run[Line] | None = None


def hurry(line: Line, replies: Sequence[Outbound]) -> None:
    """Put the first of these replies before what waits, behind others that have no time."""
    first = 1 if line.is_busy else 0  # one may be on its way
    while first < len(line.replies) and line.replies[first].action.best_before is not None:
        first += 1
    line.replies[first:first] = replies[:1]
    line.replies += replies[1:]
