"""What is needed to take a chat's last turns back, and how that is done.

1. A member's own values are always restored. A thread's or a chat's only if they still are what
   the turn left: nobody's later change is undone. A user's and global ones never.
2. History that is a member's own is kept as a difference, so that the log stays small.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping

import msgspec

from chatstate.bot.turn import HeldValue, Turn
from chatstate.chat.history import Entry
from chatstate.files import Attachment
from chatstate.language.sentences import Sentence
from chatstate.scope import Scope
from chatstate.state.bound import BoundState, States
from chatstate.state.declaration import State


class Before(msgspec.Struct, frozen=True):
    """A value before a turn, as text, and a digest of what the turn made of it."""

    text: str | None
    after: str


class Undo(msgspec.Struct, frozen=True):
    """How to take one turn back.

    `text` and `files` are what the person sent; `added` is the number of entries it put at the
    end of the history, `dropped` are those that had to go at its beginning; `states` by name.
    """

    text: str
    files: list[Attachment] = []
    added: int = 0
    dropped: list[Entry] = []
    states: dict[str, Before] = {}


def digest(text: str) -> str:
    """Return what a value's text is recognised by."""
    return hashlib.blake2b(text.encode(), digest_size=12).hexdigest()


LOG = State([], name="chatstate.undo", type=list[Undo])
"""The last turns of each person in each conversation, the newest last."""


async def take_back(turn: Turn, history: State, states: States) -> Undo:
    """Take the last turn back that is in the log. Raises `Sentence` if there is none."""
    log: list[Undo] = await turn.state(LOG)
    if not log:
        raise Sentence("nothing_to_undo")
    undone = log.pop()
    if history.scope == "member":
        entries: list[Entry] = await turn.state(history)
        added = min(undone.added, len(entries))
        turn.replace(history, [*undone.dropped, *entries[: len(entries) - added]])
    named: Mapping[str, BoundState] = {state.name: state for state in states}
    for name, before in undone.states.items():
        state = named.get(name)  # what the bot no longer has stays as it is
        if state is None:
            continue
        held = await turn.effects.hold(state.state, None)
        if state.scope == "member" or digest(state.encode(held.value)) == before.after:
            value = state.fresh()[0] if before.text is None else state.decode(before.text)
            held.replace(value)
    return undone


def before_values(held: Iterable[HeldValue]) -> dict[str, Before]:
    """Return what a turn changed that can be taken back, by the state's name."""
    changed: dict[str, Before] = {}
    for value in held:
        if can_be_undone(value.state.scope):
            now = value.state.encode(value.value)
            if now != value.before:
                changed[value.state.name] = Before(value.before, digest(now))
    return changed


def can_be_undone(scope: Scope) -> bool:
    """Tell whether values of this scope may be taken back at all."""
    return scope not in ("user", "global")
