"""One reply whose first try did not plainly succeed: tried again until its fate is known.

1. What surely had no effect is tried for ever, with growing pauses or as long as the platform asks.
2. What may have had one is asked about, if the platform can tell. What then is still in doubt is
   tried a few times, or not again, as the policy says.
3. What is refused is not tried again, nor what nobody waits for any more. A chat that has moved is
   tried where it is now.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

import msgspec
from tenacity import AsyncRetrying, RetryCallState, retry_if_not_exception_type

from chatstate.clock import Clock
from chatstate.engine.asking import error_of, pause
from chatstate.engine.outbox.outbound import Outbound
from chatstate.errors import (
    Ambiguous,
    Blocked,
    Moved,
    Rejected,
    RetryAfter,
    SendError,
    StorageError,
    Unreachable,
)
from chatstate.stores.base import DeadLetter

log = logging.getLogger("chatstate.sender")

TRIES = 3
"""How often something is done whose outcome remains unknown."""

DEFINITE = (RetryAfter, Unreachable, Moved)
"""What is raised when a call surely had no effect and is to be made again."""


async def _nothing() -> None:
    """Do nothing: what is not durably begun need not be noted as unsent."""


class Delivery:
    """Makes one call again and again, its first `error` being known.

    - `perform` makes the call and returns what it raised.
    - `was_sent` finds out whether one without a clear answer was made; `repeats` tells whether to
      try again what may have been.
    - `close_gate` is called when the whole account has to wait, `pass_gate` before each try,
      `moved` when the chat has a new id, `begin` and `unsent` around tries that had no effect.
    """

    was_sent: Callable[[], Awaitable[bool]]
    repeats: Callable[[], bool]
    perform: Callable[[], Awaitable[Exception | None]]
    close_gate: Callable[[float], None]
    pass_gate: Callable[[], Awaitable[None]]
    moved: Callable[[str, str], Awaitable[None]]
    begin: Callable[[], Awaitable[None]] = staticmethod(_nothing)
    unsent: Callable[[], Awaitable[None]] = staticmethod(_nothing)

    def __init__(self, reply: Outbound, clock: Clock, error: Exception) -> None:
        self._reply = reply
        self._chat = reply.action.chat
        self._clock = clock
        self._first: Exception | None = error
        self._unclear: Exception = Ambiguous("before a crash")
        self._is_stale = False
        self._ambiguous = 0

    async def run(self) -> DeadLetter | None:
        """Return once the reply is sent, or the reason why it is given up.

        Raises `StorageError`.
        """
        retrying = AsyncRetrying(
            retry=retry_if_not_exception_type((Rejected, StorageError, asyncio.CancelledError)),
            wait=_wait,
            stop=self._stop,
            before_sleep=self._tell,
            sleep=self._clock.sleep,
            reraise=True,
        )
        key = self._reply.action.key
        try:
            await retrying(self._perform)
        except _TooLateError:
            return too_late(self._reply)
        except Rejected as error:
            return refused(self._reply, error)
        except StorageError:
            raise
        except Exception as error:  # whatever an adapter raised last is told in the letter
            why = self._why_given_up()
            log.exception("reply %s is %s", key, why, extra=self._reply.told)
            return DeadLetter("reply", f"{why} ({error})", repr(error))
        return None

    def _why_given_up(self) -> str:
        is_absent = self._reply.may_double and self._reply.begun_at is None
        return "given up: it was not sent" if is_absent else "held: it may have been sent"

    async def _perform(self) -> None:
        error, self._first = self._first, None
        if error is None:
            error = await self._again()
        if error is None:
            return
        self._is_stale = not is_ambiguous(error)
        if not self._is_stale:
            self._unclear = error
            if await self.was_sent():
                return
        elif isinstance(error, DEFINITE) and self._reply.begun_at is None:
            await self.unsent()
        raise error

    async def _again(self) -> Exception | None:
        if self._reply.action.chat != self._chat:
            await self.moved(self._chat, self._reply.action.chat)
            self._chat = self._reply.action.chat
        await self.pass_gate()
        if self._is_stale:  # while it waited, a key may have been forgotten, or a call have arrived
            if await self.was_sent():
                return None
            if not self.repeats():
                return self._unclear
        if is_too_late(self._reply, self._clock):
            return _TooLateError(TOO_LATE)
        await self.begin()
        return await self.perform()

    def _stop(self, state: RetryCallState) -> bool:
        error = error_of(state)
        if isinstance(error, Moved):
            self._reply.action = msgspec.structs.replace(self._reply.action, chat=error.chat)
        elif isinstance(error, RetryAfter):
            if error.account:
                self.close_gate(error.seconds)
        elif not isinstance(error, Unreachable):
            self._ambiguous += 1
            return not self.repeats() or self._ambiguous >= TRIES
        return False

    def _tell(self, state: RetryCallState) -> None:
        error = error_of(state)
        log.warning(
            "reply %s was not sent (%s: %s); again in %.1f s",
            self._reply.action.key,
            type(error).__name__,
            error,
            state.upcoming_sleep,
            exc_info=None if isinstance(error, SendError) else error,
            extra=self._reply.told,
        )


STALE = "it could not be begun before its time was over (best_before)"
TOO_LATE = "it was not sent in time, and nobody waits for it any more"


class _TooLateError(Rejected):
    """It is refused by nobody but us."""


def is_too_late(reply: Outbound, clock: Clock) -> bool:
    """Tell whether nobody waits for a reply any more, and it surely was not begun."""
    best_before = reply.action.best_before
    if best_before is None and reply.begun_at is None and not reply.action.follows:
        best_before = reply.best_before
    return best_before is not None and clock.time() > best_before


def too_late(reply: Outbound) -> DeadLetter:
    """Return what becomes of a reply that nobody waits for."""
    if reply.action.best_before is not None:
        return DeadLetter("reply", TOO_LATE)
    log.warning("reply %s is stale: %s", reply.action.key, STALE, extra=reply.told)
    return DeadLetter("stale", STALE)


def refused(reply: Outbound, error: Rejected) -> DeadLetter:
    """Return what becomes of a reply that the platform refuses for good."""
    log.warning("reply %s was refused: %s", reply.action.key, error, extra=reply.told)
    return DeadLetter("reply", f"refused: {error}", repr(error), isinstance(error, Blocked))


def is_ambiguous(error: Exception) -> bool:
    """Tell whether a call that has raised this may have had an effect."""
    return not isinstance(error, (*DEFINITE, Rejected))


def _wait(state: RetryCallState) -> float:
    first_move = isinstance(error_of(state), Moved) and state.attempt_number == 1
    return 0.0 if first_move else pause(state)
