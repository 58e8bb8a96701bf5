"""One reply whose first try did not plainly succeed: tried again until its fate is known.

1. What surely had no effect is tried for ever, with growing pauses or as long as the platform asks.
2. What may have had one is tried a few times, or not again, as the policy says.
3. What is refused is not tried again. A chat that has moved is tried where it is now.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable

import msgspec
from tenacity import AsyncRetrying, RetryCallState, retry_if_not_exception_type

from chatstate.adapter import Action
from chatstate.clock import Clock
from chatstate.engine.asking import error_of, pause
from chatstate.errors import Moved, Rejected, RetryAfter, SendError, Unreachable
from chatstate.stores.base import DeadLetter

log = logging.getLogger("chatstate.sender")

_AMBIGUOUS_TRIES = 3

DEFINITE = (RetryAfter, Unreachable, Moved)
"""What is raised when a call surely had no effect and is to be made again."""


async def _nothing() -> None:
    """Do nothing: what is not durably begun need not be noted as unsent."""


class Delivery:
    """Makes one call again and again, its first `error` being known.

    - `perform` makes the call and returns what it raised.
    - `repeats` tells whether to try again what may have been sent.
    - `close_gate` is called when the whole account has to wait, `pass_gate` before each try,
      `moved` when the chat has a new id, `begin` and `unsent` around tries that had no effect.
    """

    repeats: Callable[[], bool]
    perform: Callable[[Action], Awaitable[Exception | None]]
    close_gate: Callable[[float], None]
    pass_gate: Callable[[], Awaitable[None]]
    moved: Callable[[str, str], Awaitable[None]]
    begin: Callable[[], Awaitable[None]] = staticmethod(_nothing)
    unsent: Callable[[], Awaitable[None]] = staticmethod(_nothing)

    def __init__(self, action: Action, clock: Clock, error: Exception) -> None:
        self._action = action
        self._chat = action.chat
        self._clock = clock
        self._first: Exception | None = error
        self._ambiguous = 0

    async def run(self) -> DeadLetter | None:
        """Return once the reply is sent, or the reason why it is given up."""
        retrying = AsyncRetrying(
            retry=retry_if_not_exception_type(Rejected),
            wait=_wait,
            stop=self._stop,
            before_sleep=self._tell,
            sleep=self._clock.sleep,
            reraise=True,
        )
        key = self._action.key
        try:
            await retrying(self._perform)
        except Rejected as error:
            log.warning("reply %s was refused: %s", key, error)
            return DeadLetter("reply", f"refused: {error}", repr(error))
        except Exception as error:
            log.exception("reply %s is given up: it may have been sent", key)
            return DeadLetter("reply", f"held: it may have been sent ({error})", repr(error))
        return None

    async def _perform(self) -> None:
        error, self._first = self._first, None
        if error is None:
            error = await self._again()
        if isinstance(error, DEFINITE):
            await self.unsent()
        if error:
            raise error

    async def _again(self) -> Exception | None:
        if self._action.chat != self._chat:
            await self.moved(self._chat, self._action.chat)
            self._chat = self._action.chat
        await self.pass_gate()
        await self.begin()
        return await self.perform(self._action)

    def _stop(self, state: RetryCallState) -> bool:
        error = error_of(state)
        if isinstance(error, Moved):
            self._action = msgspec.structs.replace(self._action, chat=error.chat)
        elif isinstance(error, RetryAfter):
            if error.account:
                self.close_gate(error.seconds)
        elif not isinstance(error, Unreachable):
            self._ambiguous += 1
            return not self.repeats() or self._ambiguous >= _AMBIGUOUS_TRIES
        return False

    def _tell(self, state: RetryCallState) -> None:
        error = error_of(state)
        log.warning(
            "reply %s was not sent (%s: %s); again in %.1f s",
            self._action.key,
            type(error).__name__,
            error,
            state.upcoming_sleep,
            exc_info=None if isinstance(error, SendError) else error,
        )


def _wait(state: RetryCallState) -> float:
    first_move = isinstance(error_of(state), Moved) and state.attempt_number == 1
    return 0.0 if first_move else pause(state)
