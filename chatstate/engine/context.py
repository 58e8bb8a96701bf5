"""The parts of the engine that a turn needs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from chatstate.adapter import Adapter
from chatstate.bot.interface import Interface
from chatstate.bot.resources import Resources
from chatstate.clock import Clock
from chatstate.engine.outbox.buttons import Presses
from chatstate.engine.outbox.rendering import Renderer
from chatstate.engine.outbox.spool import Spool
from chatstate.engine.states.cache import Values
from chatstate.engine.states.expiry import Expiries
from chatstate.engine.threads import HandlerThreads
from chatstate.engine.turns.admission import Entrance
from chatstate.stores.base import Store


@dataclass(frozen=True, slots=True)
class Context:
    """One bot, running. `adapters` are by account; `versions` are never used twice."""

    bot: Interface
    adapters: Mapping[int, Adapter]
    store: Store
    values: Values
    threads: HandlerThreads
    versions: Iterator[int]
    clock: Clock
    presses: Presses
    renderer: Renderer
    spool: Spool
    resources: Resources
    entrance: Entrance
    expiries: Expiries
