"""Requests to send something: from their table into the inbox, or among the dead letters.

Its functions run inside the open transaction. A request that is gone was taken up before.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

from chatstate.messages import Event
from chatstate.scope import Place
from chatstate.stores.base import Asked, DeadLetter, Ingested, Request
from chatstate.stores.postgres import references
from chatstate.stores.postgres.directory import Directory, who
from chatstate.stores.postgres.inbox import Delivery, Inbox
from chatstate.stores.postgres.transactions import Transaction

_decode = msgspec.json.Decoder(Request).decode
_encode = msgspec.json.Encoder().encode

ASKED = """SELECT id, asked_at, body FROM requests WHERE verb = 'send' AND id > $1
    AND (account = ANY($2::bigint[]) OR (asked_at < $3 AND bot = $4)) ORDER BY id LIMIT $5"""
_FIND = "SELECT body FROM requests WHERE verb = 'send' AND id = $1 FOR UPDATE"
_DONE = "DELETE FROM requests WHERE id = $1"
_DIES = """INSERT INTO dead_letters
        (bot, kind, conversation, person, turn, body, error, detail, died_at)
    SELECT bot, 'event', $1, $2, 0, $3, $4, $5, $6 FROM accounts WHERE id = $7"""


async def take_up(
    transaction: Transaction, inbox: Inbox, number: int, event: Event
) -> Ingested | None:
    """Make a request an event."""
    request = await _request(transaction, number)
    if request is None:
        return None
    delivery = Delivery(request.account, [event], {})
    ((ingested,),) = await inbox.ingest(transaction, [delivery])
    if ingested.status != "refused":
        turn = ingested.arrival.seq if ingested.arrival else ingested.pending or 0
        await _end(transaction, number, request, event, turn)
    return ingested


async def give_up(transaction: Transaction, number: int, event: Event, dead: DeadLetter) -> None:
    """Make a request a dead letter."""
    request = await _request(transaction, number)
    if request is None:
        return
    place = await _end(transaction, number, request, event, 0)
    told = (dead.error, dead.detail, transaction.now, request.account)
    of = (place.conversation, place.person, _encode(event).decode())
    await transaction.execute(_DIES, *of, *told)


def asked(rows: Iterable[Any]) -> list[Asked]:
    """Return the requests in rows of `ASKED`."""
    return [Asked(number, asked_at, _decode(body)) for number, asked_at, body in rows]


async def _request(transaction: Transaction, number: int) -> Request | None:
    body = await transaction.fetchval(_FIND, number)
    return _decode(body) if body else None


async def _end(
    transaction: Transaction, number: int, request: Request, event: Event, turn: int
) -> Place:
    wanted = who(request.account, event.message)
    place = (await Directory().places(transaction, [wanted]))[wanted.name]
    await transaction.execute(_DONE, number)
    await references.lead(transaction, request.ref, place.conversation, turn)
    return place
