"""Replies owed: how they come into their line, and out of it."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec.structs import replace

from chatstate.stores.base import Owed, Settled
from chatstate.testing.memory import broadcasts, letters, references
from chatstate.testing.memory.tables import MemoryData, ReplyRow


def owe(data: MemoryData, conversation: int, owed: Owed, now: float, person: int) -> None:
    """Put a reply to a person at the end of a conversation's line."""
    number = data.number("reply")
    data.lines[conversation][number] = ReplyRow(
        replace(owed, row=number, conversation=conversation), now, person
    )


def rows_of(data: MemoryData, conversation: int, turn: int, part: int) -> list[ReplyRow]:
    """Return what is owed as a part of a turn's replies, if it still is."""
    line = data.lines.get(conversation, {})
    return [row for row in line.values() if (row.owed.turn, row.owed.part) == (turn, part)]


def settle(data: MemoryData, settled: Iterable[Settled], now: float) -> None:
    """Take replies out of their lines; those that are given up become dead letters."""
    for reply in settled:
        for row in rows_of(data, reply.conversation, reply.turn, reply.part):
            del data.lines[reply.conversation][row.owed.row]
            if reply.dead and broadcasts.is_letter(data, reply, reply.dead):
                letters.of_reply(data, row, reply.dead, now)
        if reply.message is not None:
            _hang(data, reply, reply.message)
        if reply.referred is not None:
            references.hang(data, reply)
        tell_whoever_stored(data, reply.turn)


def tell_whoever_stored(data: MemoryData, turn: int) -> None:
    """Let the run that stored an event look whether its turn is over by now."""
    row = data.events.get(turn)
    worker = data.workers.get(row.stored_by) if row else None
    if worker:
        worker.woken.set()


def _hang(data: MemoryData, settled: Settled, message: str) -> None:
    for button in data.buttons.values():
        of = (button.found.conversation, button.turn, button.part)
        if of == (settled.conversation, settled.turn, settled.part):
            button.found = replace(button.found, message=message)
