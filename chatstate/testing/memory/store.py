"""`MemoryStore`: the eight protocols of a store on dicts."""

from __future__ import annotations

from chatstate.testing.memory.broadcasts import MemoryBroadcasts
from chatstate.testing.memory.control import MemoryControl
from chatstate.testing.memory.forgetting import MemoryForgetting
from chatstate.testing.memory.outbox import MemoryOutbox
from chatstate.testing.memory.states import MemoryStates
from chatstate.testing.memory.timers import MemoryTimers
from chatstate.testing.memory.transcripts import MemoryTranscripts
from chatstate.testing.memory.turns import MemoryTurns


class MemoryStore(
    MemoryControl,
    MemoryTurns,
    MemoryStates,
    MemoryTimers,
    MemoryOutbox,
    MemoryBroadcasts,
    MemoryTranscripts,
    MemoryForgetting,
):
    """A store on dicts, for tests of what several runs (workers) do to each other.

    Those that are made with the same `MemoryData()` are runs on the same data, each from its `open`
    to its `end`. One that is never ended was killed; one that is `stall`ed stands still. Both are
    dead after `lease` seconds by `clock`, once another run claims, beats or leads.

    `waiting_limit` and `overflow` are those of `SQLiteStore`.
    """
