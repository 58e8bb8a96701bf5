"""Asking a platform again what it cannot tell now.

To read changes nothing, so it may be repeated, also where nobody knows whether it was done. How
long that goes on is the business of whoever asks: a turn has its time.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Awaitable, Callable
from typing import TypeVar

from tenacity import AsyncRetrying, RetryCallState, retry_if_exception_type
from tenacity.wait import wait_exponential, wait_random

from chatstate.clock import Clock
from chatstate.errors import Ambiguous, RetryAfter, Unreachable

log = logging.getLogger("chatstate.engine")

PASSING = (RetryAfter, Unreachable, Ambiguous)
"""What an adapter raises that may be otherwise later."""

T = TypeVar("T")
backoff = wait_exponential(multiplier=0.2, max=30) + wait_random(0, 0.2)
"""The pauses between calls of a platform that cannot be reached."""


async def asked_until_told(
    clock: Clock, what: str, ask: Callable[[], Awaitable[T]], *, unclear: float = math.inf
) -> T:
    """Return what `ask` returns in the end. Raises what it raises that does not pass.

    `what` is asked for, in the words of the log. After `unclear` times in all, what is ambiguous
    does not pass either.
    """

    def is_hopeless(state: RetryCallState) -> bool:
        return isinstance(error_of(state), Ambiguous) and state.attempt_number >= unclear

    def tell(state: RetryCallState) -> None:
        error = error_of(state)
        told = f"{type(error).__name__}: {error}"
        log.warning("%s cannot be had now (%s); again in %.1f s", what, told, state.upcoming_sleep)

    async def once() -> T:
        return await ask()

    asking = AsyncRetrying(
        retry=retry_if_exception_type(PASSING),
        wait=pause,
        stop=is_hopeless,
        before_sleep=tell,
        sleep=clock.sleep,
        reraise=True,
    )
    return await asking(once)


def pause(state: RetryCallState) -> float:
    """Return the seconds to wait: what the platform asks for, or longer each time."""
    error = error_of(state)
    return error.seconds if isinstance(error, RetryAfter) else backoff(state)


def error_of(state: RetryCallState) -> BaseException | None:
    """Return what a call has raised."""
    return state.outcome.exception() if state.outcome else None
