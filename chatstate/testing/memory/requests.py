"""What was asked of the runs of a bot, fulfilled by one of them.

1. A request about a dead letter is fulfilled by a run that has its account, one about a value by a
   run of its bot: that which holds the conversation, if the value is of one that is held.
2. Of several requests for one letter the newest counts. Those about values are fulfilled in their
   order.
3. What comes back into a conversation that another run holds is told to that run.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec
from msgspec.structs import replace

from chatstate.messages import Event
from chatstate.scope import Key
from chatstate.stores.base import Answer, Arrival, Owed, Request, Value
from chatstate.stores.events import retried
from chatstate.testing.memory import directory, holds, inbox, lines
from chatstate.testing.memory.tables import (
    OF_A_CONVERSATION,
    LetterRow,
    MemoryData,
    ValueRow,
    Worker,
)

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Event).decode


def answer(
    data: MemoryData, worker: Worker, versions: Iterator[int], now: float
) -> Iterator[Answer]:
    """Do what was asked of a run; yield what that has changed, as far as it is the run's."""
    newest = {request.number: request for request in data.requests.values() if not request.key}
    for request in newest.values():
        letter = data.letters.get(request.number)
        if letter and data.account_of(letter.conversation) in worker.accounts:
            if request.verb == "retry":
                yield from _retry(data, worker, letter, now)
            _forget(data, letter)
    for number, request in list(data.requests.items()):
        if request.key and request.key[0] == worker.bot and _may_change(data, worker, request.key):
            del data.requests[number]
            _change(data, request, request.key, next(versions), now)
            yield Answer(key=request.key)


def _retry(data: MemoryData, worker: Worker, letter: LetterRow, now: float) -> Iterator[Answer]:
    conversation = letter.conversation
    is_mine = holds.put(data, conversation, worker)
    if letter.part is None:
        place = directory.place_in(data, conversation, letter.person)
        event = retried(_decode(letter.body), letter.number)
        arrival = Arrival(data.number("event"), place, event)
        inbox.add(data, arrival, _encode(event).decode(), now, worker.id)
        data.notes[arrival.seq] = data.notes.pop(letter.turn, {})
        changed = Answer(arrival=replace(arrival, noted=bool(data.notes[arrival.seq])))
    else:
        owed = Owed(letter.turn, letter.part, letter.body)
        lines.owe(data, conversation, owed, now, letter.person)
        changed = Answer(conversation=conversation)
    if is_mine:
        yield changed


def _forget(data: MemoryData, letter: LetterRow) -> None:
    del data.letters[letter.number]
    for number, request in list(data.requests.items()):
        if request.number == letter.number and not request.key:
            del data.requests[number]


def _may_change(data: MemoryData, worker: Worker, key: Key) -> bool:
    of_a_lane = key.scope in OF_A_CONVERSATION and key.place in data.conversations
    return not (of_a_lane and holds.is_anothers(data, key.place, worker))


def _change(data: MemoryData, request: Request, key: Key, version: int, now: float) -> None:
    if request.verb == "delete":
        data.values.pop(key, None)
        return
    row = data.values.get(key) or ValueRow(data.number("value"), Value("", 0), now)
    ends = row.value.expires_at
    row.value, row.changed_at = Value(request.text, version, request.schema, ends), now
    data.values[key] = row
