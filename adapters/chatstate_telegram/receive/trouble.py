"""What stands in the way of receiving: told once, with what to do about it, and tried again.

Nothing ends it but a token that is refused: an answer that is no JSON, or not as documented, may be
a proxy's, and the next one may be right.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from typing import TypeVar

from tenacity import AsyncRetrying, RetryCallState, retry_if_exception
from tenacity.wait import wait_exponential, wait_random

from chatstate import AdapterError, RetryAfter
from chatstate_telegram.client import Refusal
from chatstate_telegram.send.errors import meaning

log = logging.getLogger("chatstate.telegram")

_T = TypeVar("_T")
UNAUTHORIZED = (401, 404)
_CONFLICT = 409
_REFUSALS = 3
_backoff = wait_exponential(multiplier=0.1, max=30) + wait_random(0, 0.1)


class Trouble:
    """Makes calls again until they succeed, and tells of what is wrong when that changes.

    `lost` is told so too, and `found`, once it is set, that it is over.
    """

    def __init__(self, lost: Callable[[str], None]) -> None:
        self.lost = lost
        self.found: Callable[[], None] = lambda: None
        self._told = ""
        self._has_worked = False
        self._refused = 0

    async def until_done(self, call: Callable[[], Awaitable[_T]]) -> _T:
        """Return what the call returns in the end.

        Raises `AdapterError` if Telegram refuses the token: at once if it never took it, else
        when it has refused it several times.
        """
        retrying = AsyncRetrying(
            retry=retry_if_exception(self._is_temporary), wait=pause, reraise=True
        )
        result: _T = await retrying(call)
        if self._told:
            log.warning("Telegram: receiving again")
            self.found()
        self._told, self._has_worked, self._refused = "", True, 0
        return result

    def _is_temporary(self, error: BaseException) -> bool:
        if not isinstance(error, Exception):
            return False
        status = error.status if isinstance(error, Refusal) else 0
        if status in UNAUTHORIZED:
            self._refused += 1
            if not self._has_worked or self._refused >= _REFUSALS:
                raise AdapterError(_advice(error)) from None
        advice = _advice(error)
        if advice != self._told:
            log.warning("%s", advice)
            self._told = advice
            self.lost(advice)
        return True


def _advice(error: Exception) -> str:
    """Return what is wrong and what to do about it, in one line."""
    status = error.status if isinstance(error, Refusal) else 0
    said = error.description if isinstance(error, Refusal) else ""
    if status in UNAUTHORIZED:
        return (
            f"Telegram refuses the bot's token ({status} {said}): "
            "put the one that @BotFather gives into CHATSTATE_TELEGRAM_TOKEN"
        )
    if status == _CONFLICT and "webhook" in said.lower():
        return (
            "another process has set a webhook for this bot (409), so it cannot poll: "
            "stop that process, or run this one with --webhook; trying again"
        )
    if status == _CONFLICT:
        return (
            "another process polls with this bot's token (409), and each gets only some of the "
            "updates: stop one of them, or give it a token of its own; trying again"
        )
    return f"receiving from Telegram fails, trying again: {meaning(error)}"


def pause(state: RetryCallState) -> float:
    """Return how long to wait before a call is made again: as Telegram asks, or a little longer."""
    error = state.outcome.exception() if state.outcome else None
    what = meaning(error) if isinstance(error, Exception) else None
    return what.seconds if isinstance(what, RetryAfter) else _backoff(state)
