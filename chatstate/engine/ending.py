"""When an engine has nothing more to do, and how it gives up what it still does."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Collection, Sequence

from chatstate.engine.connections import Connections
from chatstate.engine.parts import Parts

log = logging.getLogger("chatstate.engine")

_CANCEL_SECONDS = 1.0


async def finished(parts: Parts | None) -> None:
    """Return when nothing runs any more, and nothing is owed."""
    while parts:
        if parts.recovery.task:
            await asyncio.wait([parts.recovery.task])
        elif parts.lanes.activity:
            await parts.lanes.activity.over()
        elif parts.commits.task:
            await parts.commits.over()
        elif parts.sender.activity:
            await parts.sender.activity.over()
        else:
            return


async def received(
    connections: Connections,
    first: Collection[asyncio.Future[None]],
    ended: asyncio.Future[None],
) -> None:
    """Return when all adapters have ended, or the engine is told to; raise what ended it.

    That is `ended`, or one of the `first`: the end of an adapter that came later ends nothing.
    """
    over: set[asyncio.Future[None]] = set()
    while receiving := {*connections.tasks} - over:
        done, _ = await asyncio.wait({*receiving, ended}, return_when=asyncio.FIRST_COMPLETED)
        for task in done.intersection((*first, ended)):
            if not task.cancelled():  # as that of an account is which was disconnected
                task.result()
        if ended.done():
            return
        over |= done


async def cancelled(parts: Parts | None, tasks: Sequence[asyncio.Task[None]]) -> None:
    """Cancel tasks, and all that runs; return when it has ended, or after a second.

    What does not end is told of, and left behind.
    """
    ending = list(tasks)
    if parts:
        parts.turns.are_ending = True
        works = (parts.recovery.task, parts.commits.task, parts.typing_notices.task)
        ending += [*parts.overlap.checks, *(task for task in works if task)]
    for task in ending:
        task.cancel()
    running = parts.lanes.cancel_all() if parts else []
    ending += parts.sender.cancel_all() if parts else ()
    if ending or running:
        _, stubborn = await asyncio.wait([*ending, *running], timeout=_CANCEL_SECONDS)
        names = [repr(task) for task in stubborn.difference(running)]
        names += parts.turns.unended if parts else ()
        for name in names:
            log.warning("%s does not end when it is cancelled; let CancelledError pass", name)


async def settled(parts: Parts, seconds: float) -> None:
    """Return when all that is due has expired and is told, or after so many seconds. For tests.

    And when what others have answered has come to who asked. Each of what keeps it gets as many: a
    turn that waits, a platform that does not answer.
    """
    is_timed = parts.expiries.are_possible or await parts.timers.when_next() is not None
    if is_timed and parts.recovery.task:  # until it is over nothing expires, or fires
        await asyncio.wait([parts.recovery.task], timeout=seconds)
    await parts.timers.settle(seconds)
    if parts.expiries.are_possible:
        await parts.expiries.settle(seconds)
    await parts.approvals.settle(seconds)
    if parts.expiries.are_possible or parts.timers.have_fired:
        sending = asyncio.ensure_future(parts.sender.activity.over())
        await asyncio.wait([sending], timeout=seconds)
        sending.cancel()
