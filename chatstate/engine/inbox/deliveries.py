"""Deliveries: what adapters give in one step, and in which transactions it is stored."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence

import msgspec

from chatstate.engine.inbox.receipts import EventReceipt
from chatstate.messages import Event

_AT_ONCE = 64  # more events in one transaction would stop the event loop for too long


class Delivery(msgspec.Struct, eq=False, gc=False):
    """What one call of `deliver` was given, and the receipts for it so far."""

    events: Sequence[Event]
    cursor: str | None
    part: str
    done: asyncio.Future[Sequence[EventReceipt]]
    receipts: list[EventReceipt] = []


class Share(msgspec.Struct, eq=False, gc=False):
    """A part of a delivery that is stored in one transaction; `is_last`: and all of the rest.

    `is_let_in`: its events are in their lanes.
    """

    delivery: Delivery
    events: Sequence[Event]
    is_last: bool
    is_let_in: bool = False


def transactions(delivered: Sequence[Delivery]) -> Iterator[list[Share]]:
    """Yield what is to be stored together: in order, and never too many events at once."""
    shares: list[Share] = []
    room = _AT_ONCE
    for delivery in delivered:
        given = delivery.events
        if len(given) <= room:
            shares.append(Share(delivery, given, True))
            room -= len(given)
            continue
        for first in range(0, max(len(given), 1), _AT_ONCE):
            some = given if len(given) <= _AT_ONCE else given[first : first + _AT_ONCE]
            if len(some) > room and shares:
                yield shares
                shares, room = [], _AT_ONCE
            shares.append(Share(delivery, some, first + _AT_ONCE >= len(given)))
            room -= len(some)
    if shares:
        yield shares
