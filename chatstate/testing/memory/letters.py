"""Dead letters: events and replies that are kept until somebody asks for them."""

from __future__ import annotations

from chatstate.scope import Place
from chatstate.stores.base import DeadLetter
from chatstate.testing.memory.tables import EventRow, LetterRow, MemoryData, ReplyRow


def of_event(data: MemoryData, row: EventRow, dead: DeadLetter, now: float) -> None:
    """Make a dead letter of an event, before it is erased."""
    _add(data, row.conversation, dead, now, body=row.body, turn=row.seq, person=row.person)


def of_request(data: MemoryData, place: Place, body: str, dead: DeadLetter, now: float) -> None:
    """Make a dead letter of an event that never was one."""
    _add(data, place.conversation, dead, now, body=body, turn=0, person=place.person)


def of_reply(data: MemoryData, row: ReplyRow, dead: DeadLetter, now: float) -> None:
    """Make a dead letter of a reply."""
    what, owed = (data, row.owed.conversation, dead, now), row.owed
    _add(*what, body=owed.body, turn=owed.turn, part=owed.part, person=row.person)


def _add(
    data: MemoryData,
    conversation: int,
    dead: DeadLetter,
    now: float,
    *,
    body: str,
    turn: int,
    part: int | None = None,
    person: int = 0,
) -> None:
    number, bot = data.number("letter"), data.bot_of(data.account_of(conversation))
    data.letters[number] = LetterRow(
        number, dead.kind, bot, conversation, person, turn, part, body, dead.error, dead.detail, now
    )
