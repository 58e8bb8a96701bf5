"""What is needed to take a chat's last turns back, and how that is done.

1. A member's own values are always restored. A thread's or a chat's only if they still are what
   the turn left: nobody's later change is undone. A user's and global ones never, nor what is kept
   in memory alone: the log is stored.
2. History that is a member's own is kept as a difference, so that the log stays small.
3. A message that is edited is found by its id: its turn and all after it are taken back, unless
   somebody else has spoken since.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence

import msgspec

from chatstate.bot.effects import HeldValue
from chatstate.bot.turn import Turn
from chatstate.chat.history import Entry
from chatstate.files import Attachment
from chatstate.language.sentences import Sentence
from chatstate.scope import Key, Scope
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
    `message` is the id of what was sent, if it was one message.
    """

    text: str
    files: list[Attachment] = []
    added: int = 0
    dropped: list[Entry] = []
    states: dict[str, Before] = {}
    message: str | None = None


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


async def take_back_edited(turn: Turn, history: State, states: States) -> bool:
    """Take back the turn of a message that was edited, and all after it; tell whether it was.

    Not if the log does not have it, nothing of it has changed, or others have spoken since.
    """
    since = _since(await turn.state(LOG), turn)
    if not since or not (history.scope == "member" or await _stands(turn, history, since)):
        return False
    for _ in since:
        await take_back(turn, history, states)
    return True


def _since(log: Sequence[Undo], turn: Turn) -> Sequence[Undo]:
    """Return what the log has from the message that `turn` edits on; nothing if it is the same."""
    for index, undo in enumerate(log):
        if undo.message is not None and undo.message == turn.message.id:
            is_same = (undo.text, tuple(undo.files)) == (turn.text, turn.message.attachments)
            return () if is_same else log[index:]
    return ()


async def _stands(turn: Turn, history: State, since: Sequence[Undo]) -> bool:
    """Tell whether a shared history has at its end what these turns have added, and no more."""
    held = await turn.effects.hold(history, None)
    text: str | None = held.state.encode(held.value)
    for undo in reversed(since):
        before = undo.states.get(held.state.name)
        if before is None or text is None or digest(text) != before.after:
            return False
        text = before.text
    return True


def own_values(held: Mapping[Key, HeldValue]) -> dict[str, HeldValue]:
    """Return the values of whoever speaks, and those of nobody alone, by the state's name."""
    (person,) = [key.person for key in held if key.name == LOG.name]
    return {value.state.name: value for key, value in held.items() if key.person in (0, person)}


def before_values(held: Iterable[HeldValue]) -> dict[str, Before]:
    """Return what a turn changed that can be taken back, by the state's name."""
    changed: dict[str, Before] = {}
    for value in held:
        if value.state.lifecycle.durable and can_be_undone(value.state.scope):
            now = value.state.encode(value.value)
            if now != value.before:
                changed[value.state.name] = Before(value.before, digest(now))
    return changed


def can_be_undone(scope: Scope) -> bool:
    """Tell whether values of this scope may be taken back at all."""
    return scope not in ("user", "global")
