"""Requests to send something: into the inbox, or among the dead letters."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import msgspec

from chatstate.messages import Event
from chatstate.stores.base import Asked, DeadLetter, Ingested, Request
from chatstate.testing.memory import directory, forgetting, letters, references
from chatstate.testing.memory.tables import MemoryData, Worker

_encode = msgspec.json.Encoder().encode


def ask(data: MemoryData, request: Request, now: float) -> bool:
    """Note a request; see `Inspection.ask`."""
    if request.verb == "forget":
        return forgetting.note(data, request, now)
    if request.ref and not references.expect(data, request, now):
        return False
    number = data.number("request")
    if request.verb == "send":
        data.asked[number] = Asked(number, now, request)
    else:
        data.requests[number] = request
    for worker in data.workers.values():
        worker.woken.set()
    return True


def asked(
    data: MemoryData, worker: Worker, accounts: Collection[int], before: float
) -> Sequence[Asked]:
    """Return the requests from some accounts, or of the bot and older."""
    return [
        asked
        for asked in data.asked.values()
        if asked.request.account in accounts
        or (asked.asked_at < before and data.bot_of(asked.request.account) == worker.bot)
    ]


def taken_up(data: MemoryData, asked: Asked, event: Event, ingested: Ingested) -> None:
    """Note that a request has become an event."""
    turn = ingested.arrival.seq if ingested.arrival else ingested.pending or 0
    place = directory.place_of(data, asked.request.account, event.message)
    del data.asked[asked.number]
    references.lead(data, asked.request.ref, place.conversation, turn)


def give_up(data: MemoryData, asked: Asked, event: Event, dead: DeadLetter, now: float) -> None:
    """Make a request a dead letter."""
    place = directory.place_of(data, asked.request.account, event.message)
    del data.asked[asked.number]
    letters.of_request(data, place, _encode(event).decode(), dead, now)
    references.lead(data, asked.request.ref, place.conversation, 0)
