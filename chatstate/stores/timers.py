"""What a store keeps of timers, as frozen data.

1. There is one timer for each conversation, person (0 for nobody) and key.
2. `generation` is new each time it is set (from `Run.versions`): so what it was before can be told
   from what it is now.
3. Its event does not end it: the turn of the event does, in its commit. Until then it has fired,
   and does not fire again.
"""

from __future__ import annotations

import msgspec


class StoredTimer(msgspec.Struct, frozen=True, gc=False):
    """A timer of a person (0 for nobody) in a conversation. Past `due_at` it fires.

    `handler` is what its event is for, "" for none. `text` is JSON, what its event tells; `slot`
    is what its time is called by whoever has set it. `language` is its person's. `fired` is the
    number of its event, 0 while it has none.
    """

    conversation: int
    person: int
    key: str
    generation: int
    due_at: float
    handler: str
    text: str
    slot: str = ""
    language: str | None = None
    fired: int = 0


class TimerChange(msgspec.Struct, frozen=True, gc=False):
    """What a turn does to the timer of a person under a key, in its own conversation.

    It is set to `timer`, in place of any that is there; if that is None it is cancelled. If a
    generation is `expected` and not there any more, the turn is a conflict.
    """

    person: int
    key: str
    timer: StoredTimer | None = None
    expected: int = 0


class Fired(msgspec.Struct, frozen=True, gc=False):
    """What a timer was that has fired: `raw` of its event's message holds this.

    `is_blocked`: its chat took nothing from the bot any more by then.
    """

    generation: int
    due_at: float
    handler: str
    text: str
    slot: str = ""
    is_blocked: bool = False
