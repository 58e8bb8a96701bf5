"""Sends replies owed, in order per conversation.

1. The head of each line is sent; the next one only after it is sent or dead.
2. What the platform asks to wait for, waits; what surely did not reach it is sent again, with
   growing pauses. Neither loses anything.
3. What the platform refuses is a dead letter at once; what may have reached it is sent again a
   few times, then is a dead letter.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Mapping

from tenacity import AsyncRetrying, RetryCallState, retry_if_not_exception_type
from tenacity.wait import wait_exponential, wait_random

from chatstate.adapter import Action, Adapter
from chatstate.engine.outbound import Outbound, outbound
from chatstate.errors import Moved, Rejected, RetryAfter, SendError, Unreachable
from chatstate.stores.base import DeadLetter, Settled, Store

log = logging.getLogger("chatstate.sender")

_TAKEN = 32
_AMBIGUOUS_TRIES = 3


class Line:
    """The replies owed to one conversation. `beyond`: more are in the outbox, from before."""

    __slots__ = ("beyond", "replies", "task")

    def __init__(self) -> None:
        self.replies: deque[Outbound] = deque()
        self.beyond = False
        self.task: asyncio.Task[None] | None = None


class Sender:
    """Sends through the adapters, by account."""

    def __init__(
        self,
        store: Store,
        adapters: Mapping[int, Adapter],
        failed: Callable[[Exception], None],
    ) -> None:
        self._store = store
        self._adapters = adapters
        self._failed = failed
        self._lines: dict[int, Line] = {}

    @property
    def tasks(self) -> list[asyncio.Task[None]]:
        """The tasks of all lines that have something to send."""
        return [line.task for line in self._lines.values() if line.task]

    def add(self, reply: Outbound) -> None:
        """Send a reply that was committed after all others of its conversation."""
        line = self._line(reply.conversation)
        line.replies.append(reply)
        self._start(reply.conversation, line)

    def resume(self, conversation: int) -> None:
        """Send what an earlier process still owed, before anything newer."""
        line = self._line(conversation)
        line.beyond = True
        self._start(conversation, line)

    def _line(self, conversation: int) -> Line:
        line = self._lines.get(conversation)
        if line is None:
            self._lines[conversation] = line = Line()
        return line

    def _start(self, conversation: int, line: Line) -> None:
        if line.task is None:
            line.task = asyncio.get_running_loop().create_task(self._run(conversation, line))

    async def _run(self, conversation: int, line: Line) -> None:
        try:
            if line.beyond:
                await self._send_older(conversation)
                line.beyond = False
            while line.replies:
                await self._send(line.replies[0])
                line.replies.popleft()
        except Exception as error:  # noqa: BLE001 - the engine's fault: it stops and says so
            self._failed(error)
        finally:
            line.task = None
            if not line.replies:
                self._lines.pop(conversation, None)

    async def _send_older(self, conversation: int) -> None:
        address = await self._store.address(conversation)
        after = (0, 0)
        while owed := await self._store.take(conversation, after, _TAKEN):
            for one in owed:
                await self._send(outbound(conversation, address, one))
            after = (owed[-1].turn, owed[-1].part)

    async def _send(self, reply: Outbound) -> None:
        dead = await self._deliver(reply)
        settled = Settled(reply.conversation, reply.turn, reply.part, dead)
        await self._store.settle([settled])
        if reply.receipt:
            reply.receipt.replies -= 1
            if not reply.receipt.replies:
                reply.receipt.settle()

    async def _deliver(self, reply: Outbound) -> DeadLetter | None:
        """Return once the reply is sent, or the reason why it never will be."""
        adapter = self._adapters[reply.account]
        try:
            await adapter.perform(reply.action)
        except Exception as error:  # noqa: BLE001 - what it means is decided there
            return await _Delivery(adapter, reply.action, error).run()
        return None


class _Delivery:
    """Makes one call again and again, its first `error` being known."""

    def __init__(self, adapter: Adapter, action: Action, error: Exception) -> None:
        self._adapter = adapter
        self._action = action
        self._first: Exception | None = error
        self._ambiguous = 0

    async def run(self) -> DeadLetter | None:
        retrying = AsyncRetrying(
            retry=retry_if_not_exception_type(Rejected),
            wait=_wait,
            stop=self._stop,
            before_sleep=self._tell,
            reraise=True,
        )
        try:
            await retrying(self._perform)
        except Rejected as error:
            log.warning("reply %s was refused: %s", self._action.key, error)
            return DeadLetter("reply", str(error), repr(error))
        except Exception as error:
            log.exception("reply %s is given up: it may have been sent", self._action.key)
            return DeadLetter("reply", f"may have been sent: {error}", repr(error))
        return None

    async def _perform(self) -> None:
        if self._first:
            error, self._first = self._first, None
            raise error
        await self._adapter.perform(self._action)

    def _stop(self, state: RetryCallState) -> bool:
        error = _error(state)
        if isinstance(error, Moved):
            old = self._action
            self._action = Action(old.key, error.chat, old.thread, old.part, old.origin)
        elif not isinstance(error, RetryAfter | Unreachable):
            self._ambiguous += 1
        return self._ambiguous >= _AMBIGUOUS_TRIES

    def _tell(self, state: RetryCallState) -> None:
        error = _error(state)
        log.warning(
            "reply %s was not sent by %s (%s: %s); again in %.1f s",
            self._action.key,
            self._adapter.name,
            type(error).__name__,
            error,
            state.upcoming_sleep,
            exc_info=None if isinstance(error, SendError) else error,
        )


_backoff = wait_exponential(multiplier=0.2, max=30) + wait_random(0, 0.2)


def _wait(state: RetryCallState) -> float:
    error = _error(state)
    if isinstance(error, RetryAfter):
        return error.seconds
    return 0.0 if isinstance(error, Moved) else _backoff(state)


def _error(state: RetryCallState) -> BaseException | None:
    return state.outcome.exception() if state.outcome else None
