"""Values that a turn holds, from their load to what is written of them.

1. What was changed is told by the text: a value is written if its text is another than it was.
2. A value that somebody else changed meanwhile makes the turn run again.
"""

from __future__ import annotations

from typing import Any, cast

import msgspec

from chatstate.bot.parameters import Slot
from chatstate.engine.states.cache import Entry
from chatstate.scope import Key
from chatstate.state.bound import BoundState
from chatstate.state.declaration import Ref


class Held(msgspec.Struct, eq=False, gc=False):
    """A value that a turn holds.

    `text` is what is stored, None if it must be in any case; `before` is what it was when the
    turn began. `object` is what the handler has of it.
    """

    slot: Slot
    key: Key
    entry: Entry
    text: str | None
    before: str | None
    object: Any

    @property
    def state(self) -> BoundState:
        """The state whose value it is."""
        return self.slot.state

    @property
    def value(self) -> Any:
        """The value itself, out of its `Ref`."""
        held = self.object
        return cast("Ref[Any]", held).value if isinstance(held, Ref) else held

    def replace(self, value: Any) -> None:
        """Put another value in its place, as if it had been there before the turn."""
        self.before = self.slot.state.encode(value)
        self.object = Ref(value) if self.slot.by_ref else value


def hold(slot: Slot, key: Key, entry: Entry) -> Held:
    """Return a value as a turn holds it, decoded for it alone."""
    state = slot.state
    text: str | None
    if entry.ready is not None and entry.value:
        value, text = entry.ready, entry.value.text
        entry.ready = None
    elif entry.value is None:
        value, text = state.fresh()
    else:
        value, text = state.read(entry.value, trusted=entry.trusted)
    return Held(slot, key, entry, text, text, Ref(value) if slot.by_ref else value)
