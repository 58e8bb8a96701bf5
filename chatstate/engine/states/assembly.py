"""How what holds the values of a run is put together, downwards, from what it is made from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from chatstate.bot.interface import Interface
from chatstate.clock import Clock
from chatstate.engine.states.cache import StateCache
from chatstate.engine.states.commits import Commits
from chatstate.engine.states.older_runs import OlderRuns
from chatstate.engine.states.volatile import VolatileStates, foreign_keys, volatile_before
from chatstate.scope import Key
from chatstate.stores.base import Store


@dataclass(frozen=True, kw_only=True)
class StateParts:
    """What holds the values of one bot: `volatile` those that are not durable, if any may be.

    `is_foreign` tells which keys other runs may change, if any.
    """

    volatile: VolatileStates | None
    is_foreign: Callable[[Key], bool] | None
    cache: StateCache
    commits: Commits
    older_runs: OlderRuns


def assemble_states(
    bot: Interface,
    *,
    store: Store,
    clock: Clock,
    has_guests: bool,
    failed: Callable[[Exception], None],
) -> StateParts:
    """Return what holds the values of one bot; `failed` is called if the store gives up.

    `has_guests`: of some people nothing is to be stored.
    """
    volatile = volatile_before(store, bot.states, clock, has_guests=has_guests)
    is_foreign = foreign_keys(store, volatile)
    return StateParts(
        volatile=volatile,
        is_foreign=is_foreign,
        cache=StateCache(volatile or store, clock, is_foreign),
        commits=Commits(volatile or store, failed),
        older_runs=OlderRuns(bot, store=store, clock=clock),
    )
