"""The states of an app, kept for each person as a bot's: what `gr.State` holds is a `State`.

1. A value that is data is kept in the store, under the name of the variable that holds the
   `gr.State`. What is no data stays in memory, and the log says so.
2. The store says where the newest value is; if it was in memory, and that is gone, the session
   begins with the default again.
3. A value that a call has not changed is not written.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Iterable, Mapping
from types import ModuleType
from typing import Any

from chatstate import State
from chatstate_gradio.calls import Call
from chatstate_gradio.data import NotDataError, from_data, to_data

log = logging.getLogger("chatstate.gradio")

Held = dict[str, Any]
_HELD, _ELSEWHERE = "value", "in_memory"


class Same:
    """Holds an object that is the same in every turn: it is never copied."""

    def __init__(self, value: Any) -> None:
        self.value = value

    def __deepcopy__(self, _memo: object) -> Same:
        return self


class Kept:
    """One `gr.State` of an app, as states of a bot: what is stored, and what is in memory."""

    def __init__(self, component: Any, name: str) -> None:
        self.id: int = component._id
        self.name = name
        ttl = component.time_to_live
        on_delete = component.delete_callback

        def deleted(held: dict[str, Any]) -> None:
            if _HELD in held:
                on_delete(from_data(held[_HELD]))

        lives = ttl not in (None, math.inf)
        self.stored = State(
            {},
            name=name,
            type=dict[str, Any],
            ttl=ttl if lives else None,
            on_expire=deleted if lives and on_delete else None,
        )
        self.in_memory = State({}, name=f"{name} (in memory)", type=dict[str, Any], durable=False)
        self._told = False
        self._look_at(component.value)

    def _look_at(self, value: Any) -> None:
        """Say at start that a value is no data, if the default is none."""
        try:
            to_data(None if callable(value) else value)
        except NotDataError as error:
            self._tell(error)

    def _tell(self, error: NotDataError) -> None:
        if not self._told:
            self._told = True
            log.warning(
                "gr.State %r holds %s, which is no data: it stays in memory, and ends with the "
                "process",
                *(self.name, error),
            )

    def load(self, call: Call, stored: Held, in_memory: Held) -> None:
        """Put what is kept into a call's session."""
        if _HELD in stored:
            call.session.state_data[self.id] = from_data(stored[_HELD])
        elif _ELSEWHERE in stored and _HELD in in_memory:
            call.session.state_data[self.id] = in_memory[_HELD].value

    def save(self, call: Call, stored: Held, in_memory: Held) -> None:
        """Keep what a call has made of it."""
        if self.id not in call.session.state_data:
            return
        value = call.session.state_data[self.id]
        try:
            _become(stored, {_HELD: to_data(value)})
        except NotDataError as error:
            self._tell(error)
            _become(stored, {_ELSEWHERE: True})
            if _HELD not in in_memory or in_memory[_HELD].value is not value:
                in_memory[_HELD] = Same(value)


def _become(held: Held, wanted: Held) -> None:
    if held != wanted:
        held.clear()
        held.update(wanted)


class Sessions:
    """The states of an app that its functions use; `own` are those that nobody keeps.

    `names` are what components are called in the file, by their ids.
    """

    def __init__(
        self, functions: Iterable[Any], names: Mapping[int, str], own: Iterable[Any] = ()
    ) -> None:
        left_out = {component._id for component in own}
        used = [part for fn in functions for part in (*fn.inputs, *fn.outputs)]
        found = {part._id: part for part in used if part.stateful}
        wanted = sorted(found.keys() - left_out)
        self._kept = [
            Kept(found[id_], names.get(id_) or f"state_{number}")
            for number, id_ in enumerate(wanted, 1)
        ]

    @property
    def states(self) -> dict[str, State]:
        """The states that a handler has to have, by the names of its parameters."""
        pairs = enumerate(self._kept)
        return {
            f"{what}_{number}": state
            for number, kept in pairs
            for what, state in (("stored", kept.stored), ("in_memory", kept.in_memory))
        }

    def load(self, call: Call, held: Mapping[str, Held]) -> None:
        """Put what is kept of a person into a call's session."""
        for number, kept in enumerate(self._kept):
            kept.load(call, held[f"stored_{number}"], held[f"in_memory_{number}"])

    def save(self, call: Call, held: Mapping[str, Held]) -> None:
        """Keep what a call has made of it."""
        for number, kept in enumerate(self._kept):
            kept.save(call, held[f"stored_{number}"], held[f"in_memory_{number}"])


def names_in(module: ModuleType) -> dict[int, str]:
    """Return what components are called in a file, by their ids."""
    return {
        value._id: name
        for name, value in reversed(vars(module).items())
        if hasattr(value, "_id") and hasattr(value, "stateful")
    }
