"""What an engine looks after again and again, while it runs."""

from __future__ import annotations

from collections.abc import Iterator

from chatstate.clock import Clock
from chatstate.engine.parts import Parts
from chatstate.stores.base import Store

_LOOK_EVERY = 1.0
_PRUNE_EVERY = 60.0


async def go_round(parts: Parts, *, store: Store, clock: Clock, versions: Iterator[int]) -> None:
    """Look now and then for the store, turns that take too long, requests, what is due, old rows.

    Never returns; raises what makes it impossible to go on.
    """
    now = clock.monotonic
    prune_at = now() + _PRUNE_EVERY
    while True:
        looked_at = now()
        await store.check()
        parts.fences.end_late()
        with parts.lanes.expecting():
            for answer in await store.answer(versions):
                parts.claims.changed(answer)
        parts.outside.look()
        await parts.forgetting.look()
        if now() >= prune_at:
            await store.prune()
            prune_at = now() + _PRUNE_EVERY
        await parts.roles.lead_clocks()
        more = await parts.expiries.look()
        more |= await parts.timers.look()
        await look_at_runs(parts)
        await parts.claims.look()
        pause = looked_at + _LOOK_EVERY - now()  # all of this takes time, too
        await clock.sleep(0 if more else max(pause, 0))


async def look_at_runs(parts: Parts) -> None:
    """Look which older runs live, and what they ask."""
    await parts.older_runs.look()
    parts.answering.are_possible |= parts.older_runs.ask
