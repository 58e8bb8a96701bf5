"""The parts of the engine that a turn needs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from chatstate.adapter import Adapter
from chatstate.clock import Clock
from chatstate.engine.entrance import Entrance
from chatstate.engine.expiry import Expiries
from chatstate.engine.presses import Presses
from chatstate.engine.rendering import Renderer
from chatstate.engine.spool import Spool
from chatstate.engine.threads import HandlerThreads
from chatstate.engine.values import Values
from chatstate.interface import Interface
from chatstate.resources import Resources
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
