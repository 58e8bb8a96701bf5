"""Replies that may have been sent, and nobody here knows: the platform is asked, if it can tell.

1. A reply is in doubt once a call has failed without a clear answer, or an earlier process had
   begun it. To edit or to delete twice is harmless, so these never are, nor are calls by a
   platform's own name that may be repeated.
2. That it was sent settles it. That it was not counts `SETTLED` seconds after the call failed,
   since until then it may be on its way: it is sent as if for the first time.
3. What the platform cannot tell is sent again while it knows the key, or if the policy says so;
   the policy does not count for calls by a platform's own name, which may be a payment.
4. A question has no effect: one that does not get through is asked again, with growing pauses.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping

from msgspec.structs import replace

from chatstate.adapter import Absent, Adapter, Found, Sent, Unknown
from chatstate.clock import Clock
from chatstate.engine.asking import asked_until_told
from chatstate.engine.outbox.delivery import TRIES
from chatstate.engine.outbox.outbound import Outbound
from chatstate.errors import Ambiguous, RetryAfter

log = logging.getLogger("chatstate.sender")

SETTLED = 2.0


class Doubts:
    """Finds out what became of replies. `holds`: the policy is not to repeat what is in doubt.

    `wait` is told when the whole account must wait.
    """

    def __init__(
        self,
        adapters: Mapping[int, Adapter],
        clock: Clock,
        *,
        holds: bool,
        wait: Callable[[int, float], None],
    ) -> None:
        self._adapters = adapters
        self._clock = clock
        self._holds = holds
        self._wait = wait

    def note(self, reply: Outbound) -> None:
        """Note that a call has failed just now, and may have had an effect."""
        reply.failed_at = self._clock.monotonic()
        if reply.begun_at is None and reply.may_double:
            reply.begun_at = self._clock.time()

    def may_repeat(self, reply: Outbound) -> bool:
        """Tell whether a reply may be sent, though it may have been."""
        holds = self._holds or reply.is_once
        return not (holds and in_doubt(reply)) or self.knows_key(reply)

    def knows_key(self, reply: Outbound) -> bool:
        """Tell whether the platform still knows the key, so that a repetition has no effect."""
        known_for = self._adapters[reply.account].capabilities.idempotent_for
        age = self._clock.time() - (reply.begun_at or 0.0)
        return not reply.is_once and 0.0 <= age < known_for  # the clock may have been set back

    async def was_sent(self, reply: Outbound, *, once: bool = False) -> bool:
        """Tell whether a reply in doubt was sent; if it surely was not, it is in doubt no more.

        If it is to be asked only `once`, this raises what the adapter does.
        """
        if not in_doubt(reply):
            return False
        found = await self._ask(reply, once=once)
        if isinstance(found, Absent) and not self.knows_key(reply):
            if (left := reply.failed_at + SETTLED - self._clock.monotonic()) > 0:
                await self._clock.sleep(left)
                found = await self._ask(reply, once=once)
            if isinstance(found, Absent):
                reply.begun_at = None
        if not isinstance(found, Sent):
            return False
        reply.sent, reply.begun_at = found, None
        return True

    async def _ask(self, reply: Outbound, *, once: bool) -> Found:
        if once:
            return await self._ask_once(reply)
        what = f"whether reply {reply.action.key} was sent"
        try:
            return await asked_until_told(
                self._clock, what, lambda: self._ask_once(reply), unclear=TRIES
            )
        except Exception as error:  # noqa: BLE001 - who cannot answer does not know
            log.warning("nobody can tell %s: %s", what, error, extra=reply.told)
            return Unknown()

    async def _ask_once(self, reply: Outbound) -> Found:
        action = replace(reply.action, begun_at=reply.begun_at)
        try:
            return await self._adapters[reply.account].find(action)
        except RetryAfter as error:
            if error.account:
                self._wait(reply.account, error.seconds)
            raise
        except asyncio.CancelledError as error:
            if _is_cancelled():
                raise
            raise Ambiguous(f"the question was cancelled {error}") from error


def in_doubt(reply: Outbound) -> bool:
    """Tell whether a reply may have been sent, so that to send it again may double it."""
    return reply.begun_at is not None and reply.may_double


def _is_cancelled() -> bool:
    """Tell whether it is this task that is cancelled, and not what it waits for."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0
