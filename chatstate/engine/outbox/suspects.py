"""Replies that may have crashed the process: each is tried once, while nothing else runs."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from chatstate.engine.outbox.delivery import DEFINITE, refused
from chatstate.engine.outbox.doubts import Doubts
from chatstate.engine.outbox.outbound import Outbound
from chatstate.engine.outbox.references import References
from chatstate.errors import Ambiguous, Rejected
from chatstate.stores.base import DeadLetter, Outbox, Settled

_CRASHES = 3


class Suspects:
    """Tries replies: `make` makes the call and returns what it raised, `end` notes its outcome."""

    def __init__(
        self,
        store: Outbox,
        doubts: Doubts,
        references: References,
        make: Callable[[Outbound], Awaitable[Exception | None]],
        end: Callable[[Outbound, DeadLetter | None], Awaitable[None]],
    ) -> None:
        self._store = store
        self._doubts = doubts
        self._references = references
        self._make = make
        self._end = end

    async def try_alone(self, reply: Outbound, crashes: int) -> None:
        """Try a reply, or give it up if the process has crashed too often while it was tried."""
        row = (reply.conversation, reply.turn, reply.part)
        if crashes >= _CRASHES:
            why = f"the process crashed {crashes} times while only this was sent"
            self._store.settle(Settled(*row, DeadLetter("reply", why)))
            return
        await self._store.begin(*row, crashes=crashes + 1)
        error = await self._try_unless_sent(reply)
        if error is None:
            await self._end(reply, None)
        elif isinstance(error, Rejected) and reply.action.verb != "edit":  # which is sent anew
            await self._end(reply, refused(reply, error))
        elif isinstance(error, DEFINITE) and reply.begun_at is None:
            await self._store.unsent(*row)
        else:
            await self._store.begin(*row)

    async def _try_unless_sent(self, reply: Outbound) -> Exception | None:
        action = reply.action
        refers = action.ref or action.changes or action.verb == "native"
        if refers and not await self._references.has_something_to_do(reply):
            return None
        try:
            if await self._doubts.was_sent(reply, once=True):
                return None
        except Exception as error:  # noqa: BLE001 - it is asked again when its line goes on
            return error
        if not self._doubts.may_repeat(reply):
            return Ambiguous("it may have been sent before a crash")
        return await self._make(reply)
