"""What becomes of what is asked of a store's runs, as frozen data; see `Request`."""

from __future__ import annotations

import msgspec

from chatstate.inspection import Request
from chatstate.scope import Key
from chatstate.stores.records import Arrival


class Asked(msgspec.Struct, frozen=True, gc=False):
    """A request to send something that no run has taken up, with its `number` and since when."""

    number: int
    asked_at: float
    request: Request


class Answer(msgspec.Struct, frozen=True, gc=False):
    """What a request has changed: an event or a reply is there again, or a value is another."""

    arrival: Arrival | None = None
    conversation: int | None = None
    key: Key | None = None
