"""One reply on its way: the call that is made for it, until it is sent or given up.

1. What the platform refuses is given up at once. But that a message cannot be edited says nothing
   of what it should show: that is sent anew. What is changed by its reference is not.
2. What is in doubt is asked about first, and is not sent again where that is not to be.
3. Nothing is sent while the run's lease may be over, nor while the account has to wait, nor once
   nobody waits for it any more.
4. What did not get through is made again by a `Delivery`.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping

from msgspec.structs import replace

from chatstate.adapter import Adapter
from chatstate.clock import Clock
from chatstate.engine.lease import Lease
from chatstate.engine.outbox.delivery import Delivery, is_ambiguous, is_too_late, too_late
from chatstate.engine.outbox.doubts import Doubts, in_doubt
from chatstate.engine.outbox.outbound import Outbound
from chatstate.engine.outbox.spool import Spool
from chatstate.errors import Ambiguous, EgressError, Gone, Rejected
from chatstate.stores.base import DeadLetter, Outbox

log = logging.getLogger("chatstate.sender")

_HELD = DeadLetter("reply", "held: it may have been sent before a crash")


class Attempts:
    """Makes the calls of replies. `holds`: the policy is not to repeat what is in doubt.

    `gates` are the accounts that have to wait, with the time until when. `is_ending`: what is
    cancelled is given up by us, and not by somebody else.
    """

    def __init__(
        self,
        *,
        store: Outbox,
        adapters: Mapping[int, Adapter],
        clock: Clock,
        spool: Spool,
        holds: bool,
        moved: Callable[[int, str, str], Awaitable[None]],
        lease: Lease | None,
    ) -> None:
        self._store = store
        self._adapters = adapters
        self._clock = clock
        self._spool = spool
        self._holds = holds
        self._moved = moved
        self._lease = lease
        self.doubts = Doubts(adapters, clock, holds=holds, wait=self.wait)
        self.gates: dict[int, float] = {}
        self.is_ending = False

    def wait(self, account: int, seconds: float) -> None:
        """Send nothing to an account for some time: its platform has asked for that."""
        opens = self._clock.monotonic() + seconds
        self.gates[account] = max(opens, self.gates.get(account, 0.0))

    async def outcome(self, reply: Outbound) -> DeadLetter | None:
        """Return once the reply is sent, or the reason why it is given up."""
        if reply.action.part.files and (lost := self._spool.lost(reply.action.part.files)):
            return DeadLetter(
                "reply", f"its file {lost.name!r} is gone from the store ({lost.key})"
            )
        if in_doubt(reply):
            if await self.doubts.was_sent(reply):
                return None
            if not self.doubts.may_repeat(reply):
                return _HELD
            if in_doubt(reply) and not self.doubts.knows_key(reply):
                told = reply.told
                log.warning(
                    "reply %s may be sent twice, after a crash", reply.action.key, extra=told
                )
        if self.gates:
            await self._pass_gate(reply.account)
        if is_too_late(reply, self._clock):
            return too_late(reply)
        if reply.begun_at is None and self._is_noted(reply):
            await self._store.begin(reply.conversation, reply.turn, reply.part)
        error = await self.attempt(reply)
        return None if error is None else await self.again(reply, error)

    async def again(self, reply: Outbound, error: Exception) -> DeadLetter | None:
        """Go on after a call that did not plainly succeed."""
        first = await self._sent_anew(reply, error)
        return None if first is None else await self._delivery(reply, first).run()

    async def _try_or_send(self, reply: Outbound) -> Exception | None:
        """Make the call; if it edits what cannot be edited, send the part anew."""
        error = await self.attempt(reply)
        return None if error is None else await self._sent_anew(reply, error)

    async def _sent_anew(self, reply: Outbound, error: Exception) -> Exception | None:
        """Send the part that was refused as an edit: the message may be gone, or too old."""
        is_edit = reply.action.verb == "edit" and not reply.action.changes
        if not (isinstance(error, Rejected) and is_edit) or isinstance(error, EgressError):
            return error
        if reply.action.part.keeps:
            return None  # what is gone needs no other buttons
        reply.action = replace(reply.action, verb="send")
        if in_doubt(reply):
            return Ambiguous("it may have been sent so before a crash")
        return await self.attempt(reply)

    async def attempt(self, reply: Outbound) -> Exception | None:
        """Make the call once; return what it raised."""
        if self._lease:
            await self._lease.assure()
        try:
            reply.sent = await self._adapters[reply.account].perform(reply.action)
        except asyncio.CancelledError as error:
            if self.is_ending:
                raise
            self.doubts.note(reply)
            return Ambiguous(f"the call was cancelled {error}")
        except Exception as error:  # noqa: BLE001 - what it means is decided by the delivery
            if isinstance(error, Gone) and reply.action.changes:
                reply.is_gone = True
                return None
            if is_ambiguous(error):
                self.doubts.note(reply)
            return error
        return None

    def _delivery(self, reply: Outbound, error: Exception) -> Delivery:
        row = (reply.conversation, reply.turn, reply.part)
        delivery = Delivery(reply, self._clock, error)
        delivery.was_sent = lambda: self.doubts.was_sent(reply)
        delivery.repeats = lambda: self.doubts.may_repeat(reply)
        delivery.perform = lambda: self._try_or_send(reply)
        delivery.moved = lambda old, new: self._moved(reply.account, old, new)
        delivery.close_gate = lambda seconds: self.wait(reply.account, seconds)
        delivery.pass_gate = lambda: self._pass_gate(reply.account)
        if self._is_noted(reply):
            delivery.begin = lambda: self._store.begin(*row)
            delivery.unsent = lambda: self._store.unsent(*row)
        return delivery

    def _is_noted(self, reply: Outbound) -> bool:
        """Tell whether it is noted each time that sending a reply begins, since that counts."""
        return self._holds or reply.is_once or reply.best_before is not None

    async def _pass_gate(self, account: int) -> None:
        """Wait until the account may send."""
        while (left := self.gates.get(account, 0.0) - self._clock.monotonic()) > 0:
            await self._clock.sleep(left)
        self.gates.pop(account, None)
