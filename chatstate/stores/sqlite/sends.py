"""Requests to send something: from their table into the inbox, or among the dead letters.

Its functions run inside the open transaction. A request that is gone was taken up before.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import msgspec

from chatstate.messages import Event
from chatstate.stores.base import Asked, DeadLetter, Ingested, Request
from chatstate.stores.sqlite import references
from chatstate.stores.sqlite.inbox import Delivery, Inbox

_decode = msgspec.json.Decoder(Request).decode
_encode = msgspec.json.Encoder().encode

ASKED = """SELECT id, asked_at, body FROM requests WHERE verb = 'send' AND id > ?
    AND (account IN (SELECT value FROM json_each(?))
        OR (asked_at < ? AND account IN (SELECT id FROM accounts WHERE bot = ?)))
    ORDER BY id LIMIT ?"""
_BODY = "SELECT body FROM requests WHERE verb = 'send' AND id = ?"
_DONE = "DELETE FROM requests WHERE id = ?"
_DIES = """INSERT INTO dead_letters
    (bot, kind, conversation, person, turn, body, error, detail, died_at)
    SELECT bot, 'event', ?, ?, 0, ?, ?, ?, ? FROM accounts WHERE id = ?"""


class Sends:
    """Takes requests to send something up, or gives them up."""

    def __init__(
        self, writer: sqlite3.Connection, inbox: Inbox, clock: Callable[[], float]
    ) -> None:
        self._writer = writer
        self._inbox = inbox
        self._clock = clock

    def take_up(self, calls: Sequence[tuple[int, Event]]) -> list[Ingested | None]:
        """Make requests events."""
        return [self._take_up(number, event) for number, event in calls]

    def give_up(self, calls: Sequence[tuple[int, Event, DeadLetter]]) -> list[None]:
        """Make requests dead letters."""
        for number, event, dead in calls:
            self._give_up(number, event, dead)
        return [None] * len(calls)

    def _take_up(self, number: int, event: Event) -> Ingested | None:
        request = self._request(number)
        if request is None:
            return None
        ((ingested,),) = self._inbox.ingest([Delivery(request.account, [event], {})])
        if ingested.status != "refused":
            turn = ingested.arrival.seq if ingested.arrival else ingested.pending or 0
            place = self._inbox.directory.place(request.account, event.message)
            self._end(number, request, place.conversation, turn)
        return ingested

    def _give_up(self, number: int, event: Event, dead: DeadLetter) -> None:
        request = self._request(number)
        if request is None:
            return
        place = self._inbox.directory.place(request.account, event.message)
        told = (_encode(event).decode(), dead.error, dead.detail, self._clock(), request.account)
        self._writer.execute(_DIES, (place.conversation, place.person, *told))
        self._end(number, request, place.conversation, 0)

    def _request(self, number: int) -> Request | None:
        row = self._writer.execute(_BODY, (number,)).fetchone()
        return _decode(row[0]) if row else None

    def _end(self, number: int, request: Request, conversation: int, turn: int) -> None:
        self._writer.execute(_DONE, (number,))
        references.lead(self._writer, request.ref, conversation, turn)


def asked(rows: Iterable[Any]) -> list[Asked]:
    """Return the requests in rows of `ASKED`."""
    return [Asked(number, asked_at, _decode(body)) for number, asked_at, body in rows]
